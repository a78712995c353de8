"""Drill: WeChat Pay (its stand-in) is not there for 60 s under load: silent, then answering 502.

Payers go on: some pay what they ordered before, of half of the payments nobody is told, some never
pay. Afterwards every order reaches its true state by the jobs alone, as the stand-in's own table
has it, and nothing happens twice.
"""

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from sqlalchemy import func, select

from backend.devstack.processes import free_port
from backend.extensions import db
from backend.storage.models.payments import PaymentCase
from tests.drills import Outcome, play
from tests.factories import SUPERMARKET
from tests.load import paying
from tests.load.paying import Ended, Habits, Payers, PayStandin
from tests.load.proofs import differences
from tests.load.proxy import Line
from tests.load.stack import Stack, city

PEOPLE = 1_500
TIER = 1
UP_S = 10.0  # before and after
SILENT_S, ANSWERING_502_S = 30.0, 30.0
LOCK_S = 45  # instead of 300, so that orders nobody pays end within the drill
TRUE_WITHIN_S = 150.0
PAYS, TOLD = 0.8, 0.5


def drill() -> Iterator[Outcome]:
    """Play on PostgreSQL."""
    with city(database="postgresql", units={TIER: PEOPLE}, residents=PEOPLE) as stack:
        with Line(free_port()) as line, paying.pay_standin(stack, base_url=line.url) as standin:
            line.upstream = standin.url
            yield play_on(stack, line, standin)


def play_on(stack: Stack, line: Line, standin: PayStandin) -> Outcome:
    """Cut the line under load, and wait until all is as the provider says."""
    paying.open_trade()
    paying.collected_by(SUPERMARKET, "wechat_pay")
    shop, port = paying.open_shop(stack, SUPERMARKET), free_port()
    env = {**standin.env, "PUBLIC_BASE_URL": f"http://127.0.0.1:{port}"}
    env |= {"ORDER_LOCK_TTL_S": str(LOCK_S), "PAYMENT_QUERY_S": "10"}
    with stack.web(port=port, **env) as web, stack.jobs(**env):
        paying.claimed_by_all(stack, web, PEOPLE, tier=TIER)
        habits = Habits(standin=standin, share=PAYS, told=TOLD, pause_s=0.2)
        with Payers(web, stack, shop, range(1, PEOPLE + 1), habits=habits) as payers:
            time.sleep(UP_S)
            line.turn("silent")
            time.sleep(SILENT_S)
            line.turn("502")
            time.sleep(ANSWERING_502_S)
            line.turn("pass")
            time.sleep(UP_S)
            payers.stop()
        ended_s = _await_true(standin)
    return _outcome(payers, line, standin, ended_s)


def _await_true(standin: PayStandin) -> float:
    """Wait for the jobs; refunds end when the stand-in is told to. Return the seconds."""
    began_s = time.monotonic()
    while time.monotonic() - began_s < TRUE_WITHIN_S:
        standin.control("finish-refunds")
        if not _wrong(paying.ended(), standin.orders()) and not _refunds_open():
            break
        time.sleep(1.0)
    return time.monotonic() - began_s


def _refunds_open() -> int:
    waiting = select(func.count(PaymentCase.id)).where(
        PaymentCase.refund_status.in_(("due", "processing", "unknown"))
    )
    found = db.session.scalar(waiting) or 0
    db.session.rollback()
    return found


def _wrong(rows: dict[str, Ended], theirs: dict[str, dict[str, Any]]) -> Counter[str]:
    """Count what is otherwise here than in the provider's own table.

    Money that it kept is a redemption of exactly that amount; where it keeps none, no redemption
    and no open order.
    """
    wrong: Counter[str] = Counter()
    for number, row in rows.items():
        told = theirs.get(number, {"state": "absent", "total_fen": 0, "refunded_fen": 0})
        paid = told["state"] in ("SUCCESS", "REFUND")
        kept_fen = told["total_fen"] - told["refunded_fen"] if paid else 0
        here = (row.status, row.redemptions)
        if kept_fen and (*here, row.collected_fen) != ("redeemed", 1, kept_fen):
            wrong[f"paid_and_{row.status}"] += 1
        elif not kept_fen and here != ("released", 0):
            wrong[f"{told['state']}_and_{row.status}"] += 1
    return wrong


def _outcome(payers: Payers, line: Line, standin: PayStandin, ended_s: float) -> Outcome:
    rows, theirs = paying.ended(), standin.orders()
    wrong, cases = _wrong(rows, theirs), db.session.scalar(select(func.count(PaymentCase.id)))
    db.session.rollback()
    ended = Counter(row.status for row in rows.values())
    twice = sum(row.redemptions > 1 for row in rows.values())
    twice += sum(told["refunded_fen"] > told["total_fen"] for told in theirs.values())
    lost = sum(number not in rows for number in payers.told.ordered)
    differing = differences()
    passed = not any((wrong, twice, lost, differing, _refunds_open()))
    passed &= ended["redeemed"] > 0 and line.met["silent"] > 0 and line.met["502"] > 0
    return passed, {
        "orders": len(rows),
        "redeemed": ended["redeemed"],
        "released": ended["released"],
        "given_back": cases,
        "unheard_of_at_provider": sum(number not in theirs for number in rows),
        "connections_silent": line.met["silent"],
        "connections_502": line.met["502"],
        "wrong": dict(wrong),
        "twice": twice,
        "orders_lost": lost,
        "differences": differing,
        "true_after_s": f"{ended_s:.0f}",
    }


if __name__ == "__main__":
    play("provider_down", drill)
