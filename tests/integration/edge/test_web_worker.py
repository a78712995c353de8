"""What a client may keep open, and that a stop cuts nobody off: uvicorn over real sockets."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from uvicorn import Config, Server

from backend.edge import web_worker
from backend.edge.web_worker import BoundedProtocol

GET = b"GET /fast HTTP/1.1\r\nHost: x\r\n\r\n"


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answer what was sent; /slow takes a while."""
    if scope["type"] == "lifespan":
        for stage in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{stage}.complete"})
        return
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    if scope["path"] == "/slow":
        await asyncio.sleep(0.5)
    length = b"%d" % len(body)
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]}
    )
    await send({"type": "http.response.body", "body": body})


class Running:
    """A server in a thread of its own."""

    def __init__(self, app: Any = application, *, keep_alive_s: int = 5) -> None:
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        config = Config(
            app, http=BoundedProtocol, loop="uvloop", ws="none", log_config=None,
            timeout_keep_alive=keep_alive_s, timeout_graceful_shutdown=5, proxy_headers=False,
        )  # fmt: skip
        self.server = Server(config)
        self.thread = threading.Thread(target=self.server.run, args=([self._listener],))

    def connect(self) -> socket.socket:
        client = socket.create_connection(("127.0.0.1", self.port), timeout=5)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return client

    def stop(self) -> None:
        self.server.should_exit = True


@pytest.fixture
def running() -> Iterator[Running]:
    made = Running()
    made.thread.start()
    while not made.server.started:
        time.sleep(0.01)
    yield made
    made.stop()
    made.thread.join(timeout=10)


def answer(client: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Read one answer: status, headers, body."""
    text = b""
    while b"\r\n\r\n" not in text:
        part = client.recv(65_536)
        assert part, f"closed after {text!r}"
        text += part
    head, _, body = text.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    while len(body) < int(headers["content-length"]):
        body += client.recv(65_536)
    return int(status.split()[1]), headers, body


def is_closed(client: socket.socket) -> bool:
    return client.recv(1) == b""


def refusal(client: socket.socket) -> tuple[int, str]:
    """Read an answer that is one of our refusals and the connection's last."""
    status, headers, body = answer(client)
    assert headers["content-type"] == "application/json"
    assert headers["x-request-id"] == json.loads(body)["error"]["request_id"]
    assert is_closed(client)
    return status, json.loads(body)["error"]["code"]


@pytest.mark.parametrize(
    "begun",
    [
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: 1\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf",
    ],
    ids=["request line", "head", "body"],
)
def test_a_request_that_does_not_arrive_in_time_is_a_408(
    running: Running, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(web_worker, "ARRIVES_WITHIN_S", 0.3)
    with running.connect() as client:
        client.sendall(begun)
        assert refusal(client) == (408, "request_too_slow")


def test_bytes_that_trickle_do_not_buy_time(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_worker, "ARRIVES_WITHIN_S", 0.4)
    began_s = time.monotonic()
    with running.connect() as client:
        client.sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
        client.settimeout(0.05)
        while time.monotonic() - began_s < 3:
            client.sendall(b"a")
            try:
                assert client.recv(65_536).startswith(b"HTTP/1.1 408")
                break
            except TimeoutError:
                continue
    assert time.monotonic() - began_s < 1.5


def test_a_connection_that_says_nothing_is_closed_without_an_answer(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_worker, "ARRIVES_WITHIN_S", 0.2)
    with running.connect() as client:
        assert is_closed(client)


@pytest.mark.parametrize("in_one_piece", [True, False])
@pytest.mark.parametrize(
    "head",
    [b"GET /" + b"a" * 20_000, b"GET / HTTP/1.1\r\nX: " + b"a" * 20_000,
     b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: 1\r\n" % n for n in range(2_500))],
    ids=["address", "one header", "many headers"],
)  # fmt: skip
def test_a_head_that_is_too_large_is_refused(
    running: Running, head: bytes, in_one_piece: bool
) -> None:
    of_address = head.startswith(b"GET /a") and in_one_piece
    ending = b" HTTP/1.1\r\nHost: x\r\n\r\n" if of_address else b"\r\n\r\n"
    with running.connect() as client:
        client.sendall(head + ending if in_one_piece else head)
        wanted = (414, "address_too_long") if of_address else (431, "headers_too_large")
        assert refusal(client) == wanted


def test_what_is_no_http_is_a_400(running: Running) -> None:
    with running.connect() as client:
        client.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n")
        assert refusal(client) == (400, "invalid_request")


def test_a_large_body_and_several_requests_on_one_connection_are_answered(
    running: Running,
) -> None:
    body = b"x" * 200_000
    with running.connect() as client:
        for _ in range(2):
            client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n" + body)
            assert answer(client)[::2] == (200, body)
        client.sendall(GET + GET)  # the second before the first is answered
        assert answer(client)[0] == 200


def test_a_stop_finishes_what_is_asked_and_lets_a_kept_connection_ask_once_more(
    running: Running,
) -> None:
    with running.connect() as asking, running.connect() as idle:
        idle.sendall(GET)
        assert "connection" not in answer(idle)[1]
        asking.sendall(GET.replace(b"/fast", b"/slow"))
        time.sleep(0.1)
        running.stop()
        time.sleep(0.3)
        idle.sendall(GET)
        status, headers, _ = answer(idle)
        assert (status, headers["connection"]) == (200, "close")
        assert answer(asking)[0] == 200
        assert is_closed(idle)
        assert is_closed(asking)
    running.thread.join(timeout=5)
    assert not running.thread.is_alive()


def test_a_stop_closes_a_connection_that_stays_silent(running: Running) -> None:
    with running.connect() as silent:
        silent.sendall(GET)
        answer(silent)
        running.stop()
        assert is_closed(silent)
    running.thread.join(timeout=5)
    assert not running.thread.is_alive()
