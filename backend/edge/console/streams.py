"""Figures that come live, as server-sent events: few streams at a time, none that never ends.

A stream holds a thread of its process for as long as it lasts. So there are places for some, the
next is refused and its page asks every two seconds instead; each ends itself after five minutes,
upon which the browser asks again; and all end at once when the process is to stop.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator

from flask import Flask, Response, current_app, request

from backend.domain.errors import HuiquanError
from backend.domain.staff import StaffSessionOver
from backend.edge.console.access import COOKIE
from backend.services import staff_sessions

LASTS_S = 300
EVERY_S = 1.0
RETRY_MS = 1_000  # after which the browser asks again
Payload = Callable[[], dict[str, object]]


class TooManyStreams(HuiquanError):
    code = "too_many_streams"
    message = "同时查看实时画面的人较多，页面将改为定时刷新"
    category = "unavailable"


class Places:
    """How many streams a process serves at once, and whether it goes on serving."""

    def __init__(self, count: int, is_serving: Callable[[], bool] = lambda: True) -> None:
        self._free = threading.BoundedSemaphore(count)
        self.is_serving = is_serving

    def take(self) -> None:
        """Take a place or raise TooManyStreams; `give_back` must follow."""
        if not self._free.acquire(blocking=False):
            raise TooManyStreams

    def give_back(self) -> None:
        """Let somebody else have a place."""
        self._free.release()


def answer(payload: Payload) -> Response:
    """Answer with what `payload` returns, once a second, to who is signed in for that long.

    `payload` is called outside the request, in a context of the application alone.
    """
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # a proxy's own
    places: Places = app.extensions["stream_places"]
    places.take()
    events = _events(app, payload, request.cookies.get(COOKIE, ""))
    response = Response(events, content_type="text/event-stream")
    response.headers["X-Accel-Buffering"] = "no"  # nginx would keep events back
    # Called however the answer ends, also when it never began.
    response.call_on_close(places.give_back)
    return response


def _events(app: Flask, payload: Payload, token: str) -> Iterator[str]:
    """Yield events; a context for each gives its connection back before the next second."""
    places: Places = app.extensions["stream_places"]
    yield f"retry: {RETRY_MS}\n\n"
    ends_s = time.monotonic() + LASTS_S
    while places.is_serving() and time.monotonic() < ends_s:
        with app.app_context():
            try:
                staff_sessions.current(token, in_use=False)
            except StaffSessionOver:
                return
            told = json.dumps(payload(), ensure_ascii=False)
        yield f"data: {told}\n\n"
        time.sleep(EVERY_S)
