"""A city where the supermarket's rest is collected by a scripted provider."""

from collections.abc import Iterator
from contextlib import contextmanager

from backend.services import merchants, orders, payment_codes, vouchers
from backend.services.orders import Amounts
from backend.storage.models.orders import Order
from tests.factories import SUPERMARKET, City, Person, new_request, rows
from tests.providers import ScriptedProvider

PAYABLE_FEN = 23_000  # of 320 yuan with the largest voucher


@contextmanager
def provided(city: City, name: str = "wechat_pay") -> Iterator[ScriptedProvider]:
    """Give the installation a provider, and the supermarket to it."""
    providers = city.app.extensions["payment_providers"]
    provider = ScriptedProvider(name)
    providers[name] = provider
    merchants.set_payment_provider(SUPERMARKET, name, actor="test", reason="开通线上付款")
    try:
        yield provider
    finally:
        del providers[name]


def buyer(city: City) -> Person:
    """Return a resident with one voucher of 90 yuan."""
    person = city.resident()
    city.claim(person, tier=3)
    return person


def at_placard(city: City, person: Person, *, yuan: int = 320, request: str = "") -> Order:
    return orders.create_at_placard(
        resident_id=person.id,
        request_id=request or new_request(),
        placard_code=city.placard[SUPERMARKET],
        amounts=Amounts(order_amount_fen=yuan * 100),
    )


def by_wallet(clerk: Person, person: Person, payer_code: str, *, yuan: int = 320) -> Order:
    return orders.create_by_code(
        clerk_id=clerk.id,
        merchant_id=SUPERMARKET,
        request_id=new_request(),
        code=payment_codes.issue(person.id).code,
        amounts=Amounts(order_amount_fen=yuan * 100),
        payer_code=payer_code,
    )


def now_is(order_id: str) -> tuple[str, str]:
    """Return the status of an order and of its payment."""
    (order,) = (one for one in rows(Order) if one.id == order_id)
    return order.status, order.payment.status


def voucher_of(person: Person) -> list[str]:
    return [voucher.status for voucher in vouchers.wallet(person.id).vouchers]
