"""The WeChat gateway against WeChat's own examples and its documented answers."""

import json
from datetime import timedelta
from typing import Any

import pytest

from backend import clock
from backend.gateways import wechat_data, wechat_errors
from backend.gateways.wechat import WeChat, WeChatSession
from tests.contracts.wechat_parts import (
    APPID,
    SECRET,
    Canned,
    CannedServer,
    MemoryTokens,
    gateway_to,
    load,
)

Vector = dict[str, Any]

LOGIN = load("wechat_login.json")
HTTP = {vector["id"]: vector for vector in LOGIN["http"]}
CODES = load("wechat_codes.json")
CODE_HTTP = {vector["id"]: vector for vector in CODES["wxacode_http"]}
OPENABLE = [v for v in LOGIN["encrypted_data"] if "expect" in v]
SHUT = [v for v in LOGIN["encrypted_data"] if "expect_error" in v]

SESSION_PATH = "/sns/jscode2session"
TOKEN_PATH = "/cgi-bin/stable_token"
PHONE_PATH = "/wxa/business/getuserphonenumber"
PICTURE_PATH = "/wxa/getwxacodeunlimit"
OPENID = "oGZUI0egBJY1zhBYw2KhdUfwVJJE"

REFUSED_LOGINS = {
    "code2session-used-code": ("wechat_code_invalid", "unauthenticated", 1),
    "code2session-risk": ("wechat_login_blocked", "forbidden", 1),
    "code2session-rate": ("wechat_too_many", "too_many", 1),
    "code2session-busy": ("wechat_unavailable", "unavailable", 2),
}
REFUSED_TOKENS = ("token-bad-secret", "token-ip-not-allowed")
STALE = ("any-api-stale-token", "any-api-expired-token")


def open_data(vector: Vector) -> dict[str, object]:
    return wechat_data.decrypt_open_data(
        appid=vector["appid"],
        session_key=vector["session_key"],
        encrypted_data=vector["encryptedData"],
        iv=vector["iv"],
    )


def test_every_recorded_exchange_is_replayed_below() -> None:
    replayed = {
        "code2session-ok",
        "code2session-ok-unionid",
        "stable-token",
        "phone-ok",
        "phone-ok-number-type",
        "phone-foreign",
        "phone-used-code",
        *REFUSED_LOGINS,
        *REFUSED_TOKENS,
        *STALE,
    }
    assert set(HTTP) - replayed == {"token"}  # of the older kind, which the gateway never asks for


@pytest.mark.parametrize("vector", OPENABLE, ids=lambda v: v["id"])
def test_wechats_encrypted_sample_opens(vector: Vector) -> None:
    assert open_data(vector) == vector["expect"]


@pytest.mark.parametrize("vector", SHUT, ids=lambda v: v["id"])
def test_data_that_does_not_open_asks_for_a_new_login(vector: Vector) -> None:
    with pytest.raises(wechat_errors.WeChatSessionStale) as refused:
        open_data(vector)
    assert refused.value.category == "unauthenticated"


@pytest.mark.parametrize("vector", LOGIN["session_signature"], ids=lambda v: v["id"])
def test_a_session_is_signed_with_the_keys_text(vector: Vector) -> None:
    signature = wechat_data.session_signature(vector["session_key"], vector["message"])
    assert signature == vector["expect"]


def test_a_code_becomes_a_session_though_the_answer_is_labelled_text() -> None:
    vector = HTTP["code2session-ok"]
    with gateway_to({SESSION_PATH: [Canned.of_vector(vector)]}) as (wechat, server):
        session = wechat.login("0a1b2c3d4e")
    assert session == WeChatSession(openid=OPENID, session_key="HyVFkGl5F5OQWJZZaNzBBg==")
    (said,) = server.said  # and no access token was asked for
    asked = vector["request"]
    assert (said.method, said.path, said.query) == (asked["method"], asked["path"], asked["query"])


def test_a_unionid_is_kept_when_wechat_gives_one() -> None:
    answer = Canned.of_vector(HTTP["code2session-ok-unionid"])
    with gateway_to({SESSION_PATH: [answer]}) as (wechat, _):
        assert wechat.login("0a1b2c3d4e").unionid == "ocMvos6NjeKLIBqg5Mr9QjxrP1FA"


