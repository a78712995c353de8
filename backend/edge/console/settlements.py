"""Settlement sheets (结算单): drafted, approved by bureau and finance, and what is held (暂缓)."""

from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated

from flask import Response, render_template, request
from pydantic import Field

from backend import clock
from backend.domain import settlements as domain
from backend.domain.money import yuan_grouped
from backend.domain.permissions import Permission
from backend.edge.console import money_words as words
from backend.edge.console.access import ConsoleBlueprint, current_staff, permitted
from backend.edge.console.answers import attachment, done
from backend.edge.console.cells import Badge, Link, Money
from backend.edge.console.forms import Form, Reason, WithReason
from backend.edge.console.tables import PAGE_ROWS, Column, Filter, Table
from backend.services import (
    money_lists,
    payouts,
    settlement_files,
    settlement_holds,
    settlements,
)

if TYPE_CHECKING:
    from backend.services.listings import Listing
    from backend.storage.models.settlements import SettlementHold, SettlementSheet

blueprint = ConsoleBlueprint("settlements", __name__)
holds = ConsoleBlueprint("settlement_holds", __name__)
HELD, ENDED = Badge("暂缓中", "bad"), Badge("已解除")


class SheetFilter(Filter):
    """Which sheets are wanted, by their last business day; both days are included."""

    since: Annotated[date | None, Field(title="截止日自")] = None
    through: Annotated[date | None, Field(title="截止日至")] = None
    merchant: Annotated[str, Field(title="商户（编号或名称）", max_length=64)] = ""
    state: Annotated[str, Field(title="状态", max_length=16)] = ""


class HoldFilter(Filter):
    """Which holds are wanted."""

    state: Annotated[str, Field(title="状态", max_length=16)] = ""


class DraftForm(Form):
    """The last business day to settle; yesterday when it is left empty."""

    through: date | None = None


class RemarkForm(Form):
    """An approval may say something."""

    remark: Reason | None = None


def _sheets(wanted: SheetFilter) -> "Listing[SettlementSheet]":
    return money_lists.sheets(
        merchant=wanted.merchant, state=wanted.state, since=wanted.since, through=wanted.through
    )


def _holds(wanted: HoldFilter) -> "Listing[SettlementHold]":
    return money_lists.holds(wanted.state)


SHEETS: "Table[SettlementSheet]" = Table(
    name="settlement_sheets",
    title="结算单",
    permission=Permission.SETTLEMENTS_READ,
    filter=SheetFilter,
    find=_sheets,
    columns=(
        Column("结算单号", lambda s: Link(s.id, "settlements.sheet", {"sheet_id": s.id}), width=26),
        Column("商户", lambda s: s.merchant.name, width=28),
        Column("起始日", lambda s: s.from_day, width=12),
        Column("截止日", lambda s: s.through_day, width=12),
        Column("笔数", lambda s: s.line_count, width=8),
        Column("应付金额", lambda s: Money(s.amount_fen)),
        Column("状态", lambda s: words.sheet_state(s.state)),
        Column("生成时间", lambda s: s.drafted_at),
    ),
    choices={"state": lambda: list(domain.STATE_NAMES.items())},
)
HOLDS: "Table[SettlementHold]" = Table(
    name="settlement_holds",
    title="暂缓结算",
    permission=Permission.SETTLEMENTS_READ,
    filter=HoldFilter,
    find=_holds,
    columns=(
        Column(
            "暂缓编号", lambda h: Link(h.id, "settlement_holds.hold", {"hold_id": h.id}), width=26
        ),
        Column("订单号", lambda h: words.order_link(h.redemption_id), width=36),
        Column("暂缓时间", lambda h: h.held_at),
        Column("经办人", lambda h: h.held_by),
        Column("原因", lambda h: h.reason, width=40),
        Column("状态", lambda h: ENDED if h.released_at else HELD),
        Column("解除人", lambda h: h.released_by),
        Column("解除原因", lambda h: h.release_reason, width=40),
    ),
    choices={"state": lambda: [("open", "暂缓中"), ("released", "已解除")]},
)


@blueprint.get("/settlements")
@permitted(SHEETS.permission)
def page() -> Response | str:
    """List sheets, the newest days first."""
    return SHEETS.answer("console/settlements.html", yesterday=clock.today() - timedelta(days=1))


@blueprint.post("/settlements")
@permitted(Permission.SETTLEMENTS_DRAFT)
def draft() -> Response:
    """Draft sheets of all that is open."""
    made = settlements.draft(through_day=DraftForm.read().through, actor=current_staff().name)
    carried = f"；{len(made.carried)} 家商户应付不大于零，结转下次" if made.carried else ""
    return done(
        f"截至 {made.through_day} 已生成 {len(made.sheet_ids)} 张结算单，"
        f"合计 {yuan_grouped(made.amount_fen)} 元{carried}",
        "settlements.page",
    )


