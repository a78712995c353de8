"""The fund report (资金汇总上报): its figures, how they add up, and when it may be made.

A row is the programme, a fund, a pot (a fund's quarter, or its year), a campaign, or what a pot
spent without a campaign. Amounts in fen; every row holds
    appropriated = available + committed + locked + spent
    spent = vouchers + instant + entries + subsidies + imported - refunded.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Literal

from backend.domain.errors import HuiquanError

RowKind = Literal["programme", "fund", "pot", "campaign", "direct"]
# (field, heading) in the order of the printed columns; all of them add up over the rows below.
AMOUNTS: tuple[tuple[str, str], ...] = (
    ("appropriated_fen", "拨付（承诺）"),
    ("available_fen", "可用"),
    ("committed_fen", "已承诺未领"),
    ("locked_fen", "已领未用"),
    ("vouchers_fen", "消费券"),
    ("instant_fen", "刷卡满减"),
    ("entries_fen", "首道门票"),
    ("subsidies_fen", "专项补贴"),
    ("imported_fen", "补录支出"),
    ("refunded_fen", "退款退回"),
    ("spent_fen", "已用合计"),
    ("expired_fen", "过期退回"),
    ("unspent_fen", "未用余额"),
)
UNITS: tuple[tuple[str, str], ...] = (
    ("units", "份数"),
    ("units_claimed", "已领份"),
    ("units_used", "已用份"),
)
FIGURES = tuple(field for field, _ in (*AMOUNTS, *UNITS))
HEADINGS = dict((*AMOUNTS, *UNITS))


class ReportDayNotOver(HuiquanError):
    code = "report_day_not_over"
    message = "所选日期尚未结束，请在次日零时以后再出报表"
    category = "conflict"


class FundReportDiffers(HuiquanError):
    """`details["faults"]` lists each figure that differs: line (the row), where, reason."""

    code = "fund_report_differs"
    message = "账目与已定稿的同日报表不同，未生成文件；确需更正请用 --reason 说明原因，另出新版"
    category = "conflict"


def refuse_unless_over(as_of: date, today: date) -> None:
    """Refuse a report on a day that is not over in China."""
    if as_of >= today:
        raise ReportDayNotOver(f"{as_of} is not over on {today}")


def rate_text(part: int, whole: int) -> str:
    """Return a rate as '12.5%', rounded half up to a tenth; '—' of nothing."""
    if whole == 0:
        return "—"
    tenths = (2000 * part + whole) // (2 * whole)
    return f"{tenths // 10}.{tenths % 10}%"


def differences(
    frozen: Mapping[str, Any], found: Mapping[str, Any], *, most: int = 50
) -> list[dict[str, object]]:
    """Return what two reports of one day say otherwise: line (of the first), where, reason."""
    before = {(row["kind"], row["id"]): (n, row) for n, row in enumerate(frozen["rows"], start=1)}
    after = {(row["kind"], row["id"]): row for row in found["rows"]}
    told: list[dict[str, object]] = []
    for key, (line, row) in before.items():
        other = after.get(key)
        if other is None:
            told.append({"line": line, "where": row["name"], "reason": "本次没有这一行"})
            continue
        for field in FIGURES:
            if row[field] != other[field]:
                reason = f"{HEADINGS[field]} {row[field]} → {other[field]}"
                told.append({"line": line, "where": row["name"], "reason": reason})
    for row in (row for key, row in after.items() if key not in before):
        told.append({"line": len(before), "where": row["name"], "reason": "本次多出这一行"})
    if not told:
        told.append({"line": 1, "where": "报表", "reason": "名称或下限不同"})
    return told[:most]


def floor_lines(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, object]]:
    """Return each pot that has a floor: what it says, what was used and claimed, if reached.

    Source: plan, part four: 一季度发放不低于20万元. `given_fen` is what was used or is held.
    """
    return [
        {
            "fund_id": row["fund_id"],
            "quarter": row["quarter"],
            "name": row["name"],
            "floor_fen": row["floor_fen"],
            "spent_fen": row["spent_fen"],
            "given_fen": row["spent_fen"] + row["locked_fen"],
            "reached_by_spent": row["spent_fen"] >= row["floor_fen"],
            "reached_by_given": row["spent_fen"] + row["locked_fen"] >= row["floor_fen"],
        }
        for row in rows
        if row["kind"] == "pot" and row["floor_fen"] > 0
    ]
