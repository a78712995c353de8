"""Staff at the console in a rush: some watch the opening live, one leafs through pages.

The console is a process of its own, started as deploy/systemd/huiquan-console.service does.
"""

import itertools
import json
import re
import threading
import time
from collections import Counter
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Self

import requests

from backend.domain.staff import Role
from backend.edge.console.access import COOKIE
from backend.extensions import db
from tests.console import CSRF, sign_in
from tests.factories import MAY
from tests.load.stack import GUNICORN, Stack, Web

ROOM = f"/console/war-room/{MAY}"
CLAIMED = re.compile(r"已领</dt><dd>([\d,]+)<")
PAGES = ("/console/", "/console/merchants", "/console/campaigns", "/console/redemptions")
POLL_EVERY_S = 2.0  # as static/war_room.js asks where there is no place for a stream
RETRY_S = 1.0


def console(stack: Stack, *, port: int | None = None) -> AbstractContextManager[Web]:
    """Run the console as deployed, its cookies for plain HTTP."""
    return stack.web(
        "console",
        words=(*GUNICORN, "wsgi:console"),
        port=port,
        WEB_CONCURRENCY="1",
        HUIQUAN_THREADS="32",
        PUBLIC_BASE_URL="http://127.0.0.1",
    )


def browser_of(role: Role, name: str) -> requests.Session:
    """Return the browser of somebody who has signed in."""
    _, token = sign_in(role, name)
    db.session.rollback()
    session = requests.Session()
    session.trust_env = False  # a proxy of the environment is not asked about this machine
    session.cookies.set(COOKIE, token, path="/console")
    return session


def pause(staff: requests.Session, url: str) -> float:
    """Press the switch; return when, on the monotonic clock."""
    token = CSRF.search(staff.get(f"{url}{ROOM}", timeout=30).text)
    assert token
    pressed_s = time.monotonic()
    form = {"csrf_token": token[1], "reason": "演练"}
    answer = staff.post(f"{url}{ROOM}/pause", data=form, allow_redirects=False, timeout=30)
    assert answer.status_code == 303, answer.text
    return pressed_s


class Watcher:
    """Watches an opening as its page does: by a stream, else by asking every two seconds.

    :ivar shown: (monotonic clock, units claimed) as they came
    :ivar ends: how streams ended: `whole`, or `cut` in the middle of an answer
    """

    def __init__(self, staff: requests.Session, url: str) -> None:
        self._staff, self._url = staff, url
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.shown: list[tuple[float, int]] = []
        self.ends: Counter[str] = Counter()
        self.unreached = 0
        self.has_stream = True

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._thread.join(30)

    def shows(self, claimed: int) -> float | None:
        """Return since when it has shown so many and no others, or None."""
        since_s = None
        for at_s, count in reversed(self.shown):
            if count != claimed:
                break
            since_s = at_s
        return since_s

    def _watch(self) -> None:
        while not self._stopping.is_set():
            try:
                if self.has_stream:
                    self._stream()
                else:
                    self._ask()
            except requests.exceptions.ChunkedEncodingError:
                self.ends["cut"] += 1
            except requests.ConnectionError:
                self.unreached += 1
            self._stopping.wait(RETRY_S if self.has_stream else POLL_EVERY_S)

    def _stream(self) -> None:
        with self._staff.get(f"{self._url}{ROOM}/live?poll=1", stream=True, timeout=30) as answer:
            if answer.status_code == 503:
                self.has_stream = False
                return
            answer.encoding = "utf-8"
            for line in answer.iter_lines(decode_unicode=True):
                if line.startswith("data: "):
                    self._note(json.loads(line.removeprefix("data: ")))
                if self._stopping.is_set():
                    return
        self.ends["whole"] += 1

    def _ask(self) -> None:
        self._note(self._staff.get(f"{self._url}{ROOM}/figures?poll=1", timeout=30).json())

    def _note(self, told: dict[str, Any]) -> None:
        if found := CLAIMED.search(told["parts"]["figures"]):
            self.shown.append((time.monotonic(), int(found[1].replace(",", ""))))


class Reader:
    """Leafs through ordinary pages, one after the other, in a thread of its own.

    :ivar took_s: what each page took
    """

    def __init__(self, staff: requests.Session, url: str) -> None:
        self._staff, self._url = staff, url
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self.took_s: list[float] = []
        self.not_answered: Counter[str] = Counter()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._thread.join(60)

    def p95_ms(self) -> float:
        """Return what 95 of 100 pages took at most, in milliseconds."""
        ordered = sorted(self.took_s)
        return ordered[int(len(ordered) * 0.95)] * 1_000

    def _read(self) -> None:
        for path in itertools.cycle(PAGES):
            if self._stopping.is_set():
                return
            began_s = time.monotonic()
            try:
                answer = self._staff.get(f"{self._url}{path}", timeout=30)
            except requests.RequestException as error:
                self.not_answered[type(error).__name__] += 1
                continue
            if answer.status_code != 200:
                self.not_answered[str(answer.status_code)] += 1
            self.took_s.append(time.monotonic() - began_s)
