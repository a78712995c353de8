"""The claim lane answers as the Flask view does, byte for byte."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from backend import metrics
from backend.domain import tokens
from backend.edge import errors
from backend.extensions import redis_handle
from backend.services import blocks, claim_lane, sign_ins
from backend.storage.redis import keys
from backend.storage.sql import transaction
from miniprogram_api import lane_application
from tests.factories import MAY, City, MovableClock, Person, approve, forget_held, held_claims
from tests.integration.edge.callers import apart, ask
from tests.integration.lane_server import Answer, Serving, call, with_lane

PATH = f"/api/v1/resident/campaigns/{MAY}/claims"
APPROVED, DRAFT = "Q2-APPL", "Q3-NIGHT"
NAMED = (
    "content-type", "content-length", "x-request-id", "x-server-time-ms", "retry-after",
    "x-content-type-options", "cache-control", "www-authenticate", "connection", "allow",
)  # fmt: skip
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


def test_the_same_requests_get_the_same_answers_from_the_lane_and_from_flask(
    city: City, moment: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errors.secrets, "randbelow", lambda _below: 0)  # Retry-After is spread
    moment.move(milliseconds=123)
    approve(APPROVED, actor="test")
    sent = requests(city)
    start: Quota = redis_handle.client.hgetall(keys.quota(MAY))
    flask = replayed(city, sent, by_flask, start)
    lane = replayed(city, sent, by_lane, start)
    for name in sent:
        expected, found = flask[name], lane[name]
        assert (found.status, found.body) == (expected.status, expected.body), name
        for header in NAMED:
            assert found.headers.get(header) == expected.headers.get(header), (name, header)
    assert {flask[name].status for name in sent} >= {
        201,
        400,
        401,
        403,
        404,
        405,
        411,
        413,
        415,
        422,
        503,
    }


def test_everything_that_is_no_claim_is_flasks_to_answer(city: City) -> None:
    person = city.resident()
    for path in (
        "/",
        "/healthz",
        "/api/v1/time",
        "/api/v1/resident/me",
        "/no-such",
        "/openapi.json",
    ):
        expected = apart(city.client.get, path, headers=person.headers)
        found = with_lane(
            city, lambda lane, path=path: call(lane, "GET", path, headers=person.headers.items())
        )
        assert (found.status, found.body[:200]) == (expected.status_code, expected.data[:200]) or (
            json.loads(found.body)["error"]["code"] == expected.get_json()["error"]["code"]
        ), path


def test_200_claims_at_once_each_get_their_own_answer(city: City) -> None:
    people = [city.resident() for _ in range(200)]
    redis_handle.client.hset(keys.quota(MAY), "left:3", 100)

    async def rush(lane: Any) -> list[Answer]:
        return await asyncio.gather(
            *(
                call(
                    lane, "POST", PATH, body=claim(3),
                    headers=[
                        *person.headers.items(), ("Content-Type", "application/json"),
                        ("Content-Length", str(len(claim(3)))),
                    ],
                )
                for person in people
            )
        )  # fmt: skip

    answers = with_lane(city, rush)
    vouchers = [json.loads(a.body)["voucher_id"] for a in answers if a.status == 201]
    assert len(set(vouchers)) == len(vouchers) == 100
    codes = {json.loads(a.body)["error"]["code"] for a in answers if a.status != 201}
    assert codes == {"quota_exhausted"}
    for person, answer in zip(people, answers, strict=True):
        held = held_claims(person.id)
        assert len(held) == (answer.status == 201)
        for claim_ in held:
            assert claim_.tier_position == 3
            assert json.loads(answer.body)["voucher_id"] % 1_000_000_000 == claim_.serial


def test_more_than_flasks_threads_can_answer_is_refused_at_once_and_claims_go_on(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane_application, "HANDED_OVER_MAX", 2)
    person = city.resident()
    headers = [
        *person.headers.items(), ("Content-Type", "application/json"),
        ("Content-Length", str(len(claim()))),
    ]  # fmt: skip

    async def flood(lane: Any) -> tuple[list[Answer], Answer]:
        pages = asyncio.gather(*(call(lane, "GET", "/api/v1/time") for _ in range(20)))
        claimed = await call(lane, "POST", PATH, body=claim(), headers=headers)
        return await pages, claimed

    pages, claimed = with_lane(city, flood)
    assert claimed.status == 201
    assert {answer.status for answer in pages} == {200, 503}
    refused = next(answer for answer in pages if answer.status == 503)
    assert json.loads(refused.body)["error"]["code"] == "unavailable"
    assert int(refused.headers["retry-after"]) >= 1
    metrics.flush()
    labels = {"route": "none", "method": "other", "status": "503"}
    assert metrics.REGISTRY.get_sample_value("huiquan_requests_total", labels)


@pytest.mark.parametrize("left_out", [1, 20])
def test_a_client_that_leaves_in_the_middle_of_its_request_claims_nothing(
    city: City, left_out: int
) -> None:
    person, other, body = city.resident(), city.resident(), claim()
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: {person.headers['Authorization']}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )

    async def leave(lane: Serving) -> Answer:
        _, writer = await asyncio.open_connection("127.0.0.1", lane.port)
        writer.write(head.encode() + body[:-left_out])
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        return await call(
            lane, "POST", PATH, body=body,
            headers=[
                *other.headers.items(), ("Content-Type", "application/json"),
                ("Content-Length", str(len(body))),
            ],
        )  # fmt: skip

    assert with_lane(city, leave).status == 201
    assert held_claims(person.id) == []
    assert len(held_claims(other.id)) == 1


def test_a_fault_of_ours_is_a_500_in_the_form_of_every_refusal_and_the_next_claim_is_answered(
    city: City, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    person, other = city.resident(), city.resident()
    decide = claim_lane.decide

    def faulty(prepared: Any, *args: Any, **kwargs: Any) -> Any:
        if prepared.resident_id == person.id:
            raise ZeroDivisionError
        return decide(prepared, *args, **kwargs)

    monkeypatch.setattr(claim_lane, "decide", faulty)

    async def both(lane: Serving) -> list[Answer]:
        return await asyncio.gather(
            *(
                call(
                    lane, "POST", PATH, body=claim(),
                    headers=[
                        *who.headers.items(), ("Content-Type", "application/json"),
                        ("Content-Length", str(len(claim()))),
                    ],
                )
                for who in (person, other)
            )
        )  # fmt: skip

    crashed, taken = with_lane(city, both)
    assert (crashed.status, taken.status) == (500, 201)
    assert json.loads(crashed.body)["error"]["code"] == "internal_error"
    assert "ZeroDivisionError" in caplog.text
