"""Drill: an opening watched live by more people than there are streams, and paused in the rush.

The digits of every watcher end where the database does, ordinary pages of the console go on
meanwhile, and the switch stops claims within a second.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack

from backend.domain.staff import Role
from tests.drills import Outcome, play
from tests.load import watching
from tests.load.callers import Rush
from tests.load.proofs import differences, vouchers
from tests.load.stack import await_answer, city
from tests.load.watching import Reader, Watcher

UNITS = 200_000  # more than a fast machine gives out meanwhile
STREAMS, WATCHERS = 16, 20  # half of the console's 32 threads; so four watchers find no place
RUSH_S = 10.0
STOPPED_WITHIN_S = 1.0
SHOWN_WITHIN_S = 2.0
PAGES_P95_MS = 1_000.0


def drill() -> Iterator[Outcome]:
    """Watch, leaf through, pause; then count."""
    with (
        city(database="postgresql", units={1: UNITS}, residents=UNITS) as stack,
        stack.web() as web,
        stack.writer(),
        watching.console(stack) as console,
        ExitStack() as watched,
    ):
        await_answer(console, "/console/sign-in")
        watchers = [
            watched.enter_context(
                Watcher(watching.browser_of(Role.AUDITOR, f"watcher-{n}"), console.url)
            )
            for n in range(WATCHERS)
        ]
        boss = watching.browser_of(Role.BUREAU_APPROVER, "boss")
        reader = Reader(watching.browser_of(Role.BUREAU_OPERATOR, "reader"), console.url)
        with Rush(web.url, stack.token, range(1, UNITS + 1)) as rush, reader:
            rush.await_told(100)
            time.sleep(RUSH_S)
            pressed_s = watching.pause(boss, console.url)
            time.sleep(STOPPED_WITHIN_S + SHOWN_WITHIN_S)
        stack.await_drained()
        stopped_s = max(claim.answered_s for claim in rush.told)
        written = vouchers()
        lags_s = shown_after(watchers, len(written), stopped_s)
        lost = sum(written.get(claim.voucher_id) != claim.resident_id for claim in rush.told)
        yield outcome(watchers, reader, lags_s, stopped_s - pressed_s, lost, len(written))


def shown_after(watchers: list[Watcher], claimed: int, since_s: float) -> list[float | None]:
    """Return how long after the last claim each watcher saw all claims, None who never did."""
    deadline_s = time.monotonic() + 10
    while any(w.shows(claimed) is None for w in watchers) and time.monotonic() < deadline_s:
        time.sleep(0.1)
    seen = [watcher.shows(claimed) for watcher in watchers]
    return [None if at_s is None else at_s - since_s for at_s in seen]


def outcome(
    watchers: list[Watcher],
    reader: Reader,
    lags_s: list[float | None],
    stopped_after_s: float,
    lost: int,
    claimed: int,
) -> Outcome:
    """Judge."""
    never = lags_s.count(None)
    streamed = [
        lag for lag, w in zip(lags_s, watchers, strict=True) if w.has_stream and lag is not None
    ]
    streams = sum(watcher.has_stream for watcher in watchers)
    differing = differences()
    passed = (
        (streams, never, lost, differing) == (STREAMS, 0, 0, 0)
        and max(streamed) <= SHOWN_WITHIN_S
        and stopped_after_s <= STOPPED_WITHIN_S
        and reader.p95_ms() <= PAGES_P95_MS
        and not reader.not_answered
    )
    return passed, {
        "watchers": len(watchers),
        "streams": streams,
        "claimed": claimed,
        "never_shown": never,
        "shown_after_s": f"{max(streamed, default=0):.2f}",
        "polled_after_s": f"{max((lag for lag in lags_s if lag is not None), default=0):.2f}",
        "stopped_after_s": f"{stopped_after_s:.2f}",
        "pages": len(reader.took_s),
        "pages_p95_ms": f"{reader.p95_ms():.0f}",
        "pages_failed": reader.not_answered.total(),
        "acknowledged_lost": lost,
        "differences": differing,
    }


if __name__ == "__main__":
    play("war_room", drill)
