"""A partner's confirmation that kills itself (-9) at one point. Run as a process by a test."""

import sys
from datetime import datetime

from backend import clock
from backend.factory import create_app
from backend.services import bank_tills, orders, partner_discounts, partner_requests
from backend.services.orders import Amounts
from tests.conftest import make_settings
from tests.factories import SUPERMARKET, MovableClock
from tests.integration.workers.dying_writer import die, then_die

# Before anything, between order and redemption, between redemption and answer, after the answer.
POINTS = {
    "after_begin": (partner_requests, "_begin"),
    "after_order": (orders, "create_at_bank_till"),
    "after_execution": (bank_tills, "confirm"),
    "after_answer": (partner_requests, "_finish"),
}

if __name__ == "__main__":
    point, database_url, redis_url, card_token, number, at = sys.argv[1:]
    clock.use(MovableClock(datetime.fromisoformat(at)))
    app = create_app(make_settings(database_url=database_url, redis_url=redis_url))
    with app.app_context():
        module, name = POINTS[point]
        setattr(module, name, then_die(getattr(module, name)))
        partner_discounts.confirm(
            partner_id="BANK01",
            request_number=number,
            card_token=card_token,
            merchant_id=SUPERMARKET,
            amounts=Amounts(order_amount_fen=20_000),
        )
        die()
