"""A campaign's page of the mini-program, and claims from it on both ways in."""

import dataclasses
import json
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from apiflask import APIFlask

from backend.domain import claim_marks, tickets
from backend.extensions import db, redis_handle
from backend.factory import create_app
from backend.storage.models.vouchers import Voucher
from backend.storage.redis import keys
from miniprogram_api.edges import EDGES
from tests.conftest import OPENING
from tests.factories import MAY, City, MovableClock, Person, drain, rows
from tests.integration.edge.callers import apart
from tests.integration.lane_server import call, with_lane

PATH = f"/api/v1/resident/campaigns/{MAY}"


def post(city: City, way: str, person: Person, tier: int, ticket: str, address: str = "") -> int:
    """Claim by one of the two ways in; return the status."""
    body = {"tier_position": tier, "request_id": f"request-{person.id}-{tier}", "ticket": ticket}
    headers = {**person.headers, "X-Forwarded-For": address} if address else person.headers
    if way == "flask":
        response = apart(city.client.post, f"{PATH}/claims", headers=headers, json=body)
        return int(response.status_code)
    data = json.dumps(body).encode()
    sent = {**headers, "Content-Type": "application/json", "Content-Length": str(len(data))}
    answer = with_lane(
        city, lambda lane: call(lane, "POST", f"{PATH}/claims", headers=sent.items(), body=data)
    )
    return answer.status


@pytest.fixture
def behind_proxies(city: City) -> Iterator[Callable[[int], City]]:
    """Makes the city with so many proxies of ours in front of it."""
    made: list[APIFlask] = []

    def make(trusted_proxies: int) -> City:
        settings = dataclasses.replace(city.settings, trusted_proxies=trusted_proxies)
        made.append(apart(create_app, settings, EDGES))
        return City(app=made[-1], settings=settings, client=made[-1].test_client())

    yield make
    for app in made:
        with app.app_context():
            db.engine.dispose()
        app.extensions["wechat"].close()
    redis_handle.init_app(city.app)


def test_the_page_says_what_there_is_what_one_holds_and_the_time(
    city: City, moment: MovableClock
) -> None:
    person, other = city.resident(), city.resident()
    held, _ = city.claim(person, tier=2), city.claim(other)
    page = city.get(PATH, person).get_json()
    assert page["campaign"] == city.get(f"/api/v1/campaigns/{MAY}").get_json()["campaign"]
    assert [v["voucher_id"] for v in page["held"]] == [held.voucher_id]
    assert page["held_complete"] is True
    assert page["now_ms"] == int(moment.now_s() * 1000)
    assert page["ticket_expires_at"] == (OPENING + timedelta(minutes=61)).isoformat()
    said = tickets.read(page["ticket"], token_key=city.settings.token_key)
    assert (said.campaign_id, said.resident_id) == (MAY, person.id)


def test_the_page_is_for_residents_with_a_phone_and_campaigns_the_public_knows(
    city: City,
) -> None:
    refused = city.get(PATH, city.resident(bound=False))
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (403, "phone_required")
    for absent in ("Q3-NIGHT", "NO-SUCH"):  # a draft is nobody's business yet
        path = PATH.replace(MAY, absent)
        assert city.get(path, city.resident()).status_code == 404, absent


@pytest.mark.parametrize("way", ["flask", "lane"])
def test_a_claim_from_the_page_has_no_mark_and_a_second_with_its_ticket_has(
    city: City, moment: MovableClock, way: str
) -> None:
    person = city.resident()
    ticket = city.get(PATH, person).get_json()["ticket"]
    moment.move(seconds=1)
    assert [post(city, way, person, tier, ticket) for tier in (1, 2)] == [201, 201]
    drain()
    found = [claim_marks.names(v.marks) for v in sorted(rows(Voucher), key=lambda v: v.tier_id)]
    assert found == [[], ["ticket_reused"]]


@pytest.mark.parametrize("way", ["flask", "lane"])
@pytest.mark.parametrize("trusted_proxies", [0, 1])
def test_both_ways_in_see_the_address_that_our_own_proxy_named(
    city: City,
    moment: MovableClock,
    behind_proxies: Callable[[int], City],
    way: str,
    trusted_proxies: int,
) -> None:
    moment.set(OPENING + timedelta(seconds=1))
    assert (
        post(behind_proxies(trusted_proxies), way, city.resident(), 1, "x", "6.6.6.6, 8.8.4.4")
        == 201
    )
    drain()
    key = city.settings.token_key
    expected = claim_marks.range_number("8.8.4.4", MAY, key) if trusted_proxies else None
    assert [v.claim_range for v in rows(Voucher)] == [expected]


def test_no_address_is_kept_in_clear_anywhere(
    city: City, moment: MovableClock, behind_proxies: Callable[[int], City]
) -> None:
    moment.set(OPENING + timedelta(seconds=1))
    post(behind_proxies(1), "lane", city.resident(), 1, "x", "8.8.4.4")
    assert "8.8.4" not in str(redis_handle.client.xrange(keys.claims(MAY)))
    drain()
    assert "8.8.4" not in str([vars(v) for v in rows(Voucher)])
