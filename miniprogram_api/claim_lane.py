"""The claim lane: an ASGI application that answers claims and hands all else to Flask.

At the opening second nearly every request is a well-formed claim. Those are answered here, on the
event loop, by the same decision as in the Flask view. What is in any way unusual (another address,
a query, a body that is no claim) goes to the Flask application as it came, so that there is one
place that says what is wrong with a request.
"""

import gc
import re
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

from pydantic import TypeAdapter, ValidationError

from backend import clock, logs, metrics
from backend.domain import addresses, refusals, tokens
from backend.domain.errors import HuiquanError, InvalidRequest, Unavailable
from backend.edge.access_lines import AccessLines
from backend.edge.errors import STATUS, form, headers_of
from backend.edge.http import DISCARD_MAX_BYTES, REQUEST_ID, strict_json
from backend.services.claim_decisions import ClaimedVoucher
from backend.services.claim_lane import ClaimLane
from backend.settings import Settings
from miniprogram_api.resident.vouchers import Claim

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

PATH = re.compile(r"/api/v1/resident/campaigns/([A-Z0-9-]{1,32})/claims")
ROUTE = "/api/v1/resident/campaigns/<campaign_id:campaign_id>/claims"
# What waits for Flask's threads beyond this is refused at once: it would be answered to nobody.
HANDED_OVER_MAX = 256
_VOUCHER_BYTES = TypeAdapter(ClaimedVoucher).dump_json
_REFUSAL_BYTES = TypeAdapter(dict[str, Any]).dump_json
_FIXED_HEADERS = (
    (b"content-type", b"application/json"),
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
)


class ClientGone(Exception):
    """The client left before its request was here."""


class ClaimLaneApplication:
    """Answers claims, hands all else to `flask_application` (which speaks ASGI by an adapter)."""

    def __init__(
        self, *, lane: ClaimLane, settings: Settings, flask_application: Application
    ) -> None:
        self._lane = lane
        self._token_key = settings.token_key
        self._body_max_bytes = settings.request_body_max_bytes
        self._trusted_proxies = settings.trusted_proxies
        self._flask = flask_application
        self._access = AccessLines()
        self._handed_over = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        with suppress(ClientGone):
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
        elif scope["method"] == "POST" and (match := PATH.fullmatch(scope["path"])):
            await self._claim(match[1], scope, receive, send)
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

    async def _claim(self, campaign_id: str, scope: Scope, receive: Receive, send: Send) -> None:
        began_s = time.perf_counter()
        headers = dict(scope["headers"])
        if self._is_unusual(scope, headers):
            await self._hand_over(scope, receive, send)
            return
        request_id, logged_id = _request_id(headers)
        try:
            resident = self._caller(headers)
            body = await _read(receive, self._body_max_bytes)
            wanted = _parsed(body)
            if wanted is None:
                await self._hand_over(scope, _replay(body), send)
                return
            if resident.subject_id == 0:
                raise refusals.PhoneRequired(f"wechat user {resident.wechat_user_id}")
            voucher = await self._lane.claim_voucher(
                campaign_id=campaign_id,
                tier_position=wanted.tier_position,
                resident_id=resident.subject_id,
                request_id=wanted.request_id,
                position=wanted.position,
                ticket=wanted.ticket,
                address=self._address(scope, headers),
            )
            status = 201
            await _send(send, status, _VOUCHER_BYTES(voucher), request_id, {})
        except HuiquanError as refused:
            self._access.refused(code=refused.code, why=str(refused), request_id=logged_id)
            status = STATUS[refused.category]
            await _send_refusal(send, refused, request_id)
        took_s = time.perf_counter() - began_s
        self._access.request(
            method="POST", route=ROUTE, status=status, took_s=took_s, request_id=logged_id
        )
        metrics.request_answered(route=ROUTE, method="POST", status=status, seconds=took_s)

    def _is_unusual(self, scope: Scope, headers: dict[bytes, bytes]) -> bool:
        """Whether Flask shall answer: it has the words for what is wrong before the token is."""
        length = headers.get(b"content-length", b"")
        return bool(
            scope["query_string"]
            or scope.get("root_path")
            or len(headers) < len(scope["headers"])  # a header came twice
            or b"transfer-encoding" in headers
            or not length.isdigit()
            or int(length[:20]) > self._body_max_bytes
            or headers.get(b"content-type") != b"application/json"
        )

    def _caller(self, headers: dict[bytes, bytes]) -> tokens.Claims:
        """Return what the caller's token says, without a look-up, or refuse."""
        scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        try:
            if scheme.lower() != "bearer":
                raise tokens.TokenRefused("no bearer token")
            claims = tokens.read(token.strip(), key=self._token_key, now_s=clock.now_ms() / 1000)
        except tokens.TokenRefused as error:
            raise refusals.SignInRequired(str(error)) from error
        if claims.role != "resident":
            raise refusals.WrongRole(f"{claims.role} called a resident's endpoint")
        return claims

    def _address(self, scope: Scope, headers: dict[bytes, bytes]) -> str:
        """Return the caller's address, for marks alone."""
        client = scope.get("client")
        forwarded_for = headers.get(b"x-forwarded-for", b"").decode("latin-1")
        return addresses.behind_proxies(
            client[0] if client else "", forwarded_for, trusted_proxies=self._trusted_proxies
        )

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
        status, (request_id, logged_id) = STATUS[refused.category], _request_id(headers)
        self._access.refused(code=refused.code, why=str(refused), request_id=logged_id)
        await _send_refusal(send, refused, request_id)
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


def _parsed(body: bytes) -> Claim | None:
    """Return the claim that a body asks for, or None when it is no such thing."""
    try:
        return Claim.model_validate(strict_json(body.decode()))
    except (InvalidRequest, ValidationError, ValueError, RecursionError):
        return None


def _request_id(headers: dict[bytes, bytes]) -> tuple[str, str]:
    """Return the request's id as it is answered and as it is logged."""
    given = headers.get(b"x-request-id", b"").decode("latin-1")
    if REQUEST_ID.fullmatch(given):
        return given, logs.masked_text(given)
    made = secrets.token_hex(16)
    return made, made


async def _send(
    send: Send, status: int, body: bytes, request_id: str, extra: dict[str, str]
) -> None:
    headers = [
        *_FIXED_HEADERS,
        (b"content-length", b"%d" % (len(body) + 1)),
        (b"x-request-id", request_id.encode()),
        (b"x-server-time-ms", b"%d" % clock.now_ms()),
        *((name.lower().encode(), value.encode()) for name, value in extra.items()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body + b"\n"})


async def _send_refusal(send: Send, refused: HuiquanError, request_id: str) -> None:
    answer = form(refused.code, refused.message, refused.details, request_id=request_id)
    await _send(
        send,
        STATUS[refused.category],
        _REFUSAL_BYTES(answer),
        request_id,
        headers_of(refused),
    )
