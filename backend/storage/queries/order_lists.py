"""Lists of orders and of redemptions for staff, by filters that indexes answer."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session, contains_eager, raiseload

from backend.storage.models.campaigns import Campaign
from backend.storage.models.merchants import Merchant
from backend.storage.models.orders import Order, Payment, Redemption
from backend.storage.models.vouchers import Voucher

Rows = Select[*tuple[Any, ...]]


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
    oldest_first: bool = False


def merchants_named(session: Session, text: str) -> tuple[str, ...]:
    """Return the merchants with this id, or with this text in their name."""
    named = or_(Merchant.id == text, Merchant.name.contains(text, autoescape=True))
    return tuple(session.scalars(select(Merchant.id).where(named).order_by(Merchant.id)))


def redemptions(wanted: Wanted) -> Rows:
    """Return (redemption, order with payment and merchant, campaign's name)."""
    found: Rows = (
        select(Redemption, Order, Campaign.name)
        .join(Order, Order.id == Redemption.id)
        .join(Campaign, Campaign.id == Redemption.campaign_id)
        .options(raiseload(Redemption.clerk))
        .where(*_between(Redemption.redeemed_at, wanted))
    )
    if wanted.merchant_ids is not None:
        found = found.where(Redemption.merchant_id.in_(wanted.merchant_ids))
    if wanted.campaign_id:
        found = found.where(Redemption.campaign_id == wanted.campaign_id)
    return _narrowed(found, Redemption.redeemed_at, wanted)


def orders(wanted: Wanted) -> Rows:
    """Return (order with payment and merchant, campaign's name)."""
    found: Rows = (
        select(Order, Campaign.name)
        .join(Voucher, Voucher.id == Order.voucher_id)
        .join(Campaign, Campaign.id == Voucher.campaign_id)
        .where(*_between(Order.created_at, wanted))
    )
    if wanted.merchant_ids is not None:
        found = found.where(Order.merchant_id.in_(wanted.merchant_ids))
    if wanted.campaign_id:
        found = found.where(Voucher.campaign_id == wanted.campaign_id)
    return _narrowed(found, Order.created_at, wanted)


def _between(moment: Any, wanted: Wanted) -> list[ColumnElement[bool]]:
    since = [] if wanted.since is None else [moment >= wanted.since]
    return since if wanted.until is None else [*since, moment < wanted.until]


def _narrowed(found: Rows, moment: Any, wanted: Wanted) -> Rows:
    found = (
        found.join(Payment, Payment.order_id == Order.id)
        .join(Merchant, Merchant.id == Order.merchant_id)
        .options(
            contains_eager(Order.payment),
            contains_eager(Order.merchant).raiseload(Merchant.domain),
        )
    )
    if wanted.state:
        is_part = wanted.state == "part_refunded"
        found = found.where(Order.status == ("redeemed" if is_part else wanted.state))
        if is_part:
            found = found.where(Order.refunded_fen > 0)
    if wanted.provider:
        found = found.where(Payment.provider == wanted.provider)
    if wanted.at_least_fen is not None:
        found = found.where(Order.order_amount_fen >= wanted.at_least_fen)
    if wanted.at_most_fen is not None:
        found = found.where(Order.order_amount_fen <= wanted.at_most_fen)
    ways = (moment, Order.id) if wanted.oldest_first else (moment.desc(), Order.id.desc())
    return found.order_by(*ways)
