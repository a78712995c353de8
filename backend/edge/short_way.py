"""The short way: from the parser to the answer without ASGI, for the claims of the opening second.

A scope, a task, an event and its coroutines cost more than all that a claim needs besides. So the
application may offer a `ShortWay` as its attribute `short_way`. The protocol asks it at a request's
head, and gives it the request when the body is here. Whatever it does not take, and whatever is
unusual as HTTP, goes to the application as ever.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from backend.edge.one_write import OneWrite


class ShortRequest:
    """One request on the short way. `answer` is called once, at any later time, on the loop.

    uvicorn takes it for the connection's cycle: from these names it tells whether the connection is
    busy, so that a pipelined request waits for its turn and a stop for this answer.
    """

    __slots__ = (
        "_send", "body", "client_address", "disconnected", "headers", "keep_alive",
        "response_complete", "url",
    )  # fmt: skip
    response_started = False  # it goes out in one piece
    message_event = asyncio.Event()  # uvicorn sets it when the client leaves; nobody waits for it

    def __init__(
        self,
        url: bytes,
        headers: dict[bytes, bytes],
        *,
        client_address: str,
        keep_alive: bool,
        send: Callable[["ShortRequest", int, bytes, bytes], None],
    ) -> None:
        self.url = url
        self.headers = headers
        self.body = b""
        self.client_address = client_address  # empty on a Unix socket
        self.keep_alive = keep_alive
        self.disconnected = False
        self.response_complete = False
        self._send = send

    def answer(self, status: int, head: bytes, body: bytes) -> None:
        """Answer, unless the client left.

        :param head: headers, each a whole line; that of the body's length is added
        """
        self.response_complete = True
        if not self.disconnected:
            self._send(self, status, head, body)


class ShortWay(Protocol):
    """What an application offers that answers some requests itself."""

    body_max_bytes: int

    def opens_to(self, method: bytes, url: bytes) -> bool:
        """Whether a request for this, if it is plain otherwise, may come this way."""

    def take(self, request: ShortRequest) -> bool:
        """Answer a whole request, now or later; False: it is the application's after all.

        Raises nothing.
        """


class ShortWayProtocol(HttpToolsProtocol):
    """uvicorn's connection, with a short way from the parser to the answer."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._short_way: ShortWay | None = getattr(self.app, "short_way", None)
        self._arriving_short: ShortRequest | None = None
        self._address = ""
        self._idle_timer: asyncio.TimerHandle | None = None
        self._idle_since_s = 0.0  # since the last short answer
        self._heard = False  # something came since
        self._defaults: tuple[list[tuple[bytes, bytes]], bytes] = ([], b"")

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        """Send each answer in one piece."""
        whole = OneWrite(transport, self.loop)
        super().connection_made(whole)  # type: ignore[arg-type]  # it has all that uvicorn calls
        self._send_whole = whole.write_whole
        self._address = self.client[0] if self.client else ""

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer with the connection."""
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        self._heard = True
        super().data_received(data)

    def on_message_begin(self) -> None:
        """A request's first byte came. Its scope is made when it is sure that somebody wants it."""
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_headers_complete(self) -> None:
        """The head is here: choose the way."""
        request = self._short_request()
        if request is None:
            self._go_ordinary_way()
        else:
            self._arriving_short = request
            self.cycle = request  # type: ignore[assignment]  # see ShortRequest

    def on_body(self, body: bytes) -> None:
        """Part of a body came."""
        if self._arriving_short is None:
            super().on_body(body)
        else:
            self._arriving_short.body += body

    def on_message_complete(self) -> None:
        """All of a request is here."""
        request, self._arriving_short = self._arriving_short, None
        if request is None:
            super().on_message_complete()
        elif self._short_way is None or not self._short_way.take(request):
            self.cycle = None  # type: ignore[assignment]  # as before the first request
            self._go_ordinary_way()
            self.cycle.keep_alive = request.keep_alive
            super().on_body(request.body)
            super().on_message_complete()

    def _short_request(self) -> ShortRequest | None:
        """Return what came as a request of the short way, or None when it is not one.

        A body without one plain length, a header that came twice, a request before the last one's
        answer, a client that does not read: all that is rare is better left to those who know how.
        """
        way = self._short_way
        if way is None or not way.opens_to(self.parser.get_method(), self.url):
            return None
        headers = dict(self.headers)
        length = headers.get(b"content-length", b"")
        if (
            len(headers) < len(self.headers)
            or not length.isdigit()
            or int(length[:20]) > way.body_max_bytes
            or b"transfer-encoding" in headers
            or b"upgrade" in headers
            or self.expect_100_continue
            or self.flow.write_paused
            or not (self.cycle is None or self.cycle.response_complete)
            or self.parser.get_http_version() != "1.1"
        ):
            return None
        return ShortRequest(
            self.url,
            headers,
            client_address=self._address,
            keep_alive=self.parser.should_keep_alive(),
            send=self._send_short,
        )

    def _go_ordinary_way(self) -> None:
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers += headers  # the list that is in the scope by now
        super().on_headers_complete()

    def _send_short(self, request: ShortRequest, status: int, head: bytes, body: bytes) -> None:
        if self.transport.is_closing():
            return
        ending = b"\r\n" if request.keep_alive else b"connection: close\r\n\r\n"
        self._send_whole(
            b"%b%b%bcontent-length: %d\r\n%b%b"
            % (STATUS_LINE[status], self._default_lines(), head, len(body), ending, body)
        )
        if not request.keep_alive:
            self.transport.close()
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
        else:
            self.server_state.total_requests += 1
            self._stay_open()

    def _default_lines(self) -> bytes:
        """Return uvicorn's own headers as bytes; it makes a new list each second, for the date."""
        headers = self.server_state.default_headers
        if headers is not self._defaults[0]:
            lines = b"".join(b"%b: %b\r\n" % header for header in headers)
            self._defaults = (headers, lines)
        return self._defaults[1]

    def _stay_open(self) -> None:
        """Close when nothing follows in time: one timer looks again, instead of one each answer."""
        self._heard = False
        self._idle_since_s = self.loop.time()
        if self._idle_timer is None:
            self._idle_timer = self.loop.call_later(self.timeout_keep_alive, self._close_if_silent)

    def _close_if_silent(self) -> None:
        self._idle_timer = None
        if self._heard:
            return  # the answer to what came sets a timer again
        left_s = self._idle_since_s + self.timeout_keep_alive - self.loop.time()
        if left_s > 0:
            self._idle_timer = self.loop.call_later(left_s, self._close_if_silent)
        else:
            self.transport.close()
