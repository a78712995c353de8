"""What providers are told of an order."""

from backend.services import orders, payments
from backend.services.orders import Amounts
from tests.factories import SUPERMARKET, City, new_request


def test_a_provider_is_told_the_payable_amount_under_the_orders_own_number(city: City) -> None:
    resident = city.resident()
    city.claim(resident)
    order = orders.create_at_placard(
        resident_id=resident.id,
        request_id=new_request(),
        placard_code=city.placard[SUPERMARKET],
        amounts=Amounts(order_amount_fen=20_000),
    )
    charge = payments.charge_of(order)
    assert (charge.order_id, charge.merchant_id) == (order.id, SUPERMARKET)
    assert charge.amount_fen == order.payable_fen < order.order_amount_fen
    assert charge.created_at < charge.expires_at == order.lock_expires_at
