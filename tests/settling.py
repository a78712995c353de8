"""Builders of what settlement tests need: redemptions of a day, and their sheets."""

from backend import clock
from backend.services import orders, placards, redemptions, settlements
from backend.services.orders import Amounts
from backend.storage.models.orders import Redemption
from backend.storage.models.settlements import SettlementSheet
from tests.factories import SUPERMARKET, City, MovableClock, new_request, rows

MALL = "TJ0001"


def redeem(city: City, merchant_id: str = SUPERMARKET, *, tier: int = 1) -> str:
    """Redeem one voucher of a new resident now; return the redemption's id."""
    resident, clerk = city.resident(), city.clerk(merchant_id)
    if merchant_id not in city.placard:
        city.placard[merchant_id] = placards.issue(merchant_id, actor="test").url
    city.claim(resident, tier=tier)
    order = orders.create_at_placard(
        resident_id=resident.id,
        request_id=new_request(),
        placard_code=city.placard[merchant_id],
        amounts=Amounts(order_amount_fen=32_000),
    )
    redemptions.confirm_paid(order_id=order.id, merchant_id=merchant_id, clerk_id=clerk.id)
    return order.id


def drafted(
    city: City, moment: MovableClock, *, count: int = 2, merchant_id: str = SUPERMARKET
) -> SettlementSheet:
    """Redeem, let the day pass, and return the merchant's sheet."""
    for _ in range(count):
        redeem(city, merchant_id)
    moment.move(days=1)
    made = settlements.draft(actor="张经办")
    return settlements.sheet_of(next(i for i in made.sheet_ids if i.startswith(merchant_id)))


def approved(sheet: SettlementSheet) -> SettlementSheet:
    """Take a drafted sheet through bureau and finance."""
    settlements.approve(sheet_id=sheet.id, role="bureau", actor="李科长")
    return settlements.approve(sheet_id=sheet.id, role="finance", actor="王财政")


def sheet_of_today(merchant_id: str = SUPERMARKET) -> SettlementSheet | None:
    """Draft a merchant's sheet of the day that still runs, as no command does."""
    return settlements.draft_merchant(merchant_id, through_day=clock.today(), actor="张经办")


def discounts() -> int:
    """Return the sum of all redemptions' discounts, in fen."""
    return sum(row.discount_fen for row in rows(Redemption))
