"""What the tests of reconciliation share: orders of both kinds, a file compared, what was found."""

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import update

from backend import clock
from backend.services import orders, reconciliation, redemptions
from backend.services.orders import Amounts
from backend.storage.models.merchants import Merchant
from backend.storage.models.orders import Order, Payment
from backend.storage.models.reconciliation import ReconciliationItem, ReconciliationSum
from backend.storage.sql import transaction
from tests.bank_details import BANK, MERCHANT_NUMBER, detail, take_detail
from tests.factories import SUPERMARKET, City, new_request, rows


def name_the_shop() -> None:
    """Give the shop the merchant number that the bank's lines name."""
    with transaction() as session:
        session.execute(
            update(Merchant)
            .where(Merchant.id == SUPERMARKET)
            .values(merchant_number=MERCHANT_NUMBER)
        )


def redeemed(city: City, *, tier: int = 2, order_fen: int = 10_000) -> Order:
    """Return an order of 100 yuan with 30 taken off, paid at the till."""
    resident, clerk = city.resident(), city.clerk()
    city.claim(resident, tier=tier)
    order = orders.create_at_placard(
        resident_id=resident.id,
        request_id=new_request(),
        placard_code=city.placard[SUPERMARKET],
        amounts=Amounts(order_amount_fen=order_fen),
    )
    redemptions.confirm_paid(order_id=order.id, merchant_id=SUPERMARKET, clerk_id=clerk.id)
    return order


def at_the_banks_till(order: Order, *, bank: str = BANK, status: str = "redeemed") -> str:
    """Make an order one that the bank's till sent under its own number; return that."""
    number = f"till-{order.id[:12]}"
    with transaction() as session:
        session.execute(
            update(Order)
            .where(Order.id == order.id)
            .values(
                entry="bank_till", requested_by=f"bank:{bank}", request_id=number, status=status
            )
        )
    return number


def collected_by(order: Order, provider: str) -> None:
    with transaction() as session:
        session.execute(
            update(Payment).where(Payment.order_id == order.id).values(provider=provider)
        )


def moment_of(day: date, **after: float) -> datetime:
    return clock.day_bounds(day)[0] + timedelta(**after)


def compare(*lines: dict[str, Any], **changed: Any) -> dict[str, tuple[int, int, int]]:
    """Take a file and compare it; return (count, our fen, their fen) by result."""
    return results(reconciliation.run(take_detail(detail(lines), **changed).file.id))


def results(sums: list[ReconciliationSum]) -> dict[str, tuple[int, int, int]]:
    return {s.result: (s.count, s.our_fen, s.their_fen) for s in sums}


def items() -> list[tuple[str, str, str, str]]:
    return sorted((i.our_number, i.result, i.differs, i.state) for i in rows(ReconciliationItem))
