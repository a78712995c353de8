"""The stand-in of WeChat keeps WeChat's rules, as seen by raw HTTP."""

from typing import Any

import pytest

from backend.gateways.wechat import WeChat
from tests.integration.conftest import APPID, SECRET, Standin

APP = {"appid": APPID, "secret": SECRET}
CREDENTIAL = {"grant_type": "client_credential", **APP}
SEND_PATH = "/cgi-bin/message/subscribe/send"
PICTURE_PATH = "/wxa/getwxacodeunlimit"
DATA = {"thing1": {"value": "餐饮消费券"}, "amount2": {"value": "20元"}}


def stable(standin: Standin, **changed: object) -> dict[str, Any]:
    answer = standin.api("POST", "/cgi-bin/stable_token", json={**CREDENTIAL, **changed})
    told: dict[str, Any] = answer.json()
    return told


def errcode_with(standin: Standin, token: str) -> int:
    """What an API says to this token; 40003 (whose openid?) means that the token passed."""
    answer = standin.api("POST", SEND_PATH, params={"access_token": token}, json={})
    assert answer.status_code == 200
    return int(answer.json()["errcode"])


def send(standin: Standin, openid: str, **changed: object) -> dict[str, Any]:
    body = {"touser": openid, "template_id": "T1", "data": DATA, **changed}
    query = {"access_token": standin.token()}
    told: dict[str, Any] = standin.api("POST", SEND_PATH, params=query, json=body).json()
    return told


@pytest.mark.parametrize("path", [SEND_PATH, PICTURE_PATH, "/wxa/checksession", "/no/such/path"])
def test_every_other_path_refuses_an_unknown_token_at_http_200(standin: Standin, path: str) -> None:
    answer = standin.api("GET", path, params={"access_token": "made-up"})
    assert (answer.status_code, answer.json()["errcode"]) == (200, 40001)
    assert " rid: " in answer.json()["errmsg"]


def test_a_session_is_labelled_text_and_its_refusal_too(standin: Standin) -> None:
    for code in (standin.js_code("wang"), "used"):
        query = {**APP, "js_code": code, "grant_type": "authorization_code"}
        answer = standin.api("GET", "/sns/jscode2session", params=query)
        assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.json()["errcode"] == 40029
    assert ", rid: " in answer.json()["errmsg"]


@pytest.mark.parametrize(
    ("changed", "errcode"),
    [({"appid": "wx0"}, 40013), ({"secret": "0"}, 40125), ({"grant_type": "x"}, 40002)],
)
def test_a_wrong_credential_gets_no_token_of_either_kind(
    standin: Standin, changed: dict[str, str], errcode: int
) -> None:
    plain = standin.api("GET", "/cgi-bin/token", params={**CREDENTIAL, **changed}).json()
    assert (plain["errcode"], stable(standin, **changed)["errcode"]) == (errcode, errcode)


def test_each_plain_token_kills_the_one_before_but_not_the_stable_one(standin: Standin) -> None:
    kept = standin.token()
    old, new = (
        standin.api("GET", "/cgi-bin/token", params=CREDENTIAL).json()["access_token"]
        for _ in range(2)
    )
    assert [errcode_with(standin, token) for token in (old, new, kept)] == [40001, 40003, 40003]


def test_the_stable_token_changes_five_minutes_before_its_end_and_both_work_till_then(
    standin: Standin,
) -> None:
    first = stable(standin)
    assert first["expires_in"] == 7200
    standin.advance(7200 - 310)
    same = stable(standin)
    assert same["access_token"] == first["access_token"]
    assert 300 < same["expires_in"] <= 310
    standin.advance(11)
    second = stable(standin)
    assert second["access_token"] != first["access_token"]
    assert second["expires_in"] == 7200
    assert errcode_with(standin, first["access_token"]) == 40003
    standin.advance(300)
    assert errcode_with(standin, first["access_token"]) == 42001
    assert errcode_with(standin, second["access_token"]) == 40003


def test_a_forced_refresh_kills_the_old_token_and_needs_thirty_seconds_between(
    standin: Standin,
) -> None:
    standin.advance(86_400)  # no forced refresh of another test counts
    old = standin.token()
    new = stable(standin, force_refresh=True)["access_token"]
    assert (errcode_with(standin, old), errcode_with(standin, new)) == (40001, 40003)
    standin.advance(25)
    assert stable(standin, force_refresh=True)["errcode"] == 45011
    standin.advance(6)
    assert "access_token" in stable(standin, force_refresh=True)


