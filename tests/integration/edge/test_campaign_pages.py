"""A campaign's own page, whose words are its terms, and the calendar."""

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
from apiflask import APIFlask
from icalendar import Calendar

from backend.clock import CHINA
from backend.storage.models.campaigns import Campaign
from backend.storage.sql import transaction
from tests.factories import MAY, City, MovableClock, approve

SCRIPT = "<script>alert(1)</script>"


def said(city: City, campaign_id: str) -> str:
    """Return what a campaign's page says, without markup."""
    answer = city.get(f"/c/{campaign_id}")
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    return html.unescape(re.sub(r"<[^>]+>", "", answer.text))


def change(campaign_id: str, **terms: object) -> None:
    """Give a campaign other terms, as a city would that decides otherwise."""
    with transaction() as session:
        row = session.get_one(Campaign, campaign_id)
        for name, value in terms.items():
            setattr(row, name, value)


def test_the_page_says_who_when_how_much_where_and_what_of_refunds(city: City) -> None:
    page = said(city, MAY)
    for sentence in (
        "在本地消费的人都可以参加，不限户籍。须在小程序中绑定手机号。",
        "2023年4月28日 10:00 至 2023年5月10日 24:00 可领取",
        "有效期 7 天，领取当天算第 1 天",
        "满 50 元减 10 元，共 2500 份。",
        "满 300 元减 90 元，共 400 份。",
        "每档每人限领 1 张。",
        "同一人在同一家商户每天最多享受 2 次补贴。",
        "领域为百货（含通讯家电）、购物中心、超市的商户",
        "退款后券算已经使用，不再退回。",
        "立即取消商户的参与资格",
        "现在还有 2500 份",
    ):
        assert sentence in page


@pytest.mark.parametrize(
    ("terms", "sentence"),
    [
        ({"validity_days": 3}, "有效期 3 天"),
        ({"claim_day_counts": False}, "领取当天不算，再往后 7 天有效"),
        ({"per_person_per_tier": 2}, "每档每人限领 2 张。"),
        ({"per_person": 3}, "整个活动每人最多领 3 张。"),
        ({"per_person_per_day": 2}, "每人每天最多领 2 张。"),
        ({"one_tier_per_day": True}, "每人每天只能领 1 张。"),
        ({"per_person_per_merchant_per_day": 1}, "同一家商户每天最多享受 1 次补贴。"),
        ({"card_required": True}, "领券前须先在合作银行的手机 App 中绑定银联卡。"),
        ({"area": "东北亚广场"}, "只在东北亚广场区域的商户使用。"),
        ({"use_from_minute": 960, "use_until_minute": 1440}, "只在每天 16:00 至 24:00 可以使用。"),
        ({"on_full_refund": "restore_within_validity"}, "一次全部退款、且券还在有效期内的"),
        ({"recycle_expired": True}, "过期没用的券收回名额"),
        (
            {"daily_release": 50, "carry_over": True},
            "每天 10:00 起，每档投放 50 份，当天没用完的转到第二天。",
        ),
        (
            {"daily_release": 50, "release_minute": 540},
            "每天 09:00 起，每档投放 50 份，当天没用完的不转",
        ),
        (
            {"claim_windows": [{"weekdays": [6, 7], "from_minute": 600, "until_minute": 720}]},
            "周六、周日的 10:00 至 12:00 可以领取。",
        ),
        (
            {
                "claim_area": {
                    "name": "街津口",
                    "latitude_e6": 47_000_000,
                    "longitude_e6": 132_000_000,
                    "radius_m": 500,
                }
            },
            "领取时您要在街津口，",
        ),
    ],
)
def test_each_term_has_its_sentence_and_without_the_term_it_is_not_said(
    city: City, terms: dict[str, object], sentence: str
) -> None:
    assert sentence not in said(city, MAY)
    change(MAY, **terms)
    assert sentence in said(city, MAY)


