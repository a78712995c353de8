"""A bank's file of qualified merchants (提报): its columns, and its lines."""

from collections.abc import Mapping
from pathlib import Path

from backend.domain.applicants import AppliedFor
from backend.domain.reconciliation import Fault
from backend.gateways import text_tables
from backend.gateways.text_tables import Line

COLUMNS = (
    *("商户名称", "营业执照名称", "统一社会信用代码", "营业执照编号", "商户号", "终端号", "领域"),
    *("区域", "地址", "联系人", "联系电话", "申请", "承诺书版本", "签订人", "签订日期"),
)
MAX_LINES = 2_000
APPLIED_FOR: Mapping[str, AppliedFor] = {"POS机": "pos", "码牌": "placard"}


def read_rows(path: Path, name: str, faults: list[Fault]) -> list[Line]:
    """Return (line, cells by column) of a file; what cannot be read is added to the faults."""
    return text_tables.read_rows(
        path, name, faults, columns=COLUMNS, max_lines=MAX_LINES, days=("签订日期",)
    )
