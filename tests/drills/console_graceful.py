"""Drill: the console is reloaded (HUP), then stopped (TERM), while its streams are open.

Streams end whole instead of being cut, at a reload no page goes without an answer, and the
watchers are with the next process at once; the stop is over before graceful_timeout.
"""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

from backend.devstack.processes import free_port
from backend.domain.staff import Role
from tests.drills import Outcome, play
from tests.load import watching
from tests.load.stack import city
from tests.load.watching import Reader, Watcher

WATCHERS = 12
GRACEFUL_TIMEOUT_S = 20.0
AGAIN_WITHIN_S = 15.0  # a new process's start with it


def drill() -> Iterator[Outcome]:
    """Reload, then stop and start the next one on the same port."""
    port = free_port()
    with city() as stack, ExitStack() as watched:
        with watching.console(stack, port=port) as first:
            watchers = [
                watched.enter_context(
                    Watcher(watching.browser_of(Role.AUDITOR, f"watcher-{n}"), first.url)
                )
                for n in range(WATCHERS)
            ]
            await_all(watchers, lambda watcher: len(watcher.shown) >= 2)
            staff = watching.browser_of(Role.BUREAU_OPERATOR, "reader")
            with Reader(staff, first.url) as reader:
                first.process.send_signal(signal.SIGHUP)
                reloaded_s = again(watchers, ends=1)
            began_s = time.monotonic()
            first.process.send_signal(signal.SIGTERM)
            first.process.wait(30)
            stop_s = time.monotonic() - began_s
        began_s = time.monotonic()
        with watching.console(stack, port=port):
            again(watchers, ends=2)
            back_s = time.monotonic() - began_s
            yield outcome(watchers, reader, reloaded_s, stop_s, back_s)


def await_all(watchers: list[Watcher], is_true: Callable[[Watcher], bool]) -> None:
    """Wait until something is true of all of them."""
    deadline_s = time.monotonic() + AGAIN_WITHIN_S
    while not all(is_true(watcher) for watcher in watchers):
        if time.monotonic() > deadline_s:
            raise TimeoutError([(len(w.shown), dict(w.ends)) for w in watchers])
        time.sleep(0.05)


def again(watchers: list[Watcher], *, ends: int) -> float:
    """Wait until each stream has ended so often, and has begun again; return the seconds."""
    began_s = time.monotonic()
    await_all(watchers, lambda watcher: watcher.ends.total() >= ends)
    shown = {id(watcher): len(watcher.shown) for watcher in watchers}
    await_all(watchers, lambda watcher: len(watcher.shown) > shown[id(watcher)])
    return time.monotonic() - began_s


def outcome(
    watchers: list[Watcher], reader: Reader, reloaded_s: float, stop_s: float, back_s: float
) -> Outcome:
    """Judge."""
    cut = sum(watcher.ends["cut"] for watcher in watchers)
    whole = sum(watcher.ends["whole"] for watcher in watchers)
    passed = (
        cut == 0
        and all(watcher.has_stream for watcher in watchers)
        and not reader.not_answered
        and stop_s < GRACEFUL_TIMEOUT_S
    )
    return passed, {
        "streams": WATCHERS,
        "ended_whole": whole,
        "cut": cut,
        "reloaded_s": f"{reloaded_s:.1f}",
        "pages_in_the_reload": len(reader.took_s),
        "pages_failed": reader.not_answered.total(),
        "stop_s": f"{stop_s:.1f}",
        "streams_back_s": f"{back_s:.1f}",
    }


if __name__ == "__main__":
    play("console_graceful", drill)
