"""Templates of the files that the console takes: headings, a sample line, each column explained.

A sample line is refused like any wrong line, so a template that nobody filled in does nothing.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass

from backend.domain.clerk_files import COLUMNS as CLERKS
from backend.gateways.bank_file_rows import EXPLANATION
from backend.services import workbooks


@dataclass(frozen=True, kw_only=True)
class Template:
    """A file that people fill in: (column, sample, explanation), in the file's order."""

    title: str
    columns: Sequence[tuple[str, str, str]]


SAMPLE = "示例：请删去此行"
MERCHANTS = Template(
    title="银行提报模板",
    columns=(
        ("商户名称", SAMPLE, "对外公布的店名，60 字以内"),
        ("营业执照名称", "同江市示例商贸有限公司", "与营业执照一致，100 字以内"),
        ("统一社会信用代码", "91230881MA0000000X", "营业执照上的 18 位代码"),
        ("营业执照编号", "2308816000001", "13 至 18 位数字或大写字母，没有则留空"),
        ("商户号", "898261000000001", "收单机构给的 15 位数字"),
        ("终端号", "00000001 00000002", "每个 8 位字母或数字，用空格隔开，没有则留空"),
        ("领域", "FOOD", "方案中的领域编号，见“商户”页的领域"),
        ("区域", "", "方案分区域的填区域名称，不分的留空"),
        ("地址", "通江街1号", "店铺地址，200 字以内"),
        ("联系人", "王示例", "负责人姓名；公布后成为店主，管理本店收银员"),
        ("联系电话", "13800000000", "负责人的 11 位手机号，用来登录商户端"),
        ("申请", "码牌", "填“POS机”或“码牌”"),
        ("承诺书版本", "1", "所签承诺书的版本号，见“承诺书”页"),
        ("签订人", "王示例", "在承诺书上签字的人"),
        ("签订日期", "2023-04-20", "写作 2023-04-20"),
    ),
)
BANK_DETAIL = Template(
    title="银行明细模板",
    columns=(
        ("活动编号", SAMPLE, "本市活动的编号，见“活动”页"),
        ("交易日期时间", "2023-04-28 10:00:00", "写作 2023-04-28 10:00:00，须是文件名上的那一天"),
        ("商户号", "898261000000001", "15 位数字"),
        ("终端号", "00000001", "8 位字母或数字"),
        ("订单号/流水号", "order-000001", "消费填本系统的订单号，撤销、退货填对应的单号"),
        ("脱敏卡号", "622202******0018", "只写前六位和后四位，中间为星号"),
        ("订单金额", "100.00", "元，最多两位小数"),
        ("优惠金额", "40.00", "元，由消费券支付的部分"),
        ("实付金额", "60.00", "元，等于订单金额减优惠金额"),
        ("交易类型", "消费", "填“消费”“撤销”或“退货”"),
        ("原流水号", "", "撤销、退货时填原来的流水号，消费留空"),
    ),
)
SPENDING = Template(
    title="补录支出模板",
    columns=(
        ("凭证号", SAMPLE, "记账凭证的编号，每笔不同"),
        ("日期", "2023-04-20", "写作 2023-04-20"),
        ("金额", "1000.00元", "元，最多两位小数，不带单位"),
        ("收款方", "示例商户", "款付给谁"),
        ("备注", "", "可以留空"),
    ),
)
CLERKS_OF_A_SHOP = Template(
    title="收银员模板",
    columns=(
        (CLERKS[0], SAMPLE, "40 字以内"),
        (CLERKS[1], "示例手机号", "本人的 11 位手机号，一个手机号只能在一家店"),
    ),
)


def workbook(template: Template) -> bytes:
    """Return a template as an Excel file: what is filled in, and beside it how."""
    out = io.BytesIO()
    with workbooks.workbook(out, title=template.title) as book:
        titles = [title for title, _, _ in template.columns]
        widths = [max(14, 2 * len(title) + 4) for title in titles]
        page = workbooks.Page(book, "填写", widths, typed_as_text=True)
        page.row(*titles, bold=True)
        page.row(*(sample for _, sample, _ in template.columns))
        explained = workbooks.Page(book, EXPLANATION, (20, 70, 30))
        explained.row("栏目", "怎么填", "示例", bold=True)
        for title, sample, words in template.columns:
            explained.row(title, words, sample)
    return out.getvalue()