@pytest.mark.parametrize("name", REFUSED_LOGINS)
def test_a_refused_login_says_what_to_do(name: str) -> None:
    code, category, calls = REFUSED_LOGINS[name]
    with gateway_to({SESSION_PATH: [Canned.of_vector(HTTP[name])]}) as (wechat, server):
        with pytest.raises(wechat_errors.WeChatError) as refused:
            wechat.login("0a1b2c3d4e")
    error = refused.value
    assert (error.code, error.category, len(server.said)) == (code, category, calls)
    assert error.errcode == HTTP[name]["response"]["body"]["errcode"]
    assert error.rid is not None
    assert error.rid.startswith("6602d5a4-0c1f2d3e-4b5a69")


def test_the_token_is_asked_for_as_documented_and_kept_until_five_minutes_before_its_end() -> None:
    tokens = MemoryTokens()
    answers = {
        TOKEN_PATH: [Canned.of_vector(HTTP["stable-token"])],
        PHONE_PATH: [Canned.of_vector(HTTP["phone-ok"])],
    }
    with gateway_to(answers, tokens=tokens) as (wechat, server):
        assert wechat.phone_number("e31968a7", openid=OPENID) == "13800138000"
    asked = HTTP["stable-token"]["request"]
    first, second = server.said
    assert (first.method, first.path, first.body) == (asked["method"], asked["path"], asked["json"])
    assert second.query == HTTP["phone-ok"]["request"]["query"]
    assert second.body == {"code": "e31968a7", "openid": OPENID}
    assert (tokens.token, tokens.ttl_s) == ("STABLE_TOKEN_1", 7200 - 300)


@pytest.mark.parametrize("name", REFUSED_TOKENS)
def test_a_wrong_secret_or_address_is_a_configuration_fault_and_not_the_callers(name: str) -> None:
    answers = {TOKEN_PATH: [Canned.of_vector(HTTP[name])]}
    with gateway_to(answers, tokens=MemoryTokens()) as (wechat, _):
        with pytest.raises(wechat_errors.WeChatMisconfigured) as refused:
            wechat.phone_number("e31968a7", openid=OPENID)
    assert refused.value.category == "unavailable"


@pytest.mark.parametrize("name", ["phone-ok", "phone-ok-number-type"])
def test_the_country_code_may_be_a_string_or_a_number(name: str) -> None:
    with gateway_to({PHONE_PATH: [Canned.of_vector(HTTP[name])]}) as (wechat, _):
        assert wechat.phone_number("e31968a7", openid=OPENID) == "13800138000"


def test_a_foreign_number_is_refused_with_a_sentence() -> None:
    with gateway_to({PHONE_PATH: [Canned.of_vector(HTTP["phone-foreign"])]}) as (wechat, server):
        with pytest.raises(wechat_errors.ForeignPhone) as refused:
            wechat.phone_number("e31968a7", openid=OPENID)
    assert "中国大陆" in refused.value.message
    assert "61234567" not in str(refused.value)
    assert len(server.said) == 1


def test_a_used_phone_code_asks_for_another_tap_and_not_for_a_new_login() -> None:
    with gateway_to({PHONE_PATH: [Canned.of_vector(HTTP["phone-used-code"])]}) as (wechat, server):
        with pytest.raises(wechat_errors.PhoneCodeInvalid) as refused:
            wechat.phone_number("e31968a7", openid=OPENID)
    assert refused.value.category == "invalid"
    assert len(server.said) == 1


@pytest.mark.parametrize("name", STALE)
def test_a_stale_token_is_refreshed_once_and_the_call_retried_once(name: str) -> None:
    stale = Canned.of_vector(HTTP[name])
    answers = {
        TOKEN_PATH: [Canned.of_vector(HTTP["stable-token"])],
        PHONE_PATH: [stale, Canned.of_vector(HTTP["phone-ok"])],
    }
    with gateway_to(answers, tokens=MemoryTokens("OLD")) as (wechat, server):
        assert wechat.phone_number("e31968a7", openid=OPENID) == "13800138000"
    assert [said.path for said in server.said] == [PHONE_PATH, TOKEN_PATH, PHONE_PATH]
    assert server.said[2].query == {"access_token": "STABLE_TOKEN_1"}


@pytest.mark.parametrize("name", STALE)
def test_a_token_that_stays_stale_ends_after_two_calls(name: str) -> None:
    answers = {
        TOKEN_PATH: [Canned.of_vector(HTTP["stable-token"])],
        PHONE_PATH: [Canned.of_vector(HTTP[name])],
    }
    with gateway_to(answers, tokens=MemoryTokens("OLD")) as (wechat, server):
        with pytest.raises(wechat_errors.WeChatStaleToken):
            wechat.phone_number("e31968a7", openid=OPENID)
    assert [said.path for said in server.said] == [PHONE_PATH, TOKEN_PATH, PHONE_PATH]


