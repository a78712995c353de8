"""The claim lane: claims answered on the event loop, on the short way from the parser.

At the opening second nearly every request is a well-formed claim. Those are answered here, by the
same decision as in the Flask view. What is in any way unusual (another address, a query, a body
that is no claim) goes to the Flask application as it came, so that there is one place that says
what is wrong with a request.
"""

import re
import secrets
import time
from functools import partial
from typing import Any

import structlog
from pydantic import TypeAdapter, ValidationError

from backend import clock, logs, metrics
from backend.domain import addresses, refusals, tokens
from backend.domain.errors import HuiquanError, InvalidRequest
from backend.edge.access_lines import AccessLines
from backend.edge.errors import form, headers_of, status_of
from backend.edge.http import REQUEST_ID, strict_json
from backend.edge.short_way import ShortRequest
from backend.services.claim_decisions import ClaimedVoucher
from backend.services.claim_lane import AskedClaim, ClaimLane
from backend.settings import Settings
from miniprogram_api.resident.vouchers import Claim

log = structlog.get_logger()

START, END = b"/api/v1/resident/campaigns/", b"/claims"
CAMPAIGN_ID = re.compile("[A-Z0-9-]{1,32}")
ROUTE = "/api/v1/resident/campaigns/<campaign_id:campaign_id>/claims"
FIXED_LINES = (
    b"content-type: application/json\r\nx-content-type-options: nosniff\r\n"
    b"cache-control: no-store\r\n"
)
_VOUCHER_BYTES = TypeAdapter(ClaimedVoucher).serializer.to_json
_REFUSAL_BYTES = TypeAdapter(dict[str, Any]).serializer.to_json


class ClaimShortWay:
    """Answers claims; see `backend.edge.short_way.ShortWay`."""

    def __init__(self, *, lane: ClaimLane, settings: Settings, access: AccessLines) -> None:
        self.body_max_bytes = settings.request_body_max_bytes
        self._lane = lane
        self._token_key = settings.token_key
        self._trusted_proxies = settings.trusted_proxies
        self._access = access

    def opens_to(self, method: bytes, url: bytes) -> bool:
        """Whether this is the address of claims, without a query."""
        return method == b"POST" and url.startswith(START) and url.endswith(END)

    def take(self, request: ShortRequest) -> bool:
        """Answer a claim, now or later; False for what Flask has the words for."""
        began_s = time.perf_counter()
        headers = request.headers
        campaign_id = request.url[len(START) : -len(END)].decode("latin-1")
        if headers.get(b"content-type") != b"application/json" or not CAMPAIGN_ID.fullmatch(
            campaign_id
        ):
            return False
        request_id = request_id_of(headers)
        told = partial(self._tell, request, request_id, began_s)
        now_ms = clock.now_ms()
        try:
            resident = self._caller(headers, now_ms)
            wanted = _parsed(request.body)
            if wanted is None:
                return False
            if resident.subject_id == 0:
                raise refusals.PhoneRequired(f"wechat user {resident.wechat_user_id}")
        except HuiquanError as refused:
            told(refused)
            return True
        asked = AskedClaim(
            campaign_id=campaign_id,
            tier_position=wanted.tier_position,
            resident_id=resident.subject_id,
            sign_in_id=resident.sign_in_id,
            request_id=wanted.request_id,
            position=wanted.position,
            ticket=wanted.ticket,
            address=self._address(request),
        )
        self._lane.claim_voucher(asked, told, now_ms=now_ms)
        return True

    def _caller(self, headers: dict[bytes, bytes], now_ms: int) -> tokens.Claims:
        """Return what the caller's token says, without a look-up, or refuse."""
        scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        try:
            if scheme.lower() != "bearer":
                raise tokens.TokenRefused("no bearer token")
            claims = tokens.read(token.strip(), key=self._token_key, now_s=now_ms / 1000)
        except tokens.TokenRefused as error:
            raise refusals.SignInRequired(str(error)) from error
        if claims.role != "resident":
            raise refusals.WrongRole(f"{claims.role} called a resident's endpoint")
        return claims

    def _address(self, request: ShortRequest) -> str:
        """Return the caller's address, for marks alone."""
        forwarded_for = request.headers.get(b"x-forwarded-for", b"").decode("latin-1")
        return addresses.behind_proxies(
            request.client_address, forwarded_for, trusted_proxies=self._trusted_proxies
        )

    def _tell(
        self,
        request: ShortRequest,
        request_id: tuple[str, str],
        began_s: float,
        outcome: ClaimedVoucher | HuiquanError,
    ) -> None:
        answered_id, logged_id = request_id
        if isinstance(outcome, HuiquanError):
            status, head, body = refusal(outcome, answered_id)
            self._access.refused(code=outcome.code, why=str(outcome), request_id=logged_id)
        else:
            status, head = 201, head_of(answered_id)
            body = _VOUCHER_BYTES(outcome) + b"\n"
        request.answer(status, head, body)
        took_s = time.perf_counter() - began_s
        self._access.request(
            method="POST", route=ROUTE, status=status, took_s=took_s, request_id=logged_id
        )
        metrics.request_answered(route=ROUTE, method="POST", status=status, seconds=took_s)


def request_id_of(headers: dict[bytes, bytes]) -> tuple[str, str]:
    """Return the request's id as it is answered and as it is logged."""
    given = headers.get(b"x-request-id", b"").decode("latin-1")
    if REQUEST_ID.fullmatch(given):
        return given, logs.masked_text(given)
    made = secrets.token_hex(16)
    return made, made


def head_of(request_id: str) -> bytes:
    """Return the lines of headers that every answer has."""
    return b"%bx-request-id: %b\r\nx-server-time-ms: %d\r\n" % (
        FIXED_LINES,
        request_id.encode(),
        clock.now_ms(),
    )


def refusal(refused: HuiquanError, request_id: str) -> tuple[int, bytes, bytes]:
    """Return the status, the lines of headers and the body of a refusal."""
    lines = (f"{name}: {value}\r\n" for name, value in headers_of(refused).items())
    body = form(refused.code, refused.message, refused.details, request_id=request_id)
    head = head_of(request_id) + "".join(lines).encode()
    return status_of(refused), head, _REFUSAL_BYTES(body) + b"\n"


def _parsed(body: bytes) -> Claim | None:
    """Return the claim that a body asks for, or None when it is no such thing."""
    try:
        if b"\\" not in body:
            claim = Claim.model_validate_json(body)
            # Pydantic takes the last of two values of one name. Without escapes each text has two
            # quotes: with more of them than the claim's names and texts have, a name came twice.
            fields = claim.model_fields_set
            texts = len(fields) + 1 + (claim.ticket is not None)
            if body.count(b'"') == 2 * texts:
                return claim
        return Claim.model_validate(strict_json(body.decode()))
    except (InvalidRequest, ValidationError, ValueError, RecursionError):
        return None
