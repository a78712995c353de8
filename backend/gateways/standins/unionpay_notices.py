"""The stand-in of UnionPay posts notifications: delayed, in copies, repeated until taken."""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

import requests

from backend.gateways.standins.control import StandinClock

REPEAT_AFTER_S = (0.5, 1.0, 2.0, 4.0)  # the real table counts in minutes
POLL_S = 0.02
TIMEOUT_S = 5.0
MAX_KEPT = 10_000

Make = Callable[[], Mapping[str, str] | None]


@dataclass
class _Due:
    at_s: float
    url: str
    make: Make
    repeats: int = 0


class Notifier:
    """Posts what is due, each copy in a thread of its own. Stops with the process."""

    def __init__(self, clock: StandinClock) -> None:
        self._clock = clock
        self._due: list[_Due] = []
        self._lock = threading.Lock()
        self._deliveries: deque[dict[str, object]] = deque(maxlen=MAX_KEPT)
        self._http = requests.Session()
        self._http.trust_env = False  # a proxy would not find this machine's own addresses
        self._pool = ThreadPoolExecutor(max_workers=16)
        threading.Thread(target=self._run, daemon=True).start()

    def later(self, *, at_s: float, url: str, copies: int, make: Make) -> None:
        """Post to a URL at a time of the stand-in's clock.

        :param make: returns the signed form at that moment; None: there is nothing to tell
        """
        with self._lock:
            self._due.extend(_Due(at_s, url, make) for _ in range(copies))

    def list_deliveries(self) -> list[dict[str, object]]:
        """Return what was posted, by orderId, and the status of each answer; None: no answer."""
        with self._lock:
            return list(self._deliveries)

    def _run(self) -> None:
        while True:
            now_s = self._clock.now_s()
            with self._lock:
                ready = [one for one in self._due if one.at_s <= now_s]
                self._due = [one for one in self._due if one.at_s > now_s]
            for one in ready:
                self._pool.submit(self._post, one)
            time.sleep(POLL_S)

    def _post(self, one: _Due) -> None:
        form = one.make()
        if form is None:
            return
        status = None
        with suppress(requests.RequestException):
            status = self._http.post(one.url, data=form, timeout=TIMEOUT_S).status_code
        with self._lock:
            self._deliveries.append({"order_id": form["orderId"], "status": status})
        if status != 200 and one.repeats < len(REPEAT_AFTER_S):
            one.at_s = self._clock.now_s() + REPEAT_AFTER_S[one.repeats]
            one.repeats += 1
            with self._lock:
                self._due.append(one)
