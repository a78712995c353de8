"""Pure parts of the WeChat gateway."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.clock import CHINA
from backend.gateways import wechat_data
from backend.gateways.wechat_errors import ForeignPhone, InvalidScene, WeChatSessionStale

NOW = datetime(2026, 1, 9, 10, 0, tzinfo=CHINA)
KEY = "tiihtNczf5v6AKRyjwEUhQ=="
IV = "r7BXXKkLb8qrSNn05n0qiA=="


def info(pure: object, country: object = "86", full: object = None) -> dict[str, object]:
    return {"purePhoneNumber": pure, "phoneNumber": full or pure, "countryCode": country}


@pytest.mark.parametrize("country", ["86", "+86", 86])
@pytest.mark.parametrize("full", ["13800138000", "+8613800138000"])
def test_a_mainland_number_is_its_eleven_digits(country: object, full: str) -> None:
    assert wechat_data.mainland_phone(info("13800138000", country, full)) == "13800138000"


@pytest.mark.parametrize(
    "data",
    [
        info("61234567", "852", "+85261234567"),
        info("13800138000", "1"),
        info("1380013800"),
        info("138001380001"),
        info("12800138000"),
        info("13800138000\n"),
        info("１３８００１３８０００"),
        info("04542920000"),
    ],
    ids=repr,
)
def test_any_other_number_is_refused_as_not_of_the_mainland(data: dict[str, object]) -> None:
    with pytest.raises(ForeignPhone):
        wechat_data.mainland_phone(data)


@pytest.mark.parametrize(
    "data",
    [
        {},
        info(13800138000),
        info("13800138000", None),
        info("13800138000", True),
        info("13800138000", "cn"),
        info("13800138000", full="13800138001"),
    ],
    ids=repr,
)
def test_phone_data_that_is_not_as_documented_is_no_number(data: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="phone"):
        wechat_data.mainland_phone(data)


@pytest.mark.parametrize(
    ("age_s", "fresh"), [(0, True), (600, True), (601, False), (-300, True), (-301, False)]
)
def test_data_is_fresh_for_ten_minutes_and_five_ahead_of_our_clock(age_s: int, fresh: bool) -> None:
    made_at_s = int((NOW - timedelta(seconds=age_s)).timestamp())
    data = {"watermark": {"timestamp": made_at_s}}
    if fresh:
        wechat_data.check_fresh(data, now=NOW)
    else:
        with pytest.raises(WeChatSessionStale):
            wechat_data.check_fresh(data, now=NOW)


@pytest.mark.parametrize("watermark", [None, {}, [], {"timestamp": "1"}, {"timestamp": True}])
def test_data_without_a_time_is_not_fresh(watermark: object) -> None:
    with pytest.raises(WeChatSessionStale, match="no time"):
        wechat_data.check_fresh({"watermark": watermark}, now=NOW)


@given(st.text(max_size=80), st.text(max_size=30), st.text(max_size=30))
def test_whatever_a_phone_sends_as_encrypted_data_is_refused_calmly(
    encrypted_data: str, session_key: str, iv: str
) -> None:
    for key, vector in ((session_key, iv), (KEY, iv), (KEY, IV)):
        with pytest.raises(WeChatSessionStale):
            wechat_data.decrypt_open_data(
                appid="wx1", session_key=key, encrypted_data=encrypted_data, iv=vector
            )


def test_an_empty_iv_is_refused_and_not_taken_from_the_key() -> None:
    with pytest.raises(WeChatSessionStale, match="16 bytes"):
        wechat_data.decrypt_open_data(appid="wx1", session_key=KEY, encrypted_data="AAAA", iv="")


@pytest.mark.parametrize("page", [None, "pages/index", "pages/merchant/index"])
def test_a_page_without_slash_and_parameters_passes(page: str | None) -> None:
    wechat_data.check_scene("m", page)


@pytest.mark.parametrize("page", ["", "/pages/index", "pages/index?a=1", "pages/商户", "a b"])
def test_any_other_page_is_refused(page: str) -> None:
    with pytest.raises(InvalidScene):
        wechat_data.check_scene("m", page)
