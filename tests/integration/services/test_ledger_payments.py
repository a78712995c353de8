"""The ledger check sees a redemption without its money, and money without a trace."""

import pytest
from sqlalchemy import delete, update

from backend.services import ledger, payment_states
from backend.storage.models.orders import Payment
from backend.storage.models.payments import PaymentCase
from backend.storage.sql import transaction
from tests.factories import City
from tests.integration.services.paying import PAYABLE_FEN, at_placard, buyer, provided
from tests.providers import paid


@pytest.mark.parametrize(
    ("changed", "found_fen"),
    [({"collected_fen": PAYABLE_FEN - 1}, PAYABLE_FEN - 1), ({"status": "closed"}, 0)],
)
def test_a_redemption_whose_money_did_not_come_is_a_difference(
    city: City, changed: dict[str, object], found_fen: int
) -> None:
    with provided(city):
        order = at_placard(city, buyer(city))
    payment_states.record(order.id, "wechat_pay", paid(PAYABLE_FEN))
    assert ledger.check().differences == ()
    with transaction() as session:
        session.execute(update(Payment).values(**changed))
    (difference,) = ledger.check().differences
    assert difference.where == f"order {order.id}"
    assert (difference.expected_fen, difference.found_fen) == (PAYABLE_FEN, found_fen)


def test_money_collected_for_no_redemption_is_a_difference_unless_a_case_holds_it(
    city: City,
) -> None:
    with provided(city):
        order = at_placard(city, buyer(city))
    payment_states.record(order.id, "wechat_pay", paid(1))
    assert ledger.check().differences == ()
    with transaction() as session:
        session.execute(delete(PaymentCase))
    (difference,) = ledger.check().differences
    assert (difference.expected_fen, difference.found_fen) == (0, 1)
