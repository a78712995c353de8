"""A sale at a shop's counter, from the code on a phone to the money in the till."""

from backend.services import orders, payment_codes, redemptions
from backend.services.orders import Amounts
from tests.factories import SUPERMARKET, City, Person, new_request


def sold(city: City, clerk: Person, *, order_amount_fen: int = 10_000) -> str:
    """Return the order of a sale by a clerk of the supermarket, 10 yuan of it by voucher."""
    buyer = city.resident()
    city.claim(buyer)
    order = orders.create_by_code(
        clerk_id=clerk.id,
        merchant_id=SUPERMARKET,
        request_id=new_request(),
        code=payment_codes.issue(buyer.id).code,
        amounts=Amounts(order_amount_fen=order_amount_fen),
    )
    redemptions.confirm_paid(order_id=order.id, merchant_id=SUPERMARKET, clerk_id=clerk.id)
    return order.id
