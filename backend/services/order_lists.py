"""Orders and redemptions as staff look for them: by day, shop, campaign, state, payment, amount."""

from dataclasses import dataclass
from datetime import date

from backend import clock
from backend.extensions import db
from backend.services.listings import Key, KeyedListing, Listing
from backend.storage.models.orders import Order, Redemption
from backend.storage.queries import order_lists as queries
from backend.storage.queries.order_lists import Wanted


@dataclass(frozen=True, kw_only=True)
class Sought:
    """A filter as people say it: China's days, both included; a merchant's id or part of its name.

    Amounts are of orders, in fen. `state` as `queries.order_lists.Wanted` has it.
    """

    since: date | None = None
    through: date | None = None
    merchant: str = ""
    campaign_id: str = ""
    state: str = ""
    provider: str = ""
    at_least_fen: int | None = None
    at_most_fen: int | None = None
    oldest_first: bool = False


@dataclass(frozen=True)
class OrderRow:
    """An order and the name of its voucher's campaign."""

    order: Order
    campaign_name: str


@dataclass(frozen=True)
class RedemptionRow:
    """A redemption, its order, and the name of its campaign."""

    redemption: Redemption
    order: Order
    campaign_name: str


def orders(sought: Sought) -> Listing[OrderRow]:
    """Return orders by the moment they were made, the newest first unless said otherwise."""
    wanted, columns = _wanted(sought), (Order.created_at, Order.id)
    return KeyedListing(
        queries.orders(wanted),
        lambda row: OrderRow(row[0], row[1]),
        key=Key(columns, lambda row: row.order.id, falling=not sought.oldest_first),
        counted=queries.orders_counted(wanted),
    )


def redemptions(sought: Sought) -> Listing[RedemptionRow]:
    """Return redemptions by their moment, those refunded or reversed since among them."""
    wanted, columns = _wanted(sought), (Redemption.redeemed_at, Redemption.id)
    return KeyedListing(
        queries.redemptions(wanted),
        lambda row: RedemptionRow(row[0], row[1], row[2]),
        key=Key(columns, lambda row: row.redemption.id, falling=not sought.oldest_first),
        counted=queries.redemptions_counted(wanted),
    )


def _wanted(sought: Sought) -> Wanted:
    """Look the merchant up first: by its id the rows are found in an index."""
    return Wanted(
        since=clock.day_bounds(sought.since)[0] if sought.since else None,
        until=clock.day_bounds(sought.through)[1] if sought.through else None,
        merchant_ids=(
            queries.merchants_named(db.session(), sought.merchant) if sought.merchant else None
        ),
        campaign_id=sought.campaign_id,
        state=sought.state,
        provider=sought.provider,
        at_least_fen=sought.at_least_fen,
        at_most_fen=sought.at_most_fen,
    )
