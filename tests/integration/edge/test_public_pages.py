"""The home page, the campaigns and the landing page, as any visitor gets them."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from apiflask import APIFlask

from backend.clock import CHINA
from backend.edge.public import words
from backend.extensions import redis_handle
from backend.services import (
    campaigns,
    programmes,
)
from backend.settings import Settings, SettingsError
from tests.conftest import OPENING
from tests.factories import (
    MAY,
    SAMPLE,
    City,
    MovableClock,
    approve,
)

MAY_ENDS = datetime(2023, 5, 11, tzinfo=CHINA)  # 24:00 of 10 May
MILLISECOND = timedelta(milliseconds=1)
CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'"
)


def test_the_home_page_is_friendly_before_a_programme_is_loaded(app: APIFlask) -> None:
    answer = app.test_client().get("/")
    assert answer.status_code == 200
    assert "消费券活动即将公布" in answer.text


def test_the_home_page_names_the_programme_and_its_campaigns_but_no_drafts(city: City) -> None:
    page = city.get("/").text
    for text in (
        "2023年同江市消费券",
        "110.5万元",
        "市商务和口岸局",
        "五一乐购券",
        "满50减10",
        "满100减30",
        "满300减90",
        "2023年4月28日 10:00",
        "2023年5月10日 24:00",
        'href="/merchants"',
        'href="/openapi.json"',
    ):
        assert text in page
    assert "家电焕新券" not in page  # still a draft


@pytest.mark.parametrize(
    ("at", "phase", "said"),
    [
        (OPENING - MILLISECOND, "upcoming", "未开始"),
        (OPENING, "open", "进行中"),
        (MAY_ENDS - MILLISECOND, "open", "进行中"),
        (MAY_ENDS, "ended", "已结束"),
    ],
)
def test_a_running_campaign_is_open_from_its_opening_until_its_end_by_the_clock(
    city: City, moment: MovableClock, at: datetime, phase: str, said: str
) -> None:
    moment.set(at)
    page = city.get("/").text
    assert [name for name in words.PHASE_NAMES.values() if f">{name}</span>" in page] == [said]
    told = city.get(f"/api/v1/campaigns/{MAY}").json["campaign"]
    assert (told["state"], told["phase"]) == ("running", phase)


def test_paused_and_stopped_campaigns_say_so_at_once(city: City) -> None:
    campaigns.pause(MAY, actor="test", reason="试")
    assert ">已暂停</span>" in city.get("/").text
    campaigns.stop(MAY, actor="test", reason="试")
    assert ">已结束</span>" in city.get("/").text


def test_money_and_ends_are_said_as_notices_say_them() -> None:
    assert words.tier(10000, 3000) == "满100减30"
    assert words.tier(10050, 550) == "满100.50减5.50"
    assert words.tier(0, 3500) == "减35元"
    assert words.large_sum(110_500_000) == "110.5万元"
    assert words.large_sum(1_000_000_000) == "1000万元"
    assert words.large_sum(999_900) == "9999元"
    assert words.large_sum(1_000_100) == "10001元"
    assert words.end(MAY_ENDS) == "2023年5月10日 24:00"
    assert words.end(MAY_ENDS - timedelta(minutes=1)) == "2023年5月10日 23:59"
    assert words.end(MAY_ENDS + timedelta(minutes=1)) == "2023年5月11日 00:01"


def test_the_server_time_is_one_moment_in_two_forms(app: APIFlask, moment: MovableClock) -> None:
    moment.set(OPENING + timedelta(milliseconds=123))
    told = app.test_client().get("/api/v1/time").json
    assert told["now"].endswith("+08:00")
    assert datetime.fromisoformat(told["now"]) == OPENING + timedelta(milliseconds=123)
    assert told["now_ms"] == 1_682_647_200_123


def test_a_campaign_tells_its_facts_and_what_is_left_after_a_claim(city: City) -> None:
    city.claim(city.resident(), tier=2)
    told = city.get(f"/api/v1/campaigns/{MAY}").json
    assert datetime.fromisoformat(told["now"]) == OPENING + timedelta(minutes=1)
    assert told["campaign"] == {
        "id": MAY,
        "name": "五一乐购券",
        "mode": "claim",
        "state": "running",
        "phase": "open",
        "opens_at": "2023-04-28T10:00:00+08:00",
        "ends_at": "2023-05-11T00:00:00+08:00",
        "domains": [
            {"id": "DEPT", "name": "百货（含通讯家电）"},
            {"id": "MALL", "name": "购物中心"},
            {"id": "SUPER", "name": "超市"},
        ],
        "area": None,
        "use_from": None,
        "use_until": None,
        "daily_release": None,
        "next_release_at": None,
        "claim_windows": [],
        "claim_area": None,
        "card_required": False,
        "tiers": [
            _tier(1, 5000, 1000, 2500, 2500),
            _tier(2, 10000, 3000, 2000, 1999),
            _tier(3, 30000, 9000, 400, 400),
        ],
    }
    assert city.get("/api/v1/campaigns").json["campaigns"] == [told["campaign"]]


def test_area_and_hours_are_told_and_what_is_left_is_unknown_before_the_quota_is_loaded(
    city: City,
) -> None:
    approve("Q3-NIGHT", actor="test")
    told = city.get("/api/v1/campaigns/Q3-NIGHT").json["campaign"]
    assert (told["area"], told["use_from"], told["use_until"]) == ("东北亚广场", "16:00", "24:00")
    assert [tier["left"] for tier in told["tiers"]] == [None, None, None]


@pytest.mark.parametrize("path", ["/api/v1/campaigns", f"/api/v1/campaigns/{MAY}"])
def test_campaigns_are_told_without_what_is_left_when_valkey_does_not_answer(
    city: City, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setitem(city.app.config, "REDIS_URL", "redis://127.0.0.1:1/0")
    redis_handle.init_app(city.app)
    answer = city.get(path)
    assert answer.status_code == 200
    told = answer.json.get("campaign") or answer.json["campaigns"][0]
    assert [tier["left"] for tier in told["tiers"]] == [None, None, None]
    assert city.get("/").status_code == 200


@pytest.mark.parametrize("campaign_id", ["Q2-APPL", "NO-SUCH"])
def test_a_draft_is_as_unknown_as_a_campaign_that_does_not_exist(
    city: City, campaign_id: str
) -> None:
    answer = city.get(f"/api/v1/campaigns/{campaign_id}")
    assert (answer.status_code, answer.json["error"]["code"]) == (404, "not_found")


def test_the_verification_file_of_wechat_is_served_as_configured_and_no_other(
    app: APIFlask, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = app.test_client()
    assert client.get("/m/Ab12cd34.txt").status_code == 404  # none is configured
    settings: Settings = app.extensions["settings"]
    changed = replace(settings, wechat_verify_file=("Ab12cd34.txt", "0123abcd"))
    monkeypatch.setitem(app.extensions, "settings", changed)
    answer = client.get("/m/Ab12cd34.txt")
    assert (answer.status_code, answer.mimetype, answer.data) == (200, "text/plain", b"0123abcd")
    assert client.get("/m/ab12cd34.txt").status_code == 404
    assert client.get("/m/.txt").status_code == 404


def test_a_verification_file_is_configured_as_name_and_content(app: APIFlask) -> None:
    given = {
        "HUIQUAN_ENV": "test",
        "DATABASE_URL": "sqlite:///x.db",
        "REDIS_URL": "redis://127.0.0.1",
        "PUBLIC_BASE_URL": "https://xfq.example.gov.cn",
        "TOKEN_KEY": "00" * 32,
        "PLACARD_KEY": "00" * 32,
        "PERSONAL_DATA_KEY": "00" * 32,
        "WECHAT_APPID": "wx0",
        "WECHAT_SECRET": "s",
    }
    assert Settings.from_env(given).wechat_verify_file is None
    read = Settings.from_env({**given, "WECHAT_VERIFY_FILE": "Ab12.txt:0123abcd"})
    assert read.wechat_verify_file == ("Ab12.txt", "0123abcd")
    for wrong in ("Ab12.txt", "Ab12.html:0123", "../x.txt:0123", "Ab12.txt:"):
        with pytest.raises(SettingsError, match="WECHAT_VERIFY_FILE wants NAME.txt:CONTENT"):
            Settings.from_env({**given, "WECHAT_VERIFY_FILE": wrong})


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/merchants", "/merchants/versions/1", "/merchants/versions/9", "/m/forged"),
        *("/c/Q2-MAY", "/c/NO-SUCH", "/calendar", "/notices", "/notices/1"),
        *("/accessibility", "/complaints", "/complaints/track"),
    ],
)
def test_every_page_forbids_all_but_its_own_parts(city: City, path: str) -> None:
    answer = city.get(path)
    assert answer.mimetype == "text/html"
    assert answer.headers["Content-Security-Policy"] == CSP
    sender = "same-origin" if path == "/complaints" else "no-referrer"  # its form says whose it is
    assert answer.headers["Referrer-Policy"] == sender
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_stylesheet_is_kept_for_a_year_under_the_address_the_pages_name(app: APIFlask) -> None:
    client = app.test_client()
    programmes.load(SAMPLE.read_text(), actor="test")
    address = client.get("/").text.split('rel="stylesheet" href="')[1].split('"')[0]
    answer = client.get(address)
    assert (answer.status_code, answer.mimetype) == (200, "text/css")
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    stale = client.get("/assets/000000000000/huiquan.css")
    assert (stale.status_code, stale.headers["Cache-Control"]) == (200, "no-store")


def _tier(position: int, threshold: int, face: int, count: int, left: int) -> dict[str, int]:
    return {
        "position": position,
        "threshold_fen": threshold,
        "face_value_fen": face,
        "count": count,
        "left": left,
    }
