"""Requests of every kind for the claim lane and the Flask view, and both ways to send them."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from backend.domain import tokens
from backend.extensions import redis_handle
from backend.services import blocks, sign_ins
from backend.storage.redis import keys
from backend.storage.sql import transaction
from tests.factories import MAY, City, Person, forget_held
from tests.integration.edge.callers import ask
from tests.integration.lane_server import Answer, call, with_lane

PATH = f"/api/v1/resident/campaigns/{MAY}/claims"
APPROVED, DRAFT = "Q2-APPL", "Q3-NIGHT"
Quota = dict[str, str | int]


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One request, and what the quota's fields are set to before it."""

    body: bytes
    headers: dict[str, str]
    path: str = PATH
    method: str = "POST"
    query: str = ""
    quota: Quota = field(default_factory=dict)


def claim(tier: Any = 1, request: Any = "request-1", **more: Any) -> bytes:
    return json.dumps({"tier_position": tier, "request_id": request, **more}).encode()


def requests(city: City) -> dict[str, Sent]:
    """Return requests by name: what succeeds, every refusal, and what is no claim at all."""
    person, other, third, unbound = (
        city.resident(), city.resident(), city.resident(), city.resident(bound=False)
    )  # fmt: skip
    sent: dict[str, Sent] = {}

    def add(name: str, body: bytes = claim(), who: Person | None = third, **more: Any) -> None:
        headers = {
            "Content-Type": "application/json",
            "X-Request-Id": f"parity-{len(sent):04d}",
            **(who.headers if who else {}),
            **more.pop("headers", {}),
        }
        sent[name] = Sent(body=body, headers={k: v for k, v in headers.items() if v}, **more)

    add("taken", who=person)
    add("replayed", who=person)
    add("limit", claim(request="request-2"), person)
    add("second tier", claim(2, "request-3"), other)
    add("day limit", claim(3, "request-4"), other, quota={"one_tier_per_day": 1})
    add("over all tiers", claim(3, "request-8"), other, quota={"per_person": 1})
    add("over the day", claim(3, "request-8"), other, quota={"per_person_per_day": 1})
    for n, more in enumerate(
        ({"latitude": 47.5, "longitude": 132}, {"latitude": None}, {"latitude": "47.5"},
         {"latitude": 90.1, "longitude": 1.0}, {"longitude": True}, {"latitude": 10**400})
    ):  # fmt: skip
        add(f"position {n}", claim(request="request-6", **more), other)
    add("sold out", claim(3), quota={"left:3": 0})
    add("sold out, a holder", claim(2, "request-5"), other, quota={"left:2": 0})
    add("not open", quota={"opens_at_ms": 2**52})
    add("closed", quota={"ends_at_ms": 0})
    for state in ("paused", "stopped", "ended", "approved"):
        add(f"quota {state}", quota={"state": state})
    add("replayed while paused", who=person, quota={"state": "paused"})
    add("another epoch", quota={"epoch": 9})
    add("no such tier", claim(9))
    add("unknown campaign", path=PATH.replace(MAY, "NO-SUCH"))
    add("instant", path=PATH.replace(MAY, "Q2-FUEL"))
    add("draft", path=PATH.replace(MAY, DRAFT))
    add("approved", path=PATH.replace(MAY, APPROVED))
    add("campaign in small letters", path=PATH.replace(MAY, "q2-may"))
    add("no phone", who=unbound)
    add("a clerk", who=city.clerk())
    add("blocked", who=blocked_resident(city))
    add("signed out", who=signed_out(city))
    add("no token", who=None)
    add("no token and no JSON", b"{", who=None)
    for scheme in ("Basic x", "Bearer", "Bearer x.y", "bearer  " + bearer(third), "Bearer é"):
        add(f"authorization {scheme}", headers={"Authorization": scheme})
    add("expired", headers={"Authorization": f"Bearer {expired(city)}"})
    bodies: tuple[bytes, ...] = (
        b"", b"{", b"[]", b"null", b'"x"', b"1", b"\xff", b"NaN", b"\xef\xbb\xbf" + claim(),
        claim() + b"x", b'{"tier_position":1,"tier_position":2,"request_id":"request-1"}',
        b"[" * 21 + b"]" * 21, b"[" * 5000, claim(1.5), claim("1"), claim(True), claim(0),
        claim(100), claim(None), claim(10**30), claim(request="short"), claim(request="x" * 65),
        claim(request="request\x00-1"), claim(request="\ud800-request"), claim(request=7),
        claim(request="惠券惠券惠券惠券"), claim(more=1), b'{"tier_position":1}', b"{}",
        b'{"request_id":"request-1"}', b'{"tier_position":1e400,"request_id":"request-1"}',
    )  # fmt: skip
    for n, body in enumerate(bodies):
        add(f"body {n} {body[:40]!r}", body)
    add("64 KiB", claim().ljust(65_536))
    add("one byte more", claim().ljust(65_537))
    add("70 KB", b"x" * 70_000)
    add("chunked", headers={"Transfer-Encoding": "chunked"})
    add("text", headers={"Content-Type": "text/plain"})
    add("no type", headers={"Content-Type": ""})
    add("type with charset", headers={"Content-Type": "application/json; charset=utf-8"})
    add("a query", query="a=1")
    add("a query twice", query="a=1&a=2")
    add("GET", b"", method="GET")
    return sent


def signed_out(city: City) -> Person:
    person = city.resident()
    with transaction() as session:
        sign_ins.end_all(session, wechat_user_id=person.wechat_user_id)
    sign_ins.REVOKED.forget()
    return person


def blocked_resident(city: City) -> Person:
    person = city.resident()
    blocks.block(person.id, reason="test", actor="test")
    return person


def bearer(person: Person) -> str:
    return person.headers["Authorization"].removeprefix("Bearer ")


def expired(city: City) -> str:
    claims = tokens.Claims(
        role="resident", sign_in_id=1, wechat_user_id=1, subject_id=1, expires_s=1
    )
    return tokens.issue(claims, key=city.settings.token_key)


def by_flask(city: City, request: Sent) -> Answer:
    response = ask(
        city, request.method, request.path, data=request.body, headers=request.headers,
        query_string=request.query,
    )  # fmt: skip
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status_code, headers, response.data)


def by_lane(city: City, request: Sent) -> Answer:
    headers = dict(request.headers)
    if request.method == "POST" and "Transfer-Encoding" not in headers:
        headers["Content-Length"] = str(len(request.body))
    return with_lane(
        city,
        lambda lane: call(
            lane, request.method, request.path, headers=headers.items(), body=request.body,
            query=request.query.encode(), parts=3,
        ),
    )  # fmt: skip


def replayed(
    city: City, requests_: dict[str, Sent], send: Callable[[City, Sent], Answer], start: Quota
) -> dict[str, Answer]:
    """Send all requests on a fresh Valkey, each on the quota it wants."""
    client = redis_handle.client
    forget_held()
    client.delete(keys.claims(MAY), keys.quota(MAY))
    client.hset(keys.quota(MAY), mapping=start)
    answers = {}
    for name, request in requests_.items():
        kept = client.hgetall(keys.quota(MAY))
        if request.quota:
            client.hset(keys.quota(MAY), mapping=request.quota)
        answers[name] = send(city, request)
        if request.quota:
            before = {name: kept[name] for name in request.quota if name in kept}
            added = [name for name in request.quota if name not in kept]
            if before:
                client.hset(keys.quota(MAY), mapping=before)
            if added:
                client.hdel(keys.quota(MAY), *added)
    return answers
