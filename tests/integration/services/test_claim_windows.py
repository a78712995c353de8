"""Claim windows and a claim area, on both ways in; a position leaves no trace."""

import json
from typing import Any

import pytest
from sqlalchemy import text

from backend.domain import refusals
from backend.extensions import db, redis_handle
from tests.factories import MAY, City, MovableClock, Person, new_request
from tests.integration.lane_server import call, with_lane
from tests.integration.services.claim_rules import code, outcome, with_terms

PATH = f"/api/v1/resident/campaigns/{MAY}/claims"
NIGHTS = [{"weekdays": [5, 6, 7], "from_minute": 1080, "until_minute": 1440}]
SQUARE = {
    "name": "东北亚广场", "latitude_e6": 47_651_300, "longitude_e6": 132_510_400, "radius_m": 300,
}  # fmt: skip
INSIDE = {"latitude": 47.6521, "longitude": 132.5107}
OUTSIDE = {"latitude": 47.6613, "longitude": 132.5107}


def test_outside_its_window_a_claim_is_refused_with_the_next_opening(
    city: City, moment: MovableClock
) -> None:
    with_terms(claim_windows=NIGHTS)
    person = city.resident()
    refused = outcome(city.app, person.id, 1, new_request())  # Friday, 10:01
    assert isinstance(refused, refusals.ClaimWindowClosed)
    assert refused.retry_after_s == 7 * 3600 + 59 * 60
    assert refused.details["next_window_at"] == "2023-04-28T18:00:00+08:00"
    moment.move(hours=8, minutes=-1, milliseconds=-1)
    assert code(city, person.id, 1, new_request()) == "claim_window_closed"
    moment.move(milliseconds=1)
    first = new_request()
    assert code(city, person.id, 1, first) == "taken"
    moment.move(hours=6)
    assert code(city, person.id, 2, new_request()) == "claim_window_closed"
    assert code(city, person.id, 1, first) == "replayed"  # its answer may have been lost


def test_after_the_last_window_the_campaign_is_over(city: City, moment: MovableClock) -> None:
    with_terms(claim_windows=[{"weekdays": [5], "from_minute": 0, "until_minute": 720}])
    moment.move(days=8)  # Saturday, 6 May; it ends with Wednesday
    assert code(city, city.resident().id, 1, new_request()) == "campaign_closed"


def by_view(city: City, person: Person, body: dict[str, Any]) -> tuple[int, Any]:
    answer = city.post(PATH, person, **body)
    return answer.status_code, answer.get_json()


def by_lane(city: City, person: Person, body: dict[str, Any]) -> tuple[int, Any]:
    data = json.dumps(body).encode()
    headers = {
        **person.headers, "Content-Type": "application/json", "Content-Length": str(len(data)),
    }  # fmt: skip
    answer = with_lane(
        city, lambda lane: call(lane, "POST", PATH, headers=headers.items(), body=data)
    )
    return answer.status, json.loads(answer.body)


@pytest.mark.parametrize("send", [by_view, by_lane])
def test_an_area_wants_a_position_inside_it_and_keeps_none(
    city: City, send: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    with_terms(claim_area=SQUARE)
    person = city.resident()
    wanted = {"tier_position": 1, "request_id": new_request()}
    for more, refusal in (
        ({}, "position_required"),
        ({"latitude": 47.6521}, "position_required"),
        (OUTSIDE, "outside_claim_area"),
    ):
        status, answer = send(city, person, wanted | more)
        assert (status, answer["error"]["code"]) == (422, refusal)
        assert "47." not in json.dumps(answer)
    assert answer["error"]["details"]["area"] == "东北亚广场"
    status, answer = send(city, person, wanted | {"latitude": 91, "longitude": 132.5107})
    assert status == 400
    status, taken = send(city, person, wanted | INSIDE)
    assert status == 201
    status, again = send(city, person, wanted)  # the same request, without a position now
    assert (again["voucher_id"], again["replayed"]) == (taken["voucher_id"], True)
    seen = "".join(capfd.readouterr())
    assert not any(number in seen for number in ("47.65", "132.51", "47.66"))
    entries = redis_handle.client.xrange(f"hq:{{{MAY}}}:claims")
    assert not any("47.6" in value for _, fields in entries for value in fields.values())


def test_the_public_is_told_windows_and_area(city: City) -> None:
    with_terms(claim_windows=NIGHTS, claim_area=SQUARE)
    answer = city.get(f"/api/v1/campaigns/{MAY}").get_json()["campaign"]
    assert answer["claim_area"] == "东北亚广场"
    assert answer["claim_windows"] == [
        {"weekdays": [5, 6, 7], "claim_from": "18:00", "claim_until": "24:00"}
    ]
    stored = db.session.scalar(text("SELECT count(*) FROM campaigns WHERE claim_area IS NULL"))
    assert stored == 12  # the other campaigns have none: SQL NULL, not JSON's
