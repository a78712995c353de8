"""Every refusal has one form, whatever went wrong; none says more than the caller may know."""

import dataclasses
import re
from collections.abc import Iterator
from typing import get_args

import pytest
from apiflask import APIBlueprint, APIFlask
from sqlalchemy.exc import DataError

from backend.domain import errors as domain_errors
from backend.domain import refusals
from backend.domain.errors import Category, HuiquanError
from backend.edge.errors import HTTP_ERRORS, STATUS
from backend.edge.guards import Edge, public
from backend.extensions import db, redis_handle
from backend.factory import create_app
from miniprogram_api.edges import EDGES
from tests.factories import MAY, City, new_request
from tests.integration.edge.callers import apart, ask, error_of

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
        assert response.headers["Retry-After"] == "2"
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
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "2")
    assert refused.get_json()["error"]["code"] == "quota_unavailable"
    taken = ask(city, "POST", path, headers=resident.headers, json=body)
    assert (taken.status_code, taken.get_json()["replayed"]) == (201, False)


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