def test_twenty_forced_refreshes_a_day_and_no_more(standin: Standin) -> None:
    standin.advance(86_400)
    for _ in range(20):
        standin.advance(31)
        assert "access_token" in stable(standin, force_refresh=True)
    standin.advance(31)
    assert stable(standin, force_refresh=True)["errcode"] == 45009
    assert "access_token" in stable(standin)


@pytest.mark.parametrize(
    ("changed", "errcode"),
    [
        ({"scene": ""}, 40169),
        ({"scene": "0" * 32}, None),
        ({"scene": "0" * 33}, 40169),
        ({"scene": "m=同江"}, 40129),
        ({"scene": "a%20b"}, 40129),
        ({"page": "/pages/index"}, 41030),
        ({"page": "pages/index?a=1"}, 41030),
        ({"width": 279}, 40097),
        ({"is_hyaline": True}, None),
    ],
)
def test_a_mini_program_code_is_a_picture_or_an_errcode(
    standin: Standin, changed: dict[str, object], errcode: int | None
) -> None:
    query = {"access_token": standin.token()}
    body = {"scene": "m", "page": "pages/index", **changed}
    answer = standin.api("POST", PICTURE_PATH, params=query, json=body)
    if errcode is None:
        kind = b"\x89PNG" if "is_hyaline" in changed else b"\xff\xd8\xff"
        assert answer.content.startswith(kind)
    else:
        assert answer.json()["errcode"] == errcode


def test_each_accept_of_the_user_allows_one_message_of_that_template(standin: Standin) -> None:
    openid = standin.control("subscribe", user="zhao", template_id="T1")["openid"]
    assert send(standin, openid, template_id="T2")["errcode"] == 43101
    assert send(standin, openid)["errcode"] == 0
    assert send(standin, openid)["errcode"] == 43101
    kept = standin.api("GET", "/_standin/messages").json()
    assert [(one["user"], one["data"]) for one in kept] == [("zhao", DATA)]


@pytest.mark.parametrize(
    ("changed", "errcode", "named"),
    [
        ({"touser": "nobody"}, 40003, ""),
        ({"template_id": ""}, 40037, ""),
        ({"data": {"thing1": {"value": "满" * 21}}}, 47003, "data.thing1.value"),
    ],
)
def test_a_message_that_is_refused_spends_no_permission(
    standin: Standin, changed: dict[str, object], errcode: int, named: str
) -> None:
    openid = standin.control("subscribe", user="qian", template_id="T1")["openid"]
    refused = send(standin, openid, **changed)
    assert refused["errcode"] == errcode
    assert named in refused["errmsg"]
    assert send(standin, openid)["errcode"] == 0


def test_a_reset_session_key_is_good_and_the_old_one_is_not(
    wechat: WeChat, standin: Standin
) -> None:
    session = wechat.login(standin.js_code("sun"))
    assert wechat.check_session(openid=session.openid, session_key=session.session_key)
    unsigned = {"access_token": standin.token(), "openid": session.openid, "signature": "0"}
    query = {**unsigned, "sig_method": "hmac_sha256"}
    refused = standin.api("GET", "/wxa/resetusersessionkey", params=query).json()
    assert refused["errcode"] == 87009  # who does not hold the key cannot reset it
    assert wechat.check_session(openid=session.openid, session_key=session.session_key)


def test_a_fault_lasts_its_number_of_requests_and_then_all_is_well(standin: Standin) -> None:
    standin.fault("/cgi-bin/stable_token", "errcode", 45009, times=2)
    answers = [stable(standin) for _ in range(3)]
    assert [answer.get("errcode", 0) for answer in answers] == [45009, 45009, 0]


def test_a_fault_without_a_number_lasts_until_it_is_cleared(standin: Standin) -> None:
    standin.fault("/cgi-bin/stable_token", "502")
    for _ in range(3):
        assert standin.api("POST", "/cgi-bin/stable_token", json=CREDENTIAL).status_code == 502
    standin.api("DELETE", "/_standin/faults")
    assert "access_token" in stable(standin)


@pytest.mark.parametrize("body", [{"path": "/x", "mode": "explode"}, {"mode": "close"}, []])
def test_a_fault_that_does_not_exist_is_refused(standin: Standin, body: object) -> None:
    assert standin.api("POST", "/_standin/faults", json=body).status_code == 400


def test_the_stand_in_says_that_it_is_well(standin: Standin) -> None:
    assert standin.api("GET", "/_standin/health").json() == {"ok": True}


def test_a_made_up_number_is_the_same_each_time_and_nobody_elses(standin: Standin) -> None:
    numbers = [
        standin.control("phone-number", user=user)["phone"] for user in ("wang", "li", "wang")
    ]
    assert numbers[0] == numbers[2] != numbers[1]
    assert all(len(number) == 11 and number.startswith("154") for number in numbers)