@pytest.mark.parametrize("scene", CODES["scene"]["valid"])
def test_a_scene_of_wechats_alphabet_passes(scene: str) -> None:
    answers = {PICTURE_PATH: [Canned(b"\xff\xd8\xff", content_type="image/jpeg")]}
    with gateway_to(answers) as (wechat, server):
        wechat.mini_program_code(scene)
    assert server.said[0].body["scene"] == scene


@pytest.mark.parametrize("scene", CODES["scene"]["invalid"])
def test_any_other_scene_is_refused_before_a_call_is_spent(scene: str) -> None:
    with gateway_to({}) as (wechat, server), pytest.raises(wechat_errors.InvalidScene):
        wechat.mini_program_code(scene)
    assert server.said == []


def test_a_mini_program_code_is_asked_for_as_documented() -> None:
    vector = CODE_HTTP["ok"]
    picture = bytes.fromhex(vector["response"]["body_prefix_hex"]) + b"rest of the picture"
    answers = {PICTURE_PATH: [Canned(picture, content_type="image/jpeg")]}
    with gateway_to(answers) as (wechat, server):
        assert wechat.mini_program_code("m=TJ000123", "pages/merchant/index") == picture
    (said,) = server.said
    assert (said.method, said.body) == ("POST", vector["request"]["json"])


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("bad-scene", wechat_errors.InvalidScene),
        ("bad-page", wechat_errors.InvalidScene),
        ("rate", wechat_errors.WeChatTooMany),
    ],
)
def test_a_refused_mini_program_code_is_an_error_and_no_picture(
    name: str, error: type[Exception]
) -> None:
    with gateway_to({PICTURE_PATH: [Canned.of_vector(CODE_HTTP[name])]}) as (wechat, _):
        with pytest.raises(error):
            wechat.mini_program_code("m=TJ000123")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'"ok"',
        b"\xff\xfe",
        b"<html>",
        b"[" * 100_000,
        json.dumps({"errcode": "x"}).encode(),
        b'{"errcode": 1e999}',
        json.dumps({"openid": OPENID}).encode(),
        json.dumps({"openid": 7, "session_key": "k"}).encode(),
        json.dumps({"openid": "", "session_key": "k"}).encode(),
    ],
    ids=lambda body: repr(body[:30]),
)
def test_an_answer_that_is_no_session_is_unavailable_and_nothing_worse(body: bytes) -> None:
    with gateway_to({SESSION_PATH: [Canned(body)]}) as (wechat, _):
        with pytest.raises(wechat_errors.WeChatUnavailable):
            wechat.login("0a1b2c3d4e")


def phone_answer(**changed: object) -> Canned:
    info = {**HTTP["phone-ok"]["response"]["body"]["phone_info"], **changed}
    return Canned(json.dumps({"errcode": 0, "phone_info": info}).encode())


@pytest.mark.parametrize(
    "answer",
    [
        Canned(b'{"errcode": 0}'),
        phone_answer(phoneNumber=None),
        phone_answer(phoneNumber="13800138001"),
        phone_answer(countryCode=True),
        phone_answer(watermark={"appid": "wx0000000000000000", "timestamp": 1}),
    ],
)
def test_a_phone_answer_that_is_not_as_documented_is_unavailable(answer: Canned) -> None:
    with gateway_to({PHONE_PATH: [answer]}) as (wechat, server):
        with pytest.raises(wechat_errors.WeChatUnavailable):
            wechat.phone_number("e31968a7", openid=OPENID)
    assert len(server.said) == 1


def test_the_official_sample_holds_no_phone_and_is_refused_as_one() -> None:
    (vector,) = OPENABLE
    made_at = clock.from_s(vector["expect"]["watermark"]["timestamp"])
    with CannedServer({}) as server:
        wechat = WeChat(
            appid=vector["appid"], secret=SECRET, base_url=server.base_url, tokens=MemoryTokens()
        )
        with pytest.raises(wechat_errors.WeChatSessionStale, match="no phone number"):
            wechat.phone_from_encrypted(
                session_key=vector["session_key"],
                encrypted_data=vector["encryptedData"],
                iv=vector["iv"],
                now=made_at + timedelta(seconds=1),
            )
        wechat.close()
    assert server.said == []
    assert vector["appid"] != APPID
