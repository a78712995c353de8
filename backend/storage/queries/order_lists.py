"""Lists of orders and of redemptions for staff, by filters that indexes answer."""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session, contains_eager, raiseload

from backend.storage.models.campaigns import Campaign
from backend.storage.models.merchants import Merchant
from backend.storage.models.orders import Order, Payment, Redemption, Reversal
from backend.storage.models.refunds import Refund

Rows = Select[*tuple[Any, ...]]
_ORDER = (
    contains_eager(Order.payment),
    contains_eager(Order.merchant).raiseload(Merchant.domain),
)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What staff look for; None and the empty text are no wish. Amounts of the order, in fen.

    :param state: an order's status, or `part_refunded`: redeemed, with some goods given back
    """

    since: datetime | None = None
    until: datetime | None = None  # exclusive
    merchant_ids: tuple[str, ...] | None = None
    campaign_id: str = ""
    state: str = ""
    provider: str = ""
    at_least_fen: int | None = None
    at_most_fen: int | None = None


def merchants_named(session: Session, text: str) -> tuple[str, ...]:
    """Return the merchants with this id, or with this text in their name."""
    named = or_(Merchant.id == text, Merchant.name.contains(text, autoescape=True))
    return tuple(session.scalars(select(Merchant.id).where(named).order_by(Merchant.id)))


def redemptions(wanted: Wanted) -> Rows:
    """Return (redemption, order with payment and merchant, campaign's name)."""
    return (
        select(Redemption, Order, Campaign.name)
        .join(Order, Order.id == Redemption.id)
        .join(Payment, Payment.order_id == Redemption.id)
        .join(Merchant, Merchant.id == Redemption.merchant_id)
        .join(Campaign, Campaign.id == Redemption.campaign_id)
        .options(raiseload(Redemption.clerk), *_ORDER)
        .where(*_wishes(Redemption, Redemption.redeemed_at, wanted))
    )


def redemptions_counted(wanted: Wanted) -> Rows:
    """Return the same redemptions by number, from no more tables than the filter needs."""
    found: Rows = select(Redemption.id)
    if wanted.state not in ("", "reversed"):
        found = found.join(Order, Order.id == Redemption.id)
    if wanted.provider:
        found = found.join(Payment, Payment.order_id == Redemption.id)
    return found.where(*_wishes(Redemption, Redemption.redeemed_at, wanted))


def orders(wanted: Wanted) -> Rows:
    """Return (order with payment and merchant, campaign's name)."""
    return (
        select(Order, Campaign.name)
        .join(Payment, Payment.order_id == Order.id)
        .join(Merchant, Merchant.id == Order.merchant_id)
        .join(Campaign, Campaign.id == Order.campaign_id)
        .options(*_ORDER)
        .where(*_wishes(Order, Order.created_at, wanted))
    )


def orders_counted(wanted: Wanted) -> Rows:
    """Return the same orders by number, from no more tables than the filter needs."""
    found: Rows = select(Order.id)
    if wanted.provider:
        found = found.join(Payment, Payment.order_id == Order.id)
    return found.where(*_wishes(Order, Order.created_at, wanted))


def _wishes(
    rows: type[Order] | type[Redemption], moment: Any, wanted: Wanted
) -> list[ColumnElement[bool]]:
    """Return the conditions, on the list's own table wherever it has the column.

    So one index both finds and orders.
    """
    wishes = _in_state(wanted.state) if rows is Order else _redeemed_in_state(wanted.state)
    if wanted.provider:
        wishes.append(Payment.provider == wanted.provider)
    if wanted.merchant_ids is not None:
        wishes.append(rows.merchant_id.in_(wanted.merchant_ids))
    if wanted.campaign_id:
        wishes.append(rows.campaign_id == wanted.campaign_id)
    return [
        *wishes,
        *_within(moment, wanted.since, operator.ge),
        *_within(moment, wanted.until, operator.lt),
        *_within(rows.order_amount_fen, wanted.at_least_fen, operator.ge),
        *_within(rows.order_amount_fen, wanted.at_most_fen, operator.le),
    ]


def _within(
    column: Any, bound: Any, compared: Callable[[Any, Any], ColumnElement[bool]]
) -> list[ColumnElement[bool]]:
    return [] if bound is None else [compared(column, bound)]


def _in_state(state: str) -> list[ColumnElement[bool]]:
    if state == "part_refunded":
        return [Order.status == "redeemed", Order.refunded_fen > 0]
    return [Order.status == state] if state else []


def _redeemed_in_state(state: str) -> list[ColumnElement[bool]]:
    """Return the same by the small tables of what came back.

    To ask a million orders, in the order of their redemptions, which are among the few takes a
    third of a second.
    """
    if state == "reversed":
        return [Redemption.id.in_(select(Reversal.id))]
    if state == "part_refunded":
        return [Redemption.id.in_(select(Refund.order_id)), Order.status == "redeemed"]
    return _in_state(state)
