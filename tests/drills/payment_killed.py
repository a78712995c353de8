"""Drill: PostgreSQL is killed (-9) again and again in the middle of payments.

Two shops take payments at once: at one the clerk confirms, at the other WeChat Pay (its stand-in)
collects and tells us. After each kill the books are looked at; in the end no payment that was
acknowledged, by us or by the provider, is lost, and none stands twice.
"""

import time
from collections.abc import Iterator

from backend.devstack.postgres import PrivatePostgres
from backend.devstack.processes import free_port
from backend.extensions import db
from backend.services import ledger
from tests.drills import Outcome, options, play
from tests.factories import SUPERMARKET
from tests.load import paying
from tests.load.paying import Habits, Payers
from tests.load.proofs import differences
from tests.load.stack import Stack, served_city
from tests.settling import MALL

PEOPLE = 6_000  # more than can pay until the last kill
TIER = 1
PAY_S = 0.6  # between a start and the next kill
SETTLED_WITHIN_S = 60.0


def drill() -> Iterator[Outcome]:
    """Kill, start, audit; then wait for the provider's payments and compare all three books."""
    rounds, units = options().rounds, {TIER: PEOPLE}
    with (
        PrivatePostgres() as postgres,
        served_city(postgres, units=units, residents=PEOPLE) as stack,
    ):
        yield _play(stack, postgres, rounds)


def _play(stack: Stack, postgres: PrivatePostgres, rounds: int) -> Outcome:
    paying.open_trade()
    paying.collected_by(SUPERMARKET, "wechat_pay")
    till, online = paying.open_shop(stack, MALL), paying.open_shop(stack, SUPERMARKET)
    port = free_port()
    with paying.pay_standin(stack) as standin:
        env = {**standin.env, "PUBLIC_BASE_URL": f"http://127.0.0.1:{port}"}
        with stack.web(port=port, **env) as web, stack.jobs(**env):
            paying.claimed_by_all(stack, web, PEOPLE, tier=TIER)
            half = PEOPLE // 2
            clerks = Payers(web, stack, till, range(1, half), connections=8)
            others, habits = range(half, PEOPLE), Habits(standin=standin)
            phones = Payers(web, stack, online, others, connections=8, habits=habits)
            unclean = 0
            with clerks, phones:
                for _ in range(rounds):
                    time.sleep(PAY_S)
                    _kill(postgres)
                    with clerks.at_rest(), phones.at_rest():
                        unclean += _audit()
                clerks.stop()
                phones.stop()
            _await_settled(phones.told.paid)
    return _outcome(rounds, clerks, phones, standin_paid=phones.told.paid, unclean=unclean)


def _kill(postgres: PrivatePostgres) -> None:
    postgres.kill()
    postgres.start()
    db.session.remove()
    db.engine.dispose()


def _audit() -> bool:
    """Whether the ledger's audit finds anything."""
    found = bool(ledger.check().differences)
    db.session.rollback()
    return found


def _await_settled(paid: set[str]) -> None:
    """Wait until each payment that the provider has is redeemed here, by its notice or the jobs."""
    deadline_s = time.monotonic() + SETTLED_WITHIN_S
    while time.monotonic() < deadline_s:
        rows = paying.ended()
        if all(rows[number].status == "redeemed" for number in paid if number in rows):
            return
        time.sleep(0.5)


def _outcome(
    rounds: int, clerks: Payers, phones: Payers, *, standin_paid: set[str], unclean: int
) -> Outcome:
    rows = paying.ended()
    acknowledged = clerks.told.confirmed | standin_paid
    ordered = {**clerks.told.ordered, **phones.told.ordered}
    lost = sum(n not in rows or rows[n].status != "redeemed" for n in acknowledged)
    lost_orders = sum(number not in rows for number in ordered)
    twice = sum(row.redemptions > 1 for row in rows.values())
    differing = differences()
    passed = bool(acknowledged) and (lost, lost_orders, twice, unclean, differing) == (
        0,
        0,
        0,
        0,
        0,
    )
    return passed, {
        "kills": rounds,
        "confirmed_at_till": len(clerks.told.confirmed),
        "paid_at_provider": len(standin_paid),
        "lost": lost,
        "orders_lost": lost_orders,
        "twice": twice,
        "audits_unclean": unclean,
        "differences": differing,
        "refused": dict(clerks.told.refused + phones.told.refused),
        "unanswered": clerks.told.cut.total() + phones.told.cut.total(),
    }


if __name__ == "__main__":
    play("payment_killed", drill)
