"""Drill: the web server is reloaded (HUP) and stopped (TERM) in a rush, as a deploy does.

A reload loses no request. At a stop every request that went out has its answer within
graceful_timeout, new ones find nobody, and every claim that was answered is kept.
"""

import signal
import time
from collections import Counter
from collections.abc import Iterator

from tests.drills import Outcome, play
from tests.load.callers import Rush
from tests.load.proofs import differences, most_held, vouchers
from tests.load.stack import Stack, Web, city

UNITS = 240_000  # more than a fast machine gives out in the seconds of three reloads
RELOADS = 3
SETTLED_S = 3.0  # new workers answer and the old ones are gone, in a rush that never pauses
GRACEFUL_TIMEOUT_S = 20.0


def drill() -> Iterator[Outcome]:
    """Reload three times, then stop, in one rush each."""
    with city(units={1: UNITS}, residents=UNITS) as stack:
        with stack.web() as web:
            reloaded = Rush(web.url, stack.token, range(1, UNITS // 2))
            reload_in(reloaded, web)
            stopped = Rush(web.url, stack.token, range(UNITS // 2, UNITS + 1))
            stop_s = stop_in(stopped, web)
        yield outcome(stack, reloaded, stopped, stop_s)


def reload_in(rush: Rush, web: Web) -> None:
    """Reload in a rush."""
    with rush:
        for _ in range(RELOADS):
            rush.await_told(len(rush.told) + 200)
            web.process.send_signal(signal.SIGHUP)
            time.sleep(SETTLED_S)


def stop_in(rush: Rush, web: Web) -> float:
    """Stop in a rush; return the seconds until the server was gone."""
    with rush:
        rush.await_told(500)
        began_s = time.monotonic()
        web.process.send_signal(signal.SIGTERM)
        web.process.wait(GRACEFUL_TIMEOUT_S + 10)
        return time.monotonic() - began_s


def outcome(stack: Stack, reloaded: Rush, stopped: Rush, stop_s: float) -> Outcome:
    """Count, after everything is written."""
    stack.drain()
    written, differing, most = vouchers(), differences(), most_held()
    told = reloaded.told + stopped.told
    lost = sum(written.get(claim.voucher_id) != claim.resident_id for claim in told)
    refused = reloaded.refused + stopped.refused
    # A connection that lay in the listener's queue at the stop was never accepted: it is refused.
    cut = sum(count for kind, count in stopped.cut.items() if not kind.startswith("new:"))
    passed = (
        (reloaded.cut.total(), reloaded.unreached, cut) == (0, 0, 0)
        and stop_s <= GRACEFUL_TIMEOUT_S
        and not refused
        and (lost, differing, most) == (0, 0, 1)
    )
    return passed, {
        "reloads": RELOADS,
        "answered_in_reloads": len(reloaded.told),
        "cut_by_reloads": listed(reloaded.cut),
        "unreached_in_reloads": reloaded.unreached,
        "answered_before_the_stop": len(stopped.told),
        "cut_by_the_stop": listed(stopped.cut),
        "stop_s": f"{stop_s:.1f}",
        "refused": listed(refused),
        "acknowledged_lost": lost,
        "differences": differing,
    }


def listed(counts: Counter[str]) -> str:
    """Return counts as text: 0, or what there was of each."""
    return ",".join(f"{name}:{count}" for name, count in sorted(counts.items())) or "0"


if __name__ == "__main__":
    play("graceful", drill)
