"""The claim lane answers as the Flask view does, byte for byte."""

import asyncio
import json
from typing import Any

import pytest

from backend import metrics
from backend.edge import errors
from backend.extensions import redis_handle
from backend.services import claim_lane
from backend.storage.redis import keys
from miniprogram_api import lane_application
from tests.factories import MAY, City, MovableClock, approve, held_claims
from tests.integration.edge.callers import apart
from tests.integration.lane_server import Answer, Serving, call, with_lane
from tests.integration.miniprogram_api.lane_requests import (
    APPROVED,
    PATH,
    Quota,
    by_flask,
    by_lane,
    claim,
    replayed,
    requests,
)

NAMED = (
    "content-type", "content-length", "x-request-id", "x-server-time-ms", "retry-after",
    "x-content-type-options", "cache-control", "www-authenticate", "connection", "allow",
)  # fmt: skip


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