@pytest.mark.parametrize(
    ("campaign_id", "sentences"),
    [
        ("Q4-ICE", ("不用领券。须先在合作银行的手机 App 中绑定银联卡", "每人每天最多享受 1 次。")),
        ("Q2-FUEL", ("整个活动每人最多享受 3 次。", "享受过的次数不因退款恢复。")),
        (
            "Q3-CAR",
            (
                "购买金额达到 50000 元，补贴 2000 元",
                "发票号码、车架号、购买凭证的照片",
                "两人先后审核",
            ),
        ),
        ("GATE-JJK", ("免首道门票 35 元", "每人每个自然月 1 次。", "只在街津口赫哲民族文化村。")),
    ],
)
def test_each_mode_is_explained_in_its_own_words(
    city: City, campaign_id: str, sentences: tuple[str, ...]
) -> None:
    approve(campaign_id, actor="test")
    page = said(city, campaign_id)
    for sentence in sentences:
        assert sentence in page


@pytest.mark.parametrize("path", ["Q2-APPL", "NO-SUCH", "lower", "%00", "a/b", "x" * 500])
def test_a_draft_and_what_is_no_campaign_are_not_found_on_a_page(city: City, path: str) -> None:
    answer = city.get(f"/c/{path}")
    assert (answer.status_code, answer.mimetype) == (404, "text/html")


def test_a_shared_link_tells_title_and_summary_and_a_name_that_is_markup_stays_text(
    city: City,
) -> None:
    change(MAY, name=f'"{SCRIPT}')
    page = city.get(f"/c/{MAY}").text
    assert '<meta property="og:title"' in page
    assert "2023年4月28日 10:00 开始，满50减10、满100减30、满300减90" in page
    for address in (f"/c/{MAY}", "/calendar", "/"):
        text = city.get(address).text
        assert "<script" not in text
        assert "&lt;script&gt;alert(1)" in text


def test_the_calendar_shows_openings_on_their_day_and_ends_on_the_last_day_that_counts(
    city: City,
) -> None:
    april, may = city.get("/calendar").text, city.get("/calendar", month="2023-05").text
    assert "2023年4月" in april
    assert re.search(r"4月28日（今天）</p>\s*<p class=\"day-opens\"><b[^>]*>10:00 开始</b>", april)
    assert re.search(r"5月10日</p>\s*<p class=\"day-ends\">", may)
    assert "day-ends" not in april
    assert "往后：2023年5月" in april
    assert "往前：2023年4月" in may


def test_a_month_without_events_says_so_and_a_senseless_month_is_refused(city: City) -> None:
    assert "这个月没有活动开始或结束" in city.get("/calendar", month="2023-02").text
    for wrong in ("0001-01", "2023-13", "x", "9999-12", ""):
        answer = city.get("/calendar", month=wrong)
        assert answer.status_code == 400
        assert "请求内容有误" in answer.text


def test_before_a_programme_is_loaded_the_calendar_says_that_it_will_come(app: APIFlask) -> None:
    client = app.test_client()
    assert "活动日历即将公布" in client.get("/calendar").text
    assert client.get("/calendar.ics").status_code == 404


def test_the_file_for_phones_has_each_opening_and_is_the_same_every_time(
    city: City, moment: MovableClock
) -> None:
    approve("Q3-NIGHT", actor="test")
    answer = city.get("/calendar.ics")
    assert (answer.status_code, answer.mimetype) == (200, "text/calendar")
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    events = Calendar.from_ical(answer.data).walk("VEVENT")
    assert [(str(event["SUMMARY"]), event["DTSTART"].dt) for event in events] == [
        ("五一乐购券 开始", datetime(2023, 4, 28, 2, tzinfo=UTC)),
        ("夜市啤酒节券 开始", datetime(2023, 7, 7, 10, tzinfo=UTC)),
    ]
    assert str(events[0]["URL"]) == f"https://xfq.example.gov.cn/c/{MAY}"
    moment.set(datetime(2023, 6, 1, tzinfo=CHINA) + timedelta(hours=1))
    assert city.get("/calendar.ics").data == answer.data