@blueprint.get("/settlements/<sheet_id:sheet_id>")
@permitted(Permission.SETTLEMENTS_READ)
def sheet(sheet_id: str) -> str:
    """Show a sheet: its steps, its lines, how the bank paid it."""
    found = settlements.sheet_of(sheet_id)
    number = Filter.read(request.args).page
    lines = settlements.lines(sheet_id, page=number, page_size=PAGE_ROWS)
    steps = [
        (
            domain.ACT_NAMES[step.act],  # type: ignore[index]  # a CHECK
            "bad" if step.act in ("reject", "fail_payout") else "good",
            step.at,
            words.who(step.actor),
            step.remark,
        )
        for step in settlements.steps(sheet_id)
    ]
    return render_template(
        "console/settlement.html",
        sheet=found,
        state=words.sheet_state(found.state),
        steps=steps,
        lines=lines,
        sources=domain.SOURCE_NAMES,
        number=number,
        more=number * PAGE_ROWS < found.line_count,
        attempts=payouts.attempts(sheet_id),
        words=words,
    )


@blueprint.get("/settlements/<sheet_id:sheet_id>/excel")
@permitted(Permission.SETTLEMENTS_READ)
def excel(sheet_id: str) -> Response:
    """Answer a sheet as its merchant gets it, as Excel."""
    return attachment(settlement_files.excel(sheet_id), f"{sheet_id}.xlsx")


@blueprint.get("/settlements/<sheet_id:sheet_id>/pdf")
@permitted(Permission.SETTLEMENTS_READ)
def pdf(sheet_id: str) -> Response:
    """Answer a sheet as its merchant gets it, as PDF."""
    return attachment(settlement_files.pdf(sheet_id), f"{sheet_id}.pdf")


@blueprint.post("/settlements/<sheet_id:sheet_id>/bureau")
@permitted(Permission.SETTLEMENTS_APPROVE_BUREAU)
def approve_for_bureau(sheet_id: str) -> Response:
    """Approve a sheet for the bureau."""
    return _approve(sheet_id, "bureau")


@blueprint.post("/settlements/<sheet_id:sheet_id>/finance")
@permitted(Permission.SETTLEMENTS_APPROVE_FINANCE)
def approve_for_finance(sheet_id: str) -> Response:
    """Approve a sheet for finance."""
    return _approve(sheet_id, "finance")


@blueprint.post("/settlements/<sheet_id:sheet_id>/bureau/reject")
@permitted(Permission.SETTLEMENTS_APPROVE_BUREAU)
def reject_for_bureau(sheet_id: str) -> Response:
    """Send a sheet back for the bureau; its lines are free."""
    return _reject(sheet_id, "bureau")


@blueprint.post("/settlements/<sheet_id:sheet_id>/finance/reject")
@permitted(Permission.SETTLEMENTS_APPROVE_FINANCE)
def reject_for_finance(sheet_id: str) -> Response:
    """Send a sheet back for finance; its lines are free."""
    return _reject(sheet_id, "finance")


@holds.get("/settlement-holds")
@permitted(HOLDS.permission)
def page_of_holds() -> Response | str:
    """List what is held back."""
    return HOLDS.answer("console/orders.html")


@holds.get("/settlement-holds/<hold_id>")
@permitted(Permission.SETTLEMENTS_READ)
def hold(hold_id: str) -> str:
    """Show a hold, and the form that ends it."""
    return render_template("console/settlement_hold.html", hold=settlement_holds.get(hold_id))


@holds.post("/settlement-holds/<hold_id>/release")
@permitted(Permission.SETTLEMENTS_HOLD)
def release(hold_id: str) -> Response:
    """End a hold, as another person than who held it."""
    settlement_holds.release(
        hold_id=hold_id, reason=WithReason.read().reason, actor=current_staff().name
    )
    return done("已解除暂缓，下次生成结算单时编入", "settlement_holds.hold", hold_id=hold_id)


def _approve(sheet_id: str, role: domain.Role) -> Response:
    remark = RemarkForm.read().remark
    settlements.approve(sheet_id=sheet_id, role=role, actor=current_staff().name, remark=remark)
    return done("已审核通过", "settlements.sheet", sheet_id=sheet_id)


def _reject(sheet_id: str, role: domain.Role) -> Response:
    reason = WithReason.read().reason
    settlements.reject(sheet_id=sheet_id, role=role, actor=current_staff().name, reason=reason)
    return done("已退回，单内各笔可编入下一张结算单", "settlements.sheet", sheet_id=sheet_id)
