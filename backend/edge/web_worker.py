"""gunicorn's worker for the claim lane: uvicorn, with limits on what a client may keep open.

uvicorn parses HTTP with llhttp and runs on libuv, at half the cost a request of gunicorn's own ASGI
worker (docs/adr/0011-claim-lane.md). What it has no setting for is added here: how large a head may
be, how long a request may take to arrive, and a drain that cuts nobody off.
"""

import asyncio
import json
import logging
import secrets
from typing import Any

import structlog
from uvicorn.protocols.http.httptools_impl import STATUS_LINE
from uvicorn_worker import UvicornWorker  # type: ignore[import-untyped]  # ships no types

from backend import clock
from backend.edge.errors import HTTP_ERRORS, form
from backend.edge.short_way import ShortWayProtocol

log = structlog.get_logger()

HEAD_MAX_BYTES = 8 * 1024
ADDRESS_MAX_BYTES = 4 * 1024
ARRIVES_WITHIN_S = 20.0  # head and body; 64 KiB over a slow mobile line take half of it
IDLE_AT_STOP_S = 1.0  # how long a kept connection may still ask once more after a stop


class BoundedProtocol(ShortWayProtocol):
    """One connection. A request that is too long in coming is refused, the connection closed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_is_open = True
        self._arriving = True
        self._head_bytes = 0
        self._deadline: asyncio.TimerHandle | None = None
        self._stopping = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        """Expect a request; a connection that says nothing is closed as well."""
        super().connection_made(transport)
        self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline with the connection."""
        self._clear_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came, and watch what has not come yet."""
        self._head_bytes += len(data)
        self._arriving = True
        super().data_received(data)
        if self.transport.is_closing() or not self._arriving:
            return
        if self._head_is_open and self._head_bytes > HEAD_MAX_BYTES:
            self._refuse(431)
        elif self._deadline is None:
            self._set_deadline()

    def on_message_begin(self) -> None:
        """A request's first byte came."""
        super().on_message_begin()
        self._head_is_open = True

    def on_headers_complete(self) -> None:
        """The head is here: hand the request over, unless the head is too large."""
        self._head_is_open = False
        if len(self.url) > ADDRESS_MAX_BYTES:
            self._refuse(414)
            return
        if self._head_bytes > HEAD_MAX_BYTES and self._size_of_head() > HEAD_MAX_BYTES:
            self._refuse(431)
            return
        super().on_headers_complete()
        if self._stopping:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        """All of a request is here."""
        self._arriving = False
        self._head_bytes = 0
        self._clear_deadline()
        if not self.transport.is_closing():
            super().on_message_complete()

    def on_body(self, body: bytes) -> None:
        """Part of a body came; after a refusal nobody wants it."""
        if not self.transport.is_closing():
            super().on_body(body)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, in the form of every refusal."""
        self._refuse(400)

    def shutdown(self) -> None:
        """Stop: finish what is asked; who keeps the connection may ask once more, and is told then.

        Closing it at once would cut off a request that is on its way at this moment.
        """
        self._stopping = True
        if self.cycle is None or self.cycle.response_complete:
            self.loop.call_later(IDLE_AT_STOP_S, self._close_if_idle)
        else:
            self.cycle.keep_alive = False

    def _close_if_idle(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()
        else:
            self.cycle.keep_alive = False

    def _size_of_head(self) -> int:
        lines = sum(len(name) + len(value) + 4 for name, value in self.headers)
        return len(self.url) + lines

    def _set_deadline(self) -> None:
        self._deadline = self.loop.call_later(ARRIVES_WITHIN_S, self._too_late)

    def _clear_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        self._deadline = None
        if self._head_bytes == 0:  # nothing was asked, so nothing is answered
            self.transport.close()
        else:
            self._refuse(408)

    def _refuse(self, status: int) -> None:
        """Answer without the application, and close; nothing when it is answering already."""
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(_refusal(status))
        self.transport.close()


def _refusal(status: int) -> bytes:
    code, message = HTTP_ERRORS[status]
    request_id = secrets.token_hex(16)
    log.info("refused", code=code, why="not a request that arrived whole", request_id=request_id)
    body = json.dumps(form(code, message, None, request_id=request_id), ensure_ascii=False).encode()
    return b"".join(
        (
            STATUS_LINE[status],
            b"content-type: application/json\r\n",
            b"x-content-type-options: nosniff\r\ncache-control: no-store\r\n",
            b"x-request-id: %s\r\n" % request_id.encode(),
            b"x-server-time-ms: %d\r\n" % clock.now_ms(),
            b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body),
            body,
        )
    )


class LaneWorker(UvicornWorker):
    """uvicorn under gunicorn as the lane wants it."""

    CONFIG_KWARGS: dict[str, Any] = {
        "loop": "uvloop",
        "http": BoundedProtocol,
        "ws": "none",
        "lifespan": "on",
        "access_log": False,  # the application writes it
        "proxy_headers": False,  # TRUSTED_PROXIES says whom to believe
        "server_header": False,
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.config.timeout_graceful_shutdown = self.cfg.graceful_timeout
        logging.getLogger("uvicorn.error").propagate = True  # through the application's renderer
