"""Callers over HTTP: one answer at a time for each connection, and a rush of many connections."""

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from tests.load.stack import CLAIMS

ASK_AGAIN_S = 0.02  # after an answer that says "later", or none
ANSWER_WITHIN_S = 20.0


class Cut(Exception):
    """A request went out, and the connection ended before its answer.

    The text says on which: `new`, that no server may have accepted, or `kept` from an answer
    before; and how.
    """


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The refusal's code, or empty."""
        return "" if self.status < 400 else str(self.json["error"]["code"])


class Connection:
    """One kept-alive connection, made anew when it is gone."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = str(parts.hostname), int(parts.port or 80)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._answers = 0  # on the connection as it is

    async def ask(
        self, method: str, path: str, *, token: str = "", body: Any = None, headers: str = ""
    ) -> Answer:
        """Send a request and return its answer.

        Raises ConnectionRefusedError when nobody listens: nothing was asked then; and Cut.
        """
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
            self._answers = 0
        sent = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: {self._host}\r\n{headers}"
        if token:
            head += f"Authorization: Bearer {token}\r\n"
        if body is not None:
            head += f"Content-Type: application/json\r\nContent-Length: {len(sent)}\r\n"
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                return await self._exchange(head.encode() + b"\r\n" + sent)
        except (OSError, EOFError, TimeoutError) as error:
            self.close()
            kind = "kept" if self._answers else "new"
            raise Cut(f"{kind}:{type(error).__name__}") from error

    def close(self) -> None:
        """Leave."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _exchange(self, request: bytes) -> Answer:
        assert self._streams
        reader, writer = self._streams
        writer.write(request)
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()
        pairs = (line.split(": ", 1) for line in lines if line)
        headers = {name.lower(): value for name, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self._answers += 1
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Answer(int(first.split(" ", 2)[1]), headers, body)


@dataclass(frozen=True)
class Told:
    """A claim that was acknowledged."""

    resident_id: int
    voucher_id: int
    receipt: str
    answered_s: float  # of the monotonic clock


class Rush:
    """People who press at once, in a thread of their own; leaving the `with` ends it.

    Each person asks under one request number until the server says yes or no.

    :param connections: how many people press at the same time
    """

    def __init__(
        self,
        url: str,
        token_of: Callable[[int], str],
        people: Iterable[int],
        *,
        connections: int = 64,
        tier: int = 1,
    ) -> None:
        self._url = url
        self._token_of = token_of
        self._people = iter(people)
        self._connections = connections
        self._tier = tier
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._stopping = False
        self._failed: BaseException | None = None
        self.told: list[Told] = []
        self.refused: Counter[str] = Counter()
        self.cut: Counter[str] = Counter()  # requests that went out and were never answered
        self.unreached = 0  # nobody listened

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Let those who wait have their answer, and go."""
        self._stopping = True
        self.join()

    def join(self) -> None:
        """Wait until everybody has an answer."""
        self._thread.join()
        if self._failed is not None:
            raise self._failed

    def await_told(self, count: int, *, within_s: float = 30.0) -> None:
        """Wait until so many claims are acknowledged."""
        deadline_s = time.monotonic() + within_s
        while len(self.told) < count:
            if time.monotonic() > deadline_s or not self._thread.is_alive():
                raise TimeoutError(f"{len(self.told)} of {count} claims, refused {self.refused}")
            time.sleep(0.005)

    async def _run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._connections):
                    group.create_task(self._press())
        except BaseException as error:  # raised again where the rush is joined
            self._failed = error

    async def _press(self) -> None:
        connection = Connection(self._url)
        for person in self._people:
            if self._stopping:
                break
            await self._claim(connection, person)
        connection.close()

    async def _claim(self, connection: Connection, person: int) -> None:
        body = {"tier_position": self._tier, "request_id": f"rush-{person:08d}"}
        token = self._token_of(person)
        while True:
            try:
                answer = await connection.ask("POST", CLAIMS, token=token, body=body)
            except Cut as error:
                self.cut[str(error)] += 1
            except ConnectionError:
                self.unreached += 1
            else:
                if answer.status == 201:
                    self._note(person, answer)
                    return
                self.refused[answer.code] += 1
                if answer.status != 503:
                    return
            if self._stopping:
                return
            await asyncio.sleep(ASK_AGAIN_S)

    def _note(self, person: int, answer: Answer) -> None:
        voucher = answer.json
        told = Told(person, voucher["voucher_id"], voucher["receipt"], time.monotonic())
        self.told.append(told)
