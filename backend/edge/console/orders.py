"""Orders (订单) and redemptions (核销) as lists, and one order's whole story."""

from datetime import date
from typing import TYPE_CHECKING, Annotated

from flask import Response, render_template
from pydantic import Field

from backend.domain.permissions import Permission
from backend.edge.console import money_words as words
from backend.edge.console import order_steps
from backend.edge.console.access import ConsoleBlueprint, current_staff, permitted
from backend.edge.console.answers import done
from backend.edge.console.cells import Money
from backend.edge.console.forms import (
    YUAN_OR_NONE,
    Fen,
    Number,
    WithReason,
    fen_or_none,
    fresh_number,
)
from backend.edge.console.tables import Choices, Column, Filter, Table
from backend.services import (
    campaigns,
    order_lists,
    order_stories,
    refund_proposals,
    settlement_holds,
)
from backend.services.order_lists import OrderRow, RedemptionRow, Sought
from backend.services.refunds import Goods

if TYPE_CHECKING:
    from backend.services.listings import Listing

blueprint = ConsoleBlueprint("orders", __name__)
redemptions = ConsoleBlueprint("redemptions", __name__)


class OrderFilter(Filter):
    """Which orders are wanted; both days are included."""

    since: Annotated[date | None, Field(title="自")] = None
    through: Annotated[date | None, Field(title="至")] = None
    merchant: Annotated[str, Field(title="商户（编号或名称）", max_length=64)] = ""
    campaign: Annotated[str, Field(title="活动", max_length=32)] = ""
    state: Annotated[str, Field(title="状态", max_length=16)] = ""
    provider: Annotated[str, Field(title="收款方式", max_length=16)] = ""
    at_least: Annotated[str, Field(title="消费金额不低于（元）", pattern=YUAN_OR_NONE)] = ""
    at_most: Annotated[str, Field(title="消费金额不高于（元）", pattern=YUAN_OR_NONE)] = ""

    def sought(self) -> Sought:
        """Return the same in the service's words."""
        return Sought(
            since=self.since,
            through=self.through,
            merchant=self.merchant.strip(),
            campaign_id=self.campaign,
            state=self.state,
            provider=self.provider,
            at_least_fen=fen_or_none(self.at_least),
            at_most_fen=fen_or_none(self.at_most),
            oldest_first=self.sort == "at",
        )


def _orders(wanted: OrderFilter) -> "Listing[OrderRow]":
    return order_lists.orders(wanted.sought())


def _redemptions(wanted: OrderFilter) -> "Listing[RedemptionRow]":
    return order_lists.redemptions(wanted.sought())


def _campaigns() -> Choices:
    return [(campaign.id, campaign.name) for campaign in campaigns.list_all()]


def _named(states: dict[str, tuple[str, words.Tone]]) -> Choices:
    return [(code, text) for code, (text, _) in states.items()]


ORDERS: "Table[OrderRow]" = Table(
    name="orders",
    title="订单",
    permission=Permission.ORDERS_READ,
    filter=OrderFilter,
    find=_orders,
    columns=(
        Column("下单时间", lambda row: row.order.created_at, sort="at"),
        Column("订单号", lambda row: words.order_link(row.order.id), width=36),
        Column("商户编号", lambda row: row.order.merchant_id, width=12),
        Column("商户", lambda row: row.order.merchant.name, width=28),
        Column("活动", lambda row: row.campaign_name),
        Column("收款方式", lambda row: words.PROVIDERS[row.order.payment.provider]),
        Column("消费金额", lambda row: Money(row.order.order_amount_fen)),
        Column("优惠金额", lambda row: Money(row.order.discount_fen)),
        Column("实付金额", lambda row: Money(row.order.payable_fen)),
        Column("状态", lambda row: words.order_state(row.order.status, row.order.refunded_fen)),
    ),
    choices={
        "campaign": _campaigns,
        "state": lambda: _named(dict(words.ORDER_STATES)),
        "provider": lambda: list(words.PROVIDERS.items()),
    },
)
REDEMPTIONS: "Table[RedemptionRow]" = Table(
    name="redemptions",
    title="核销",
    permission=Permission.REDEMPTIONS_READ,
    filter=OrderFilter,
    find=_redemptions,
    columns=(
        Column("核销时间", lambda row: row.redemption.redeemed_at, sort="at"),
        Column("订单号", lambda row: words.order_link(row.order.id), width=36),
        Column("商户编号", lambda row: row.order.merchant_id, width=12),
        Column("商户", lambda row: row.order.merchant.name, width=28),
        Column("活动", lambda row: row.campaign_name),
        Column("收款方式", lambda row: words.PROVIDERS[row.order.payment.provider]),
        Column("消费金额", lambda row: Money(row.order.order_amount_fen)),
        Column("优惠金额", lambda row: Money(row.order.discount_fen)),
        Column("实付金额", lambda row: Money(row.order.payable_fen)),
        Column("已退货", lambda row: Money(row.order.refunded_fen)),
        Column("状态", lambda row: words.order_state(row.order.status, row.order.refunded_fen)),
    ),
    choices={
        "campaign": _campaigns,
        "state": lambda: _named(dict(words.REDEMPTION_STATES)),
        "provider": lambda: list(words.PROVIDERS.items()),
    },
)


class RefundForm(WithReason):
    """A proposed refund: how much of the goods, under the number that the page made."""

    number: Number
    amount: Fen


class HoldForm(WithReason):
    """A redemption to be held back, under the number that the page made."""

    number: Number


@blueprint.get("/orders")
@permitted(ORDERS.permission)
def page() -> Response | str:
    """List orders, the newest first."""
    return ORDERS.answer("console/orders.html")


@redemptions.get("/redemptions")
@permitted(REDEMPTIONS.permission)
def page_of_redemptions() -> Response | str:
    """List redemptions, the newest first."""
    return REDEMPTIONS.answer("console/orders.html")


@blueprint.get("/orders/<order_id:order_id>")
@permitted(Permission.ORDERS_READ)
def story(order_id: str) -> str:
    """Show all that is known of one order."""
    found = order_stories.story_of(order_id)
    order = found.payment.order
    return render_template(
        "console/order.html",
        story=found,
        order=order,
        state=words.order_state(order.status, order.refunded_fen),
        facts=order_steps.facts(found),
        steps=order_steps.steps(found),
        words=words,
        left_fen=order.order_amount_fen - order.refunded_fen,
        held=any(hold.released_at is None for hold in found.holds),
        number=fresh_number,
    )


@blueprint.post("/orders/<order_id:order_id>/refund")
@permitted(Permission.REFUNDS_PROPOSE)
def propose_refund(order_id: str) -> Response:
    """Propose a refund that another person makes."""
    form = RefundForm.read()
    goods = Goods(number=form.number, refund_amount_fen=form.amount, reason=form.reason)
    refund_proposals.propose(order_id=order_id, goods=goods, actor=current_staff().name)
    return done("已提出退款申请，待另一位工作人员办理", "orders.story", order_id=order_id)


@blueprint.post("/orders/<order_id:order_id>/hold")
@permitted(Permission.SETTLEMENTS_HOLD)
def hold(order_id: str) -> Response:
    """Hold a redemption back from settlement."""
    form = HoldForm.read()
    settlement_holds.hold(
        hold_id=form.number,
        redemption_id=order_id,
        reason=form.reason,
        actor=current_staff().name,
    )
    return done("已暂缓结算", "orders.story", order_id=order_id)
