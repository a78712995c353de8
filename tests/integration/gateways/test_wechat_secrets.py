"""Secrets of the WeChat gateway stay out of logs, exceptions and the stand-in's own log."""

import json
import logging
import traceback

import pytest
import structlog

from backend.gateways import wechat_errors
from backend.gateways.wechat import WeChat
from tests.integration.conftest import SECRET, MakeWeChat, Standin

PATHS = ("/sns/jscode2session", "/cgi-bin/stable_token", "/wxa/business/getuserphonenumber")


def everything_in(error: BaseException) -> str:
    """The traceback with all causes, and the contexts that `from None` hides from it."""
    texts = []
    seen: BaseException | None = error
    while seen is not None:
        texts += [*traceback.format_exception(seen), repr(seen), repr(vars(seen))]
        seen = seen.__context__
    return "\n".join(texts)


@pytest.fixture
def secrets(wechat: WeChat, standin: Standin) -> list[str]:
    session = wechat.login(standin.js_code("wang"))
    return [SECRET, session.openid, session.session_key, standin.token()]


@pytest.mark.parametrize(
    ("mode", "value"),
    [("close", 0), ("502", 0), ("bad_json", 0), ("delay", 0.8)]
    + [("errcode", n) for n in (-1, 40001, 40013, 40029, 40125, 40164, 40226, 45011, 50001)],
)
def test_no_failure_shows_a_secret(
    make_wechat: MakeWeChat,
    standin: Standin,
    secrets: list[str],
    caplog: pytest.LogCaptureFixture,
    mode: str,
    value: float,
) -> None:
    wechat = make_wechat(timeout_s=(0.3, 0.3))
    codes = [standin.js_code("wang"), standin.control("phone-number", user="wang")["code"]]
    openid = secrets[1]
    told: list[str] = []
    with structlog.testing.capture_logs() as events, caplog.at_level(logging.DEBUG):
        wechat.login(standin.js_code("wang"))
        for path in PATHS:
            standin.fault(path, mode, value, times=2)
        for call in (
            lambda: wechat.login(codes[0]),
            lambda: wechat.phone_number(codes[1], openid=openid),  # at the token call
            lambda: wechat.phone_number(codes[1], openid=openid),
            lambda: wechat.phone_number(codes[1], openid=openid),
        ):
            try:
                call()
            except wechat_errors.WeChatError as error:
                told.append(everything_in(error))
    assert told, "nothing failed"
    assert "jscode2session" in caplog.text  # urllib3 logged its requests, without their queries
    written = "\n".join([*told, caplog.text, json.dumps(events)])
    assert [secret for secret in [*secrets, *codes] if secret in written] == []


def test_the_gateway_and_the_session_do_not_print_what_they_hold(
    wechat: WeChat, standin: Standin, secrets: list[str]
) -> None:
    session = wechat.login(standin.js_code("wang"))
    printed = f"{wechat!r} {wechat} {session!r} {session}"
    assert [secret for secret in secrets if secret in printed] == []


def test_the_stand_ins_log_holds_names_of_secret_fields_only(
    wechat: WeChat, standin: Standin, secrets: list[str]
) -> None:
    logged = standin.requests("/sns/jscode2session")[-1]
    assert logged["fields"] == ["appid", "grant_type", "js_code", "secret"]
    assert logged["values"] == {"grant_type": "authorization_code"}
    everything = json.dumps(standin.requests())
    assert [secret for secret in secrets if secret in everything] == []


def test_a_refusals_rid_is_logged_for_wechats_support(wechat: WeChat, standin: Standin) -> None:
    with structlog.testing.capture_logs() as events:
        with pytest.raises(wechat_errors.WeChatCodeInvalid) as refused:
            wechat.login("never-given-out")
    assert refused.value.rid
    (event,) = events
    assert (event["event"], event["rid"]) == ("wechat_refused", refused.value.rid)


def test_a_configuration_fault_is_logged_as_an_error(
    make_wechat: MakeWeChat, standin: Standin
) -> None:
    with structlog.testing.capture_logs() as events:
        with pytest.raises(wechat_errors.WeChatMisconfigured):
            make_wechat(secret="0" * 32).login(standin.js_code("wang"))
    (event,) = events
    assert (event["event"], event["log_level"]) == ("wechat_configuration", "error")
