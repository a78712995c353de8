"""How the programme does (成效分析): five lists over some days, each with its chart and Excel."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Annotated, Any

from flask import Response, request
from pydantic import Field

from backend import clock
from backend.domain.analytics import MAX_DAYS, WARNING_PERCENT, BurnDay
from backend.domain.errors import InvalidRequest
from backend.domain.permissions import Permission
from backend.edge.console.access import ConsoleBlueprint, permitted
from backend.edge.console.cells import Cell, Link, Money, Ratio
from backend.edge.console.charts import Chart
from backend.edge.console.tables import Column, Filter, Table
from backend.edge.public.words import MODE_NAMES
from backend.services import analytics, budgets
from backend.services.analytics import Burn, Hour, Pull, ShopRow, Stage
from backend.services.listings import Computed

blueprint = ConsoleBlueprint("analytics", __name__)
LAST_DAYS = 30
WEEKDAYS = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
CHARTED = 10  # merchants in the picture; the table has all
VIEWS = (
    ("资金消耗", "analytics.page"),
    ("领用转化", "analytics.funnel"),
    ("拉动消费", "analytics.pull"),
    ("核销时段", "analytics.hours"),
    ("商户排名", "analytics.merchants"),
)


class Days(Filter):
    """Which days are wanted, both included; without a wish the last 30."""

    since: Annotated[date | None, Field(title="自")] = None
    through: Annotated[date | None, Field(title="至")] = None

    @property
    def span(self) -> tuple[date, date]:
        """The days. Raises InvalidRequest when they are in the wrong order or too many."""
        through = self.through or clock.today()
        since = self.since or through - timedelta(days=LAST_DAYS - 1)
        if not 0 <= (through - since).days < MAX_DAYS:
            raise InvalidRequest(
                "days", details={"fields": {"since": f"at most {MAX_DAYS} days, in their order"}}
            )
        return since, through


class BurnFilter(Days):
    """Which fund's days are wanted; without a wish all funds'."""

    fund: Annotated[str, Field(title="资金", max_length=64)] = ""


def _burn(wanted: BurnFilter) -> Burn:
    return analytics.burn_down(*wanted.span, fund_id=wanted.fund)


BURN: Table[BurnDay] = Table(
    name="analytics_burn",
    title="资金消耗",
    permission=Permission.ANALYTICS_READ,
    filter=BurnFilter,
    find=lambda wanted: Computed(_burn(wanted).days),
    columns=(
        Column("日期", lambda row: row.day),
        Column("当日支出（元）", lambda row: Money(row.spent_fen)),
        Column("剩余（元）", lambda row: Money(row.left_fen)),
        Column("按计划应剩（元）", lambda row: Money(row.planned_left_fen)),
        Column("比计划多剩（元）", lambda row: Money(row.left_fen - row.planned_left_fen)),
    ),
    choices={"fund": lambda: [(fund.id, fund.name) for fund in budgets.funds()]},
)
FUNNEL: Table[Stage] = Table(
    name="analytics_funnel",
    title="领用转化",
    permission=Permission.ANALYTICS_READ,
    filter=Days,
    find=lambda wanted: Computed(analytics.funnel(*wanted.span)),
    columns=(
        Column("方式", lambda row: MODE_NAMES[row.mode]),
        Column(
            "活动",
            lambda row: Link(row.name, "campaigns.one", {"campaign_id": row.campaign_id}),
            width=30,
        ),
        Column("投放", lambda row: row.issued),
        Column("领取", lambda row: row.claimed),
        Column("核销", lambda row: row.used),
        Column("已结算", lambda row: row.settled),
        Column("领取率（%）", lambda row: Ratio(row.claimed, row.issued, 100)),
        Column("核销率（%）", lambda row: Ratio(row.used, row.claimed, 100)),
        Column("结算率（%）", lambda row: Ratio(row.settled, row.used, 100)),
    ),
)
PULL: Table[Pull] = Table(
    name="analytics_pull",
    title="拉动消费",
    permission=Permission.ANALYTICS_READ,
    filter=Days,
    find=lambda wanted: Computed(analytics.pull_through(*wanted.span)),
    columns=(
        Column("活动", lambda row: row.campaign, width=30),
        Column("领域", lambda row: row.domain),
        Column("核销笔数", lambda row: row.redemptions),
        Column("消费额（元）", lambda row: Money(row.sales_fen)),
        Column("补贴（元）", lambda row: Money(row.subsidy_fen)),
        Column("拉动倍数", lambda row: Ratio(row.sales_fen, row.subsidy_fen)),
    ),
)
HOURS: Table[Hour] = Table(
    name="analytics_hours",
    title="核销时段",
    permission=Permission.ANALYTICS_READ,
    filter=Days,
    find=lambda wanted: Computed(analytics.hours(*wanted.span)),
    columns=(
        Column("时段", lambda row: f"{row.hour} 时"),
        *(
            Column(name, lambda row, place=place: row.counts[place])  # type: ignore[misc]  # its own place
            for place, name in enumerate(WEEKDAYS)
        ),
        Column("合计", lambda row: sum(row.counts)),
    ),
)
MERCHANTS: Table[ShopRow] = Table(
    name="analytics_merchants",
    title="商户排名",
    permission=Permission.ANALYTICS_READ,
    filter=Days,
    find=lambda wanted: Computed(analytics.merchants(*wanted.span)),
    columns=(
        Column(
            "商户",
            lambda row: Link(row.name, "merchants.one", {"merchant_id": row.sums.merchant_id}),
            width=30,
        ),
        Column("领域", lambda row: row.domain),
        Column("核销笔数", lambda row: row.sums.redemptions),
        Column("消费额（元）", lambda row: Money(row.sums.sales_fen)),
        Column("补贴（元）", lambda row: Money(row.sums.subsidy_fen)),
        Column("占比（%）", lambda row: Ratio(row.sums.subsidy_fen, row.total_fen, 100)),
        Column("夜间笔数", lambda row: row.sums.night_redemptions),
        Column("退款笔数", lambda row: row.sums.refunds),
        Column("值得查看", lambda row: "；".join(row.oddities), width=40),
    ),
)


@blueprint.get("/analytics")
@permitted(Permission.ANALYTICS_READ)
def page() -> Response | str:
    """Show what is left of the money, day by day, against the plan."""
    wanted = BurnFilter.read(request.args)
    burn = _burn(wanted)
    chart = Chart(
        title="剩余资金与计划",
        kind="line",
        unit="元",
        labels=[f"{row.day:%m-%d}" for row in burn.days],
        series={
            "剩余": [row.left_fen / 100 for row in burn.days],
            "按计划应剩": [row.planned_left_fen / 100 for row in burn.days],
            f"预警线（{WARNING_PERCENT}%）": [burn.warning_fen / 100] * len(burn.days),
        },
    )
    note = "支出已减去冲正和退款；计划按各季度上限在季度内逐日均摊，季度外资金在全年均摊。"
    return _answer(BURN, burn.days, chart, note, figures=_figures(burn), runs_out=burn.runs_out)


@blueprint.get("/analytics/funnel")
@permitted(Permission.ANALYTICS_READ)
def funnel() -> Response | str:
    """Show how far the units of each campaign came."""
    rows = analytics.funnel(*Days.read(request.args).span)
    modes = list(dict.fromkeys(row.mode for row in rows))
    counts = {
        name: [sum(getattr(row, field) for row in rows if row.mode == mode) for mode in modes]
        for name, field in (
            ("投放", "issued"),
            ("领取", "claimed"),
            ("核销", "used"),
            ("已结算", "settled"),
        )
    }
    chart = Chart(
        title="各方式从投放到结算",
        kind="bar",
        unit="份",
        labels=[MODE_NAMES[mode] for mode in modes],
        series=counts,
    )
    note = "投放为活动全部份数，其余为所选日期内发生的；专项补贴按申请日计，核销即审核通过。"
    return _answer(FUNNEL, rows, chart, note)


@blueprint.get("/analytics/pull")
@permitted(Permission.ANALYTICS_READ)
def pull() -> Response | str:
    """Show what the subsidy sold."""
    rows = analytics.pull_through(*Days.read(request.args).span)
    sales: Counter[str] = Counter()
    subsidy: Counter[str] = Counter()
    for row in rows:
        sales[row.domain] += row.sales_fen
        subsidy[row.domain] += row.subsidy_fen
    chart = Chart(
        title="各领域消费额与补贴",
        kind="bar",
        unit="元",
        labels=list(sales),
        series={
            "消费额": [sales[name] / 100 for name in sales],
            "补贴": [subsidy[name] / 100 for name in sales],
        },
    )
    figures = [
        ("消费额（元）", Money(sales.total()), None),
        ("补贴（元）", Money(subsidy.total()), None),
        ("拉动倍数", Ratio(sales.total(), subsidy.total()), "每 1 元补贴对应的消费额"),
    ]
    note = "消费额为用券订单的应付总额，已减去冲正和退款，退款计入退款当日。"
    return _answer(PULL, rows, chart, note, figures=figures)


@blueprint.get("/analytics/hours")
@permitted(Permission.ANALYTICS_READ)
def hours() -> Response | str:
    """Show when vouchers are used."""
    rows = analytics.hours(*Days.read(request.args).span)
    chart = Chart(
        title="一周各时段核销",
        kind="heat",
        unit="笔",
        labels=[f"{row.hour} 时" for row in rows],
        series={name: [row.counts[n] for row in rows] for n, name in enumerate(WEEKDAYS)},
    )
    return _answer(HOURS, rows, chart, "按核销时间计，含后来冲正的。")


@blueprint.get("/analytics/merchants")
@permitted(Permission.ANALYTICS_READ)
def merchants() -> Response | str:
    """Show who redeems most, and what of it is odd."""
    rows = analytics.merchants(*Days.read(request.args).span)
    chart = Chart(
        title=f"补贴最多的 {CHARTED} 家商户",
        kind="bar",
        unit="元",
        labels=[row.name for row in rows[:CHARTED]],
        series={"补贴": [row.sums.subsidy_fen / 100 for row in rows[:CHARTED]]},
    )
    note = "“值得查看”只是提示，不代表违规；请结合订单和现场核实后再处理。"
    return _answer(MERCHANTS, rows, chart, note)


def _answer(
    table: Table[Any], rows: Sequence[Any], chart: Chart, note: str, **more: Any
) -> Response | str:
    """Answer a list whose rows were read once: its picture and its table tell the same moment."""
    since, through = table.filter.read(request.args).span  # type: ignore[attr-defined]  # Days
    return replace(table, find=lambda _: Computed(rows)).answer(
        "console/analytics.html",
        chart=chart if rows else None,
        note=note,
        days=f"{since} 至 {through}",
        views=VIEWS,
        **more,
    )


def _figures(burn: Burn) -> list[tuple[str, Cell, str | None]]:
    spent_fen = sum(row.spent_fen for row in burn.days)
    pace_fen = spent_fen // len(burn.days) if burn.days else 0
    return [
        ("预算（元）", Money(burn.budget_fen), None),
        ("剩余（元）", Money(burn.left_fen), None),
        ("日均支出（元）", Money(pace_fen), "所选日期的平均"),
        (
            "预计用完",
            burn.empty_on or "尚无法估计",
            f"按所选日期的日均；活动最晚至 {burn.ends_on}" if burn.ends_on else None,
        ),
    ]
