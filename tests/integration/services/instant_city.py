"""What the tests of instant discounts share: running campaigns, buyers, a count of all sides."""

from datetime import datetime
from typing import Any

from sqlalchemy import update

from backend.clock import CHINA
from backend.domain.errors import HuiquanError
from backend.domain.vouchers import Quote
from backend.extensions import db, redis_handle
from backend.services import campaigns, ledger, orders, placards, quota_checks, quotes
from backend.services.orders import Amounts
from backend.storage.models.campaigns import Campaign
from backend.storage.models.orders import Order
from backend.storage.models.vouchers import PendingReturn, Voucher
from backend.storage.redis import quota
from backend.storage.sql import transaction
from tests.factories import SUPERMARKET, City, Person, approve, new_request, rows

ICE, FUEL = "Q4-ICE", "Q2-FUEL"
STATION = "TJ0008"
EARLIER = datetime(2023, 4, 1, tzinfo=CHINA)


def run_instant(campaign_id: str = ICE, **changes: Any) -> None:
    """Run an instant campaign of the sample from 1 April on, with other terms where named."""
    with transaction() as session:
        values = {"opens_at": EARLIER, "fund_id": "FUND93", **changes}
        session.execute(update(Campaign).where(Campaign.id == campaign_id).values(**values))
    approve(campaign_id, actor="test")
    campaigns.run(campaign_id, actor="test")


def buyer(city: City) -> Person:
    """Return a resident with a bound card."""
    person = city.resident()
    city.bind_card(person)
    return person


def buy(
    city: City,
    person: Person,
    amount_fen: int,
    *,
    request_id: str = "",
    merchant_id: str = SUPERMARKET,
) -> Order:
    """Order at a placard of a merchant."""
    return orders.create_at_placard(
        resident_id=person.id,
        request_id=request_id or new_request(),
        placard_code=placard(city, merchant_id),
        amounts=Amounts(order_amount_fen=amount_fen),
    )


def attempt(city: City, person: Person, amount_fen: int, **more: str) -> str:
    """Order in a thread of its own; return the order's id or the refusal's code."""
    with city.app.app_context():
        try:
            return buy(city, person, amount_fen, **more).id
        except HuiquanError as refused:
            return refused.code


def quoted(city: City, person: Person, amount_fen: int, merchant_id: str = SUPERMARKET) -> Quote:
    """Ask what a purchase would cost."""
    return quotes.at_placard(
        resident_id=person.id,
        placard_code=placard(city, merchant_id),
        order_amount_fen=amount_fen,
    )


def placard(city: City, merchant_id: str) -> str:
    """Return the link of a merchant's placard, issued once."""
    if merchant_id not in city.placard:
        city.placard[merchant_id] = placards.issue(merchant_id, actor="test").url
    return city.placard[merchant_id]


def left(campaign_id: str = ICE) -> dict[int, int]:
    """Return the units left by tier position, as Valkey has them."""
    terms = campaigns.SNAPSHOTS.read(campaign_id)
    db.session.rollback()
    return quota.left(redis_handle.client, terms)


def statuses() -> list[str]:
    """Return the status of each voucher and unit, in the order of their numbers."""
    return [unit.status for unit in sorted(rows(Voucher), key=lambda row: row.id)]


def pending() -> int:
    """Return how many units Valkey has still to give back."""
    return len(rows(PendingReturn))


def all_agree() -> bool:
    """Whether Valkey, SQL and the ledger say the same."""
    quotas = quota_checks.check(looks=1).differences
    books = ledger.check().differences
    db.session.rollback()
    assert (quotas, books) == ((), ())
    return True
