"""The WeChat gateway against the stand-in, over HTTP, with its token in a real Valkey."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import pytest
import redis
import zxingcpp
from PIL import Image

from backend import clock
from backend.gateways import wechat_errors
from backend.gateways.wechat import WeChat, WeChatSession
from backend.storage.redis.wechat_tokens import RedisTokenStore
from tests.integration.conftest import MakeWeChat, Standin

SESSION_PATH = "/sns/jscode2session"
TOKEN_PATH = "/cgi-bin/stable_token"
PHONE_PATH = "/wxa/business/getuserphonenumber"
PICTURE_PATH = "/wxa/getwxacodeunlimit"


def sign_in(wechat: WeChat, standin: Standin, user: str = "wang") -> WeChatSession:
    return wechat.login(standin.js_code(user))


def test_one_person_always_has_one_openid_and_two_people_have_two(
    wechat: WeChat, standin: Standin
) -> None:
    first, again = sign_in(wechat, standin), sign_in(wechat, standin)
    assert first == again
    assert sign_in(wechat, standin, "li").openid != first.openid
    assert standin.requests(TOKEN_PATH) == []  # a login needs no access token


def test_a_code_signs_in_once(wechat: WeChat, standin: Standin) -> None:
    code = standin.js_code("wang")
    wechat.login(code)
    with pytest.raises(wechat_errors.WeChatCodeInvalid):
        wechat.login(code)


def test_a_code_lives_five_minutes(wechat: WeChat, standin: Standin) -> None:
    in_time, late = standin.js_code("wang"), standin.js_code("wang")
    standin.advance(290)
    assert wechat.login(in_time).openid
    standin.advance(11)
    with pytest.raises(wechat_errors.WeChatCodeInvalid):
        wechat.login(late)


@pytest.mark.parametrize("code", ["", "a b", "同江", "x" * 513, "\ud800", "a\n"])
def test_what_cannot_be_a_code_is_refused_without_a_call(
    wechat: WeChat, standin: Standin, code: str
) -> None:
    with pytest.raises(wechat_errors.WeChatCodeInvalid):
        wechat.login(code)
    with pytest.raises(wechat_errors.PhoneCodeInvalid):
        wechat.phone_number(code, openid="o1")
    assert standin.requests() == []


@pytest.mark.parametrize(
    ("errcode", "code", "category", "retry_after_s"),
    [
        (40029, "wechat_code_invalid", "unauthenticated", None),
        (40163, "wechat_code_invalid", "unauthenticated", None),
        (45011, "wechat_too_many", "too_many", 60),
        (40226, "wechat_login_blocked", "forbidden", None),
        (40013, "wechat_unavailable", "unavailable", 60),
        (40125, "wechat_unavailable", "unavailable", 60),
        (40164, "wechat_unavailable", "unavailable", 60),
        (50001, "wechat_unavailable", "unavailable", 2),
    ],
)
def test_each_documented_errcode_of_a_login_has_its_own_answer(
    wechat: WeChat,
    standin: Standin,
    errcode: int,
    code: str,
    category: str,
    retry_after_s: int | None,
) -> None:
    standin.fault(SESSION_PATH, "errcode", errcode)
    with pytest.raises(wechat_errors.WeChatError) as refused:
        wechat.login(standin.js_code("wang"))
    error = refused.value
    assert (error.errcode, error.code, error.category) == (errcode, code, category)
    assert error.retry_after_s == retry_after_s
    assert len(standin.requests(SESSION_PATH)) == 1


def test_a_busy_wechat_is_asked_once_more_with_the_same_code(
    wechat: WeChat, standin: Standin
) -> None:
    standin.fault(SESSION_PATH, "errcode", -1, times=1)
    assert sign_in(wechat, standin).openid
    assert len(standin.requests(SESSION_PATH)) == 2


def test_a_wechat_that_stays_busy_is_not_asked_a_third_time(
    wechat: WeChat, standin: Standin
) -> None:
    standin.fault(SESSION_PATH, "errcode", -1)
    with pytest.raises(wechat_errors.WeChatBusy):
        sign_in(wechat, standin)
    assert len(standin.requests(SESSION_PATH)) == 2


@pytest.mark.parametrize("mode", ["close", "502", "bad_json"])
def test_no_usable_answer_is_unavailable_and_not_retried(
    wechat: WeChat, standin: Standin, mode: str
) -> None:
    standin.fault(SESSION_PATH, mode)
    with pytest.raises(wechat_errors.WeChatUnavailable):
        sign_in(wechat, standin)
    assert len(standin.requests(SESSION_PATH)) == 1


def test_a_slow_wechat_is_given_up_after_the_time_out(
    make_wechat: MakeWeChat, standin: Standin
) -> None:
    wechat = make_wechat(timeout_s=(0.3, 0.3))
    code = standin.js_code("wang")
    standin.fault(SESSION_PATH, "delay", 1.5, times=1)
    began_s = time.monotonic()
    with pytest.raises(wechat_errors.WeChatUnavailable, match="ReadTimeout"):
        wechat.login(code)
    assert 0.3 <= time.monotonic() - began_s < 1.4


def test_a_server_that_is_not_there_is_unavailable(make_wechat: MakeWeChat) -> None:
    with pytest.raises(wechat_errors.WeChatUnavailable):
        make_wechat(base_url="http://127.0.0.1:1").login("c0de")


def test_twelve_processes_that_start_together_fetch_one_token(
    make_wechat: MakeWeChat,
    standin: Standin,
    valkey: redis.Redis,
    make_valkey: Callable[..., redis.Redis],
) -> None:
    gateways = [make_wechat(tokens=RedisTokenStore(cache(make_valkey))) for _ in range(12)]
    taps = [standin.control("phone-number", user=f"u{n}") for n in range(12)]
    openids = [sign_in(gateways[0], standin, f"u{n}").openid for n in range(12)]
    standin.fault(TOKEN_PATH, "delay", 0.3)  # the others arrive while it is being fetched
    with ThreadPoolExecutor(12) as pool:
        phones = pool.map(
            lambda n: gateways[n].phone_number(taps[n]["code"], openid=openids[n]), range(12)
        )
        assert list(phones) == [tap["phone"] for tap in taps]
    assert len(standin.requests(TOKEN_PATH)) == 1


def test_a_token_that_died_is_refreshed_once_and_nobody_notices(
    wechat: WeChat, standin: Standin
) -> None:
    openid = sign_in(wechat, standin).openid
    wechat.phone_number(standin.control("phone-number", user="wang")["code"], openid=openid)
    standin.control("revoke-tokens")
    tap = standin.control("phone-number", user="wang")
    assert wechat.phone_number(tap["code"], openid=openid) == tap["phone"]
    api_and_token = [one["path"] for one in standin.requests()[1:]]
    assert api_and_token == [TOKEN_PATH, PHONE_PATH, PHONE_PATH, TOKEN_PATH, PHONE_PATH]


@pytest.mark.parametrize("errcode", [40001, 40014, 42001])
def test_a_token_refused_for_ever_ends_after_two_calls(
    wechat: WeChat, standin: Standin, errcode: int
) -> None:
    openid = sign_in(wechat, standin).openid
    standin.fault(PHONE_PATH, "errcode", errcode)
    with pytest.raises(wechat_errors.WeChatStaleToken):
        wechat.phone_number("c0de", openid=openid)
    assert len(standin.requests(PHONE_PATH)) == 2
    assert len(standin.requests(TOKEN_PATH)) == 2  # the first one, and one refresh
    assert all(one["values"]["force_refresh"] is False for one in standin.requests(TOKEN_PATH))


def test_a_wrong_secret_is_a_fault_of_the_configuration(
    make_wechat: MakeWeChat, standin: Standin
) -> None:
    wechat = make_wechat(secret="0" * 32)
    with pytest.raises(wechat_errors.WeChatMisconfigured):
        wechat.login(standin.js_code("wang"))
    with pytest.raises(wechat_errors.WeChatMisconfigured):
        wechat.phone_number("c0de", openid="o1")


def test_40001_on_the_token_call_itself_is_a_wrong_secret_and_is_not_retried(
    wechat: WeChat, standin: Standin
) -> None:
    standin.fault(TOKEN_PATH, "errcode", 40001)
    with pytest.raises(wechat_errors.WeChatMisconfigured):
        wechat.phone_number("c0de", openid="o1")
    assert len(standin.requests(TOKEN_PATH)) == 1


def test_a_phone_code_gives_its_number_once(wechat: WeChat, standin: Standin) -> None:
    openid = sign_in(wechat, standin).openid
    code = standin.control("phone-number", user="wang", phone="13800138000")["code"]
    assert wechat.phone_number(code, openid=openid) == "13800138000"
    with pytest.raises(wechat_errors.PhoneCodeInvalid):
        wechat.phone_number(code, openid=openid)


def test_a_phone_code_of_another_user_is_refused_and_stays_its_owners(
    wechat: WeChat, standin: Standin
) -> None:
    wang, li = sign_in(wechat, standin).openid, sign_in(wechat, standin, "li").openid
    code = standin.control("phone-number", user="wang", phone="13800138000")["code"]
    with pytest.raises(wechat_errors.PhoneCodeInvalid):
        wechat.phone_number(code, openid=li)
    assert wechat.phone_number(code, openid=wang) == "13800138000"


def test_a_login_code_is_no_phone_code_nor_the_other_way_round(
    wechat: WeChat, standin: Standin
) -> None:
    openid = sign_in(wechat, standin).openid
    with pytest.raises(wechat_errors.PhoneCodeInvalid):
        wechat.phone_number(standin.js_code("wang"), openid=openid)
    with pytest.raises(wechat_errors.WeChatCodeInvalid):
        wechat.login(standin.control("phone-number", user="wang")["code"])


@pytest.mark.parametrize("mode", ["close", "502", "bad_json"])
def test_one_tap_is_one_phone_call_even_when_the_answer_is_lost(
    wechat: WeChat, standin: Standin, mode: str
) -> None:
    openid = sign_in(wechat, standin).openid
    standin.fault(PHONE_PATH, mode)
    with pytest.raises(wechat_errors.WeChatUnavailable):
        wechat.phone_number("c0de", openid=openid)
    assert len(standin.requests(PHONE_PATH)) == 1


def test_a_foreign_number_is_refused_by_both_ways(wechat: WeChat, standin: Standin) -> None:
    session = sign_in(wechat, standin)
    tap = standin.control("phone-number", user="wang", phone="61234567", country_code="852")
    with pytest.raises(wechat_errors.ForeignPhone):
        wechat.phone_number(tap["code"], openid=session.openid)
    with pytest.raises(wechat_errors.ForeignPhone):
        wechat.phone_from_encrypted(
            session_key=session.session_key,
            encrypted_data=tap["encryptedData"],
            iv=tap["iv"],
            now=clock.from_s(standin.advance(0)),
        )


def test_encrypted_phone_data_is_good_for_ten_minutes(wechat: WeChat, standin: Standin) -> None:
    session = sign_in(wechat, standin)
    made_at_s = standin.advance(0)
    tap = standin.control("phone-number", user="wang", phone="13800138000")

    def phone_at(now_s: float) -> str:
        return wechat.phone_from_encrypted(
            session_key=session.session_key,
            encrypted_data=tap["encryptedData"],
            iv=tap["iv"],
            now=clock.from_s(now_s),
        )

    assert phone_at(made_at_s + 599) == "13800138000"
    with pytest.raises(wechat_errors.WeChatSessionStale):
        phone_at(made_at_s + 602)


def test_encrypted_phone_data_opens_with_the_latest_session_key_only(
    wechat: WeChat, standin: Standin
) -> None:
    old = sign_in(wechat, standin)
    new = wechat.login(standin.js_code("wang", new_session_key=True))
    tap = standin.control("phone-number", user="wang", phone="13800138000")
    sealed = {"encrypted_data": tap["encryptedData"], "iv": tap["iv"]}
    now = clock.from_s(standin.advance(0))
    opened = wechat.phone_from_encrypted(session_key=new.session_key, now=now, **sealed)
    assert opened == "13800138000"
    with pytest.raises(wechat_errors.WeChatSessionStale):
        wechat.phone_from_encrypted(session_key=old.session_key, now=now, **sealed)


def test_encrypted_phone_data_of_another_mini_program_is_refused(
    wechat: WeChat, make_wechat: MakeWeChat, standin: Standin
) -> None:
    session = sign_in(wechat, standin)
    tap = standin.control("phone-number", user="wang")
    with pytest.raises(wechat_errors.WeChatSessionStale, match="another appid"):
        make_wechat(appid="wx0000000000000000").phone_from_encrypted(
            session_key=session.session_key,
            encrypted_data=tap["encryptedData"],
            iv=tap["iv"],
            now=clock.from_s(standin.advance(0)),
        )


def test_a_session_key_is_good_until_a_later_login_replaces_it(
    wechat: WeChat, standin: Standin
) -> None:
    session = sign_in(wechat, standin)
    mine = {"openid": session.openid, "session_key": session.session_key}
    assert wechat.check_session(**mine) is True
    standin.js_code("wang", new_session_key=True)
    assert wechat.check_session(**mine) is False


def test_a_mini_program_code_is_a_picture_that_says_its_page_and_scene(
    wechat: WeChat, standin: Standin, tmp_path: Path
) -> None:
    picture = wechat.mini_program_code("m:TJ000123", "pages/merchant/index", width_px=300)
    (tmp_path / "code.jpg").write_bytes(picture)
    with Image.open(tmp_path / "code.jpg") as image:
        assert (image.format, image.size) == ("JPEG", (300, 300))
        (read,) = zxingcpp.read_barcodes(image)
    assert read.text == "wxacode:pages/merchant/index?scene=m:TJ000123"


@pytest.mark.parametrize(
    ("width_px", "fits"), [(279, False), (280, True), (1280, True), (1281, False)]
)
def test_a_mini_program_code_is_280_to_1280_pixels_wide(
    wechat: WeChat, standin: Standin, width_px: int, fits: bool
) -> None:
    if fits:
        assert wechat.mini_program_code("m", width_px=width_px)
    else:
        with pytest.raises(wechat_errors.InvalidScene):
            wechat.mini_program_code("m", width_px=width_px)
    assert len(standin.requests(PICTURE_PATH)) == int(fits)


def test_a_mini_program_code_survives_a_dead_token(wechat: WeChat, standin: Standin) -> None:
    wechat.mini_program_code("m")
    standin.control("revoke-tokens")
    assert wechat.mini_program_code("m").startswith(b"\xff\xd8\xff")
