"""A file's result as a workbook (对账结果表): sums, differences, every line.

The same data gives the same bytes.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from io import BytesIO

from sqlalchemy import select

from backend.domain.reconciliation import (
    KIND_NAMES,
    RESULT_NAMES,
    STATE_NAMES,
    TYPE_NAMES,
    bounds_of_file,
    differs_text,
)
from backend.extensions import db
from backend.services import reconciliation, workbooks
from backend.storage.models.reconciliation import OutsideFile, ReconciliationItem
from backend.storage.queries import reconciliation as queries
from backend.storage.queries.reconciliation import Verdict

Cell = str | int | Decimal | None
WIDTHS = (22, 16, 16, 34, 14, 22, 16, 16, 12, 24, 12, 12)


def workbook(file_id: int) -> bytes:
    """Return the XLSX of a file's last comparison; amounts in yuan, numbers of records as text."""
    file = reconciliation.get_file(file_id)
    target = BytesIO()
    with workbooks.workbook(target, title="对账结果") as book:
        for title, rows in (("汇总", _sums(file)), ("差异", _items(file)), ("明细", _lines(file))):
            page = workbooks.Page(book, title, WIDTHS)
            for cells in rows:
                page.row(*cells)
    return target.getvalue()


def _sums(file: OutsideFile) -> Iterator[Sequence[Cell]]:
    matched = f"{file.matched_at:%Y-%m-%d %H:%M:%S}" if file.matched_at else "尚未对账"
    yield ("对账文件", KIND_NAMES[file.kind])
    yield ("对方", file.party)
    yield ("日期", file.day.isoformat())
    yield ("文件名", file.name)
    yield ("摘要（SHA-256）", file.digest)
    yield ("收到", f"{file.taken_at:%Y-%m-%d %H:%M:%S}{'（迟到）' if file.late else ''}")
    yield ("对账", matched)
    yield ("结果", "笔数", "我方金额（元）", "对方金额（元）")
    for found in reconciliation.sums_of(file.id):
        name = RESULT_NAMES[found.result]
        yield (name, found.count, _yuan(found.our_fen), _yuan(found.their_fen))


def _items(file: OutsideFile) -> Iterator[Sequence[Cell]]:
    yield (
        *("编号", "行号", "类型", "我方号码", "结果", "不符之处", "我方金额（元）"),
        *("对方金额（元）", "状态", "原因", "经办", "复核"),
    )
    items = db.session.scalars(
        select(ReconciliationItem)
        .where(ReconciliationItem.file_id == file.id)
        .order_by(ReconciliationItem.id)
    )
    for item in items:
        yield (
            *(item.id, item.line, TYPE_NAMES[item.record_type], item.our_number),
            *(RESULT_NAMES[item.result], differs_text(item.differs)),
            *(_yuan(item.our_fen), _yuan(item.their_fen), STATE_NAMES[item.state]),
            *(item.reason, item.explained_by, item.resolved_by),
        )


def _lines(file: OutsideFile) -> Iterator[Sequence[Cell]]:
    yield (
        *("行号", "类型", "我方号码", "结果", "不符之处", "我方金额（元）", "对方金额（元）"),
        *("我方优惠（元）", "对方优惠（元）"),
    )
    start, end = bounds_of_file(file.kind, file.day)
    for verdict in queries.of_file(db.session(), file):
        yield _line(verdict)
    for verdict in queries.lacking_in_file(db.session(), file, start=start, end=end):
        yield _line(verdict)


def _line(verdict: Verdict) -> Sequence[Cell]:
    return (
        *(verdict.line, TYPE_NAMES[verdict.record_type], verdict.our_number),
        *(RESULT_NAMES[verdict.result], differs_text(verdict.differs)),
        *(_yuan(verdict.our_fen), _yuan(verdict.their_fen)),
        *(_yuan(verdict.our_discount_fen), _yuan(verdict.their_discount_fen)),
    )


def _yuan(amount_fen: int | None) -> Decimal | None:
    return None if amount_fen is None else Decimal(amount_fen) / 100
