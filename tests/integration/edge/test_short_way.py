"""The short way on a connection: what goes by it, what does not, and that nothing overtakes."""

import asyncio
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from backend.edge.short_way import ShortRequest
from tests.integration.edge import test_web_worker as server
from tests.integration.edge.test_web_worker import Running, answer, is_closed

SHORT = b"POST /short HTTP/1.1\r\nHost: x\r\n"
BODY_MAX_BYTES = 100


def short(body: bytes, more: bytes = b"") -> bytes:
    return SHORT + more + b"Content-Length: %d\r\n\r\n" % len(body) + body


class Echo:
    """A short way that answers with the body; `after N` in it waits, `not mine` is left."""

    body_max_bytes = BODY_MAX_BYTES

    def __init__(self) -> None:
        self.taken: list[bytes] = []

    def opens_to(self, method: bytes, url: bytes) -> bool:
        return (method, url) == (b"POST", b"/short")

    def take(self, request: ShortRequest) -> bool:
        if request.body == b"not mine":
            return False
        self.taken.append(request.body)
        wait_s = float(request.body[6:]) if request.body.startswith(b"after ") else 0.0
        asyncio.get_running_loop().call_later(
            wait_s, request.answer, 201, b"x-way: short\r\n", request.body
        )
        return True


class Application:
    """The ordinary application, with a short way."""

    def __init__(self) -> None:
        self.short_way = Echo()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await server.application(scope, receive, send)


@pytest.fixture
def running() -> Iterator[Running]:
    made = Running(Application(), keep_alive_s=1)
    made.thread.start()
    while not made.server.started:
        time.sleep(0.01)
    yield made
    made.stop()
    made.thread.join(timeout=10)


def way(client: socket.socket) -> tuple[int, str, bytes]:
    status, headers, body = answer(client)
    assert "date" in headers
    return status, headers.get("x-way", "ordinary"), body


def test_one_connection_is_answered_on_both_ways_in_turn(running: Running) -> None:
    with running.connect() as client:
        for n in range(3):
            client.sendall(short(b"claim %d" % n))
            assert way(client) == (201, "short", b"claim %d" % n)
            client.sendall(server.GET)
            assert way(client) == (200, "ordinary", b"")


def test_a_body_in_pieces_is_one_request(running: Running) -> None:
    with running.connect() as client:
        for part in (SHORT, b"Content-Length: 9\r\n\r\n", b"one", b" two", b" 3"):
            client.sendall(part)
            time.sleep(0.02)
        assert way(client) == (201, "short", b"one two 3")


@pytest.mark.parametrize(
    "sent",
    [
        short(b"not mine"),
        short(b"not mine", b"X-Two: 1\r\nX-Two: 2\r\n"),
        short(b"not mine").replace(b"/short", b"/short?a=1"),
        short(b"not mine").replace(b"POST", b"PUT"),
        short(b"", b"Connection: upgrade\r\nUpgrade: other\r\n"),
        short(b"x" * (BODY_MAX_BYTES + 1)),
        SHORT + b"Transfer-Encoding: chunked\r\n\r\n8\r\nnot mine\r\n0\r\n\r\n",
        SHORT + b"\r\n",
    ],
    ids=["not taken", "header twice", "query", "method", "upgrade", "large", "chunked",
         "no length"],
)  # fmt: skip
def test_what_is_unusual_reaches_the_application_whole(running: Running, sent: bytes) -> None:
    body = b"not mine" if b"not mine" in sent else sent.partition(b"\r\n\r\n")[2]
    with running.connect() as client:
        client.sendall(sent)
        assert way(client) == (200, "ordinary", body)


def test_who_waits_for_100_continue_is_told_to(running: Running) -> None:
    with running.connect() as client:
        client.sendall(SHORT + b"Expect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        assert client.recv(65_536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"body")
        assert way(client) == (200, "ordinary", b"body")


def test_http_1_0_is_answered_and_closed(running: Running) -> None:
    with running.connect() as client:
        client.sendall(short(b"old").replace(b"HTTP/1.1", b"HTTP/1.0"))
        assert way(client) == (200, "ordinary", b"old")
        assert is_closed(client)


def test_who_asks_to_close_is_told_so(running: Running) -> None:
    with running.connect() as client:
        client.sendall(short(b"last", b"Connection: close\r\n"))
        status, headers, body = answer(client)
        assert (status, headers["connection"], body) == (201, "close", b"last")
        assert is_closed(client)


def test_answers_leave_in_the_order_of_the_requests(running: Running) -> None:
    with running.connect() as client:
        client.sendall(short(b"after 0.3") + server.GET + short(b"second"))
        text = b""
        while not text.endswith(b"second"):
            text += client.recv(65_536)
        first, between, last = text.split(b"HTTP/1.1 ")[1:]
        assert first.startswith(b"201")
        assert first.endswith(b"after 0.3")
        assert between.startswith(b"200")
        assert last.startswith(b"200")  # it came too early for the short way
        client.sendall(short(b"free again"))
        assert way(client) == (201, "short", b"free again")


def test_a_client_that_leaves_before_its_answer_disturbs_nobody(running: Running) -> None:
    with running.connect() as staying:
        with running.connect() as leaving:
            leaving.sendall(short(b"after 0.2"))
            staying.sendall(short(b"after 0.3"))
            time.sleep(0.05)
        assert way(staying) == (201, "short", b"after 0.3")


def test_a_kept_connection_is_closed_when_nothing_follows_in_time(running: Running) -> None:
    with running.connect() as client:
        for n in range(4):  # each within a second of the one before, and longer in all
            time.sleep(0.4)
            client.sendall(short(b"%d" % n))
            assert way(client)[1] == "short"
        began_s = time.monotonic()
        assert is_closed(client)
        assert 0.7 < time.monotonic() - began_s < 2


def test_a_body_that_does_not_come_is_a_408(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server.web_worker, "ARRIVES_WITHIN_S", 0.3)
    with running.connect() as client:
        client.sendall(SHORT + b"Content-Length: 9\r\n\r\nhalf")
        assert server.refusal(client) == (408, "request_too_slow")


def test_a_stop_waits_for_an_answer_and_lets_a_kept_connection_ask_once_more(
    running: Running,
) -> None:
    with running.connect() as asking, running.connect() as idle:
        idle.sendall(short(b"before"))
        assert "connection" not in answer(idle)[1]
        asking.sendall(short(b"after 0.5"))
        time.sleep(0.1)
        running.stop()
        time.sleep(0.3)
        idle.sendall(short(b"once more"))
        status, headers, body = answer(idle)
        assert (status, headers["connection"], body) == (201, "close", b"once more")
        status, headers, body = answer(asking)
        assert (status, headers["connection"], body) == (201, "close", b"after 0.5")
        assert is_closed(idle)
        assert is_closed(asking)
    running.thread.join(timeout=5)
    assert not running.thread.is_alive()
