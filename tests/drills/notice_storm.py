"""Drill: WeChat Pay (its stand-in) tells each payment 20 times, in parallel and out of order.

No job runs, so that notices alone bring the payments. Each is applied once, and all are answered.
"""

import time
from collections import Counter
from collections.abc import Iterator

from sqlalchemy import func, select

from backend.devstack.processes import free_port
from backend.extensions import db
from backend.storage.models.payments import PaymentNotice
from tests.conftest import DATABASES
from tests.drills import Outcome, play
from tests.factories import SUPERMARKET
from tests.load import paying
from tests.load.paying import Habits, Payers, PayStandin
from tests.load.proofs import differences
from tests.load.stack import Stack, city

PAYMENTS = 300
COPIES = 20
TIER = 1


def drill() -> Iterator[Outcome]:
    """Play on each database."""
    for database in DATABASES:
        with city(database=database, units={TIER: PAYMENTS}, residents=PAYMENTS) as stack:
            with paying.pay_standin(stack) as standin:
                yield play_on(stack, database, standin)


def play_on(stack: Stack, database: str, standin: PayStandin) -> Outcome:
    """Have all orders paid and nobody told; then tell everything at once, and once more."""
    paying.open_trade()
    paying.collected_by(SUPERMARKET, "wechat_pay")
    shop, port = paying.open_shop(stack, SUPERMARKET), free_port()
    env = {**standin.env, "PUBLIC_BASE_URL": f"http://127.0.0.1:{port}"}
    with stack.web(port=port, **env) as web:
        paying.claimed_by_all(stack, web, PAYMENTS, tier=TIER)
        habits = Habits(standin=standin, told=0.0)
        with Payers(web, stack, shop, range(1, PAYMENTS + 1), habits=habits) as payers:
            payers.join()
        before = Counter(row.status for row in paying.ended().values())
        began_s = time.monotonic()
        statuses = Counter(standin.control("send", copies=COPIES, shuffle=True)["statuses"])
        took_s = time.monotonic() - began_s
    rows = paying.ended()
    notices = db.session.scalar(select(func.count(PaymentNotice.id)))
    applied = select(func.count(PaymentNotice.id)).where(PaymentNotice.outcome == "redeemed")
    redeemed_by = db.session.scalar(applied)
    db.session.rollback()
    redemptions = sum(row.redemptions for row in rows.values())
    paid, differing = len(payers.told.paid), differences()
    passed = (before["redeemed"], statuses[200], differing) == (0, PAYMENTS * COPIES, 0)
    passed &= (paid, redemptions, notices, redeemed_by) == (PAYMENTS,) * 4
    return passed, {
        "database": database,
        "payments": paid,
        "redeemed_before": before["redeemed"],
        "notices_sent": statuses.total(),
        "answered_200": statuses[200],
        "kept": notices,
        "applied": redeemed_by,
        "redemptions": redemptions,
        "twice": sum(row.redemptions > 1 for row in rows.values()),
        "differences": differing,
        "notices_per_s": f"{statuses.total() / took_s:.0f}",
    }


if __name__ == "__main__":
    play("notice_storm", drill)
