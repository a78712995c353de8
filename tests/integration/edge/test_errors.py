"""Every refusal has one form, whatever went wrong; none says more than the caller may know."""

import dataclasses
import os
import re
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, get_args

import pytest
from apiflask import APIBlueprint, APIFlask
from sqlalchemy.exc import DataError
from werkzeug.test import TestResponse

from backend.devstack.valkey import PrivateValkey
from backend.domain import errors as domain_errors
from backend.domain import refusals
from backend.domain.errors import Category, HuiquanError
from backend.edge.errors import HTTP_ERRORS, STATUS
from backend.edge.guards import Edge, public
from backend.extensions import db, redis_handle
from backend.factory import create_app
from backend.services import campaigns
from backend.storage.redis import quota, stream
from miniprogram_api.edges import EDGES
from tests.factories import MAY, City, MovableClock, Person, approve, new_request
from tests.integration.edge.callers import apart, ask, error_of

SPREAD_2_S = ("1", "2", "3")  # two seconds, so that not all come back in the same one
SECRET = "13812345678 of SELECT phone FROM residents"  # what an exception may say


def test_each_category_has_one_status() -> None:
    assert set(STATUS) == set(get_args(Category))
    assert all(
        400 <= status < 500 for category, status in STATUS.items() if category != "unavailable"
    )
    assert STATUS["unavailable"] == 503


def all_refusals() -> list[type[HuiquanError]]:
    found = [domain_errors.HuiquanError]
    for error in found:
        found.extend(error.__subclasses__())
    return found


def test_every_refusal_has_a_code_of_its_own_and_a_chinese_sentence() -> None:
    found = all_refusals()
    assert refusals.QuotaExhausted in found
    concrete = [error for error in found if "code" in vars(error)]
    codes = [error.code for error in concrete]
    assert len(set(codes)) == len(codes)
    for error in concrete:
        assert re.fullmatch("[a-z][a-z0-9_]+", error.code)
        assert re.search("[\u4e00-\u9fff]{4}", error.message), error
        assert error.category in STATUS


def test_werkzeugs_refusals_speak_chinese() -> None:
    for status, (code, message) in HTTP_ERRORS.items():
        assert 400 <= status < 500
        assert re.fullmatch("[a-z][a-z0-9_]+", code)
        assert re.search("[\u4e00-\u9fff]", message)


breaking = APIBlueprint("breaking", __name__)


@breaking.get("/crash")
def crash() -> str:
    raise RuntimeError(SECRET)


@breaking.get("/data")
def data() -> str:
    raise DataError("SELECT 1", {"phone": SECRET}, ValueError(SECRET))


@pytest.fixture
def broken(app: APIFlask) -> Iterator[APIFlask]:
    """The application with two views that fail, without Valkey and with no tables in SQL."""
    settings = dataclasses.replace(
        app.extensions["settings"],
        redis_url="redis://127.0.0.1:1/0",
        database_url="sqlite:////nowhere/huiquan.db",
    )
    yield apart(create_app, settings, (*EDGES, Edge(blueprint=breaking, prefix="", guard=public)))
    redis_handle.init_app(app)


def test_a_crash_tells_the_caller_nothing_but_the_request_id(
    broken: APIFlask,
) -> None:
    response = apart(broken.test_client().get, "/crash")
    assert response.status_code == 500
    assert response.get_json() == {
        "error": {
            "code": "internal_error",
            "message": "系统出错了，请稍后再试",
            "details": {},
            "request_id": response.headers["X-Request-Id"],
        }
    }


def test_a_value_that_the_database_refuses_is_the_callers_fault(broken: APIFlask) -> None:
    response = apart(broken.test_client().get, "/data")
    assert response.status_code == 400
    assert error_of(response)["code"] == "invalid_request"
    assert "138" not in response.text


def test_without_a_database_every_answer_is_a_503_that_says_when_to_ask_again(
    broken: APIFlask,
) -> None:
    for path in ("/api/v1/campaigns", "/api/v1/merchants"):
        response = apart(broken.test_client().get, path)
        error = response.get_json()["error"]
        assert (response.status_code, error["code"]) == (503, "unavailable")
        assert error["message"] == "系统繁忙，请稍后用同一请求重试"
        assert response.headers["Retry-After"] in SPREAD_2_S
        assert "nowhere" not in response.text


def test_without_valkey_a_claim_is_a_503_and_takes_no_voucher(city: City) -> None:
    resident = city.resident()
    path = f"/api/v1/resident/campaigns/{MAY}/claims"
    body = {"tier_position": 1, "request_id": new_request()}
    address = city.app.config["REDIS_URL"]
    city.app.config["REDIS_URL"] = "redis://127.0.0.1:1/0"
    redis_handle.init_app(city.app)
    try:
        refused = ask(city, "POST", path, headers=resident.headers, json=body)
    finally:
        city.app.config["REDIS_URL"] = address
        redis_handle.init_app(city.app)
    assert refused.status_code == 503
    assert refused.headers["Retry-After"] in SPREAD_2_S
    assert refused.get_json()["error"]["code"] == "quota_unavailable"
    taken = ask(city, "POST", path, headers=resident.headers, json=body)
    assert (taken.status_code, taken.get_json()["replayed"]) == (201, False)


def test_who_was_refused_together_comes_back_at_different_times(broken: APIFlask) -> None:
    client = broken.test_client()
    waits = {
        apart(client.get, "/api/v1/merchants").headers["Retry-After"] for _ in range(60)
    }  # a miss of one of three in 60 draws: 1 in 10 thousand million
    assert waits == set(SPREAD_2_S)


