"""Releasing what nobody paid."""

from concurrent.futures import ThreadPoolExecutor

from backend.services import ledger, orders, releases
from backend.services.orders import Amounts
from backend.storage.models.orders import Order, Payment
from tests.factories import SUPERMARKET, City, MovableClock, new_request, rows


def test_two_jobs_at_once_release_each_order_once(city: City, moment: MovableClock) -> None:
    for _ in range(5):
        person = city.resident()
        city.claim(person, tier=1)
        orders.create_at_placard(
            resident_id=person.id,
            request_id=new_request(),
            placard_code=city.placard[SUPERMARKET],
            amounts=Amounts(order_amount_fen=5_000),
        )
    moment.move(seconds=300)

    def run(_: int) -> int:
        with city.app.app_context():
            return releases.release_overdue()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(run, range(4))) == 5
    assert {order.status for order in rows(Order)} == {"released"}
    assert {payment.status for payment in rows(Payment)} == {"closed"}
    assert ledger.check().differences == ()
