"""The application of an event loop: claims go the short way, all else goes to Flask's threads."""

import gc
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

from backend import metrics
from backend.domain.errors import Unavailable
from backend.edge.access_lines import AccessLines
from backend.edge.http import DISCARD_MAX_BYTES
from backend.services.claim_lane import ClaimLane
from backend.settings import Settings
from miniprogram_api.claim_lane import ClaimShortWay, refusal, request_id_of

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

# What waits for Flask's threads beyond this is refused at once: it would be answered to nobody.
HANDED_OVER_MAX = 256


class ClientGone(Exception):
    """The client left before its request was here."""


class LaneApplication:
    """Hands requests to `flask_application`, which speaks ASGI by an adapter.

    `short_way` is what the server's protocol asks first (backend/edge/short_way.py).
    """

    def __init__(
        self, *, lane: ClaimLane, settings: Settings, flask_application: Application
    ) -> None:
        self._lane = lane
        self._body_max_bytes = settings.request_body_max_bytes
        self._flask = flask_application
        self._access = AccessLines()
        self._handed_over = 0
        self.short_way = ClaimShortWay(lane=lane, settings=settings, access=self._access)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        with suppress(ClientGone):
            if scope["type"] == "lifespan":
                await self._live(receive, send)
            elif scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1000})
            else:
                await self._hand_over(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        # The application is built and stays: the collector need not look at it again and again
        # while thousands of claims come and go.
        gc.collect()
        gc.freeze()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._lane.close()
        self._access.write()
        await send({"type": "lifespan.shutdown.complete"})

    async def _hand_over(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let Flask answer, in a thread that never waits for a slow client: the body comes first.

        A body that Flask will refuse for its size or for having no length is read away here.
        """
        headers = dict(scope["headers"])
        length = headers.get(b"content-length", b"0")
        fits = length.isdigit() and int(length[:20]) <= self._body_max_bytes
        if b"transfer-encoding" in headers or not fits:
            await _read(receive, DISCARD_MAX_BYTES, keep=False)
            body = b""
        else:
            body = await _read(receive, self._body_max_bytes)
        if self._handed_over >= HANDED_OVER_MAX:
            await self._refuse_overload(headers, send)
            return
        self._handed_over += 1
        try:
            await self._flask(scope, _replay(body), send)
        finally:
            self._handed_over -= 1

    async def _refuse_overload(self, headers: dict[bytes, bytes], send: Send) -> None:
        refused = Unavailable(f"{HANDED_OVER_MAX} requests wait for a thread")
        request_id, logged_id = request_id_of(headers)
        status, head, body = refusal(refused, request_id)
        self._access.refused(code=refused.code, why=str(refused), request_id=logged_id)
        lines = [*head.split(b"\r\n")[:-1], b"content-length: %d" % len(body)]
        named = [(name, value) for name, _, value in (line.partition(b": ") for line in lines)]
        await send({"type": "http.response.start", "status": status, "headers": named})
        await send({"type": "http.response.body", "body": body})
        # No route: which one it would have been is Flask's to say.
        self._access.request(
            method="-", route="none", status=status, took_s=0.0, request_id=logged_id
        )
        metrics.request_answered(route="none", method="other", status=status, seconds=0.0)


async def _read(receive: Receive, max_bytes: int, *, keep: bool = True) -> bytes:
    """Return the body, or as much of it as came before the end or the limit.

    Raises ClientGone when the client left before the end: half a request is none.
    """
    parts: list[bytes] = []
    read_bytes = 0
    more = True
    while more and read_bytes <= max_bytes:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        part: bytes = message.get("body", b"")
        more = message.get("more_body", False)
        read_bytes += len(part)
        if keep:
            parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _replay(body: bytes) -> Receive:
    """Return a receive() that gives a body which was read before."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