def claim_refused(city: City, code: str, **options: Any) -> TestResponse:
    body = {"tier_position": 1, "request_id": new_request()}
    path = f"/api/v1/resident/campaigns/{options.get('campaign_id', MAY)}/claims"
    person = options.get("person") or city.resident()
    response = ask(city, "POST", path, headers=person.headers, json=body)
    assert response.get_json()["error"]["code"] == code
    assert response.headers["X-Server-Time-Ms"].isdigit()
    return response


def test_a_refused_claim_says_when_asking_again_makes_sense(
    city: City, moment: MovableClock
) -> None:
    moment.move(minutes=-1, seconds=-90.5)
    assert claim_refused(city, "campaign_not_open").headers["Retry-After"] == "91"
    moment.move(seconds=90.4)
    assert claim_refused(city, "campaign_not_open").headers["Retry-After"] == "1"
    moment.move(seconds=60)
    person = city.resident()
    city.claim(person)
    held = claim_refused(city, "claim_limit_reached", person=person)
    assert "Retry-After" not in held.headers
    campaigns.pause(MAY, actor="test", reason="试")
    assert 15 <= int(claim_refused(city, "campaign_paused").headers["Retry-After"]) <= 45
    campaigns.stop(MAY, actor="test", reason="试")
    assert "Retry-After" not in claim_refused(city, "campaign_closed").headers


def test_a_daily_limit_says_how_long_the_day_lasts(city: City, moment: MovableClock) -> None:
    campaign_id = "Q2-APPL"
    approve(campaign_id, actor="test")
    campaigns.run(campaign_id, actor="test")
    moment.set(campaigns.terms(campaign_id).opens_at)  # 10:00
    person = city.resident()
    city.claim(person, tier=2, campaign_id=campaign_id)
    refused = claim_refused(
        city, "daily_claim_limit_reached", person=person, campaign_id=campaign_id
    )
    assert refused.headers["Retry-After"] == str(14 * 3600)


@pytest.fixture
def own_valkey(city: City, workspace: Path) -> Iterator[PrivateValkey]:
    """A Valkey that may be stopped, with the campaign's quota loaded."""
    kept = city.app.config["REDIS_URL"]
    with PrivateValkey(workspace / "stalling") as server:
        city.app.config["REDIS_URL"] = server.url
        redis_handle.init_app(city.app)
        redis_handle.client.flushall()
        stream.prepare(redis_handle.client, MAY)
        quota.load(redis_handle.client, campaigns.terms(MAY))
        quota.set_state(redis_handle.client, MAY, "running")
        yield server
        city.app.config["REDIS_URL"] = kept
        redis_handle.init_app(city.app)


def test_a_valkey_that_stands_still_is_a_503_within_its_time_out_and_no_other_refusal(
    city: City, own_valkey: PrivateValkey
) -> None:
    people = [city.resident() for _ in range(8)]
    city.claim(people[0])
    ends_s = []

    def press(person: Person) -> TestResponse:
        started_s = time.monotonic()
        response = claim_refused(city, "quota_unavailable", person=person)
        ends_s.append(time.monotonic() - started_s)
        return response

    os.kill(own_valkey.pid, signal.SIGSTOP)
    try:
        with ThreadPoolExecutor(8) as pool:
            refused = list(pool.map(press, people))
    finally:
        os.kill(own_valkey.pid, signal.SIGCONT)
    assert {response.status_code for response in refused} == {503}
    assert all(response.headers["Retry-After"] in SPREAD_2_S for response in refused)
    assert max(ends_s) < 3  # the time-out is 2 s; a second try would end after 4


def test_a_pool_without_a_free_connection_is_a_503_at_once(
    city: City, own_valkey: PrivateValkey
) -> None:
    person = city.resident()
    city.app.config["REDIS_URL"] = f"{own_valkey.url}&max_connections=1"
    redis_handle.init_app(city.app)
    taken = redis_handle.client.connection_pool.get_connection()
    started_s = time.monotonic()
    refused = claim_refused(city, "quota_unavailable", person=person)
    assert time.monotonic() - started_s < 0.5
    assert (refused.status_code, refused.headers["Retry-After"] in SPREAD_2_S) == (503, True)
    redis_handle.client.connection_pool.release(taken)
    assert city.claim(person)


def test_an_unknown_address_and_a_wrong_method_are_refused_in_the_same_form(city: City) -> None:
    absent = ask(city, "GET", "/api/v2/anything")
    assert (absent.status_code, error_of(absent)["code"]) == (404, "not_found")
    wrong = ask(city, "DELETE", "/api/v1/campaigns")
    assert (wrong.status_code, error_of(wrong)["code"]) == (405, "method_not_allowed")
    assert "GET" in wrong.headers["Allow"]


def test_a_body_of_the_wrong_shape_names_the_fields_but_not_what_was_sent(city: City) -> None:
    resident = city.resident()
    body = {"tier_position": 0, "request_id": "13812345678 is my number"}
    path = f"/api/v1/resident/campaigns/{MAY}/claims"
    response = ask(city, "POST", path, headers=resident.headers, json=body)
    fields = error_of(response)["details"]["fields"]["json"]
    assert set(fields) == {"tier_position", "request_id"}
    assert "13812345678" not in response.text


def test_a_refusal_leaves_no_transaction_open(city: City) -> None:
    with city.app.app_context():
        response = city.client.get("/api/v1/campaigns/NO-SUCH")
        assert response.status_code == 404
        assert not db.session().in_transaction()
