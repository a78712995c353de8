"""An opening watched live in a browser: digits move, the switch acts, streams that are full."""

import time
from collections.abc import Iterator

import pytest

from backend import metrics
from backend.domain.refusals import CampaignPaused
from backend.domain.staff import Role
from backend.edge.console.streams import Places
from backend.services import live
from tests.browser.conftest import DESK, PHONE, Eyes, PageAs
from tests.console import Console
from tests.factories import MAY, City, MovableClock

ROOM = f"/console/war-room/{MAY}"


@pytest.fixture(autouse=True)
def counted_anew() -> Iterator[None]:
    """Figures of this test alone."""
    metrics.flush()
    live.forget()
    yield
    live.forget()


def claim_some(city: City, moment: MovableClock, count: int) -> None:
    for _ in range(count):
        city.claim(city.resident())
    live.flush()
    moment.move(seconds=live.SETTLED_AFTER_S)


def wait_for(eyes: Eyes, claimed: str) -> None:
    """Wait until the first of the big digits, the units claimed, says so."""
    eyes.page.wait_for_function(
        "wanted => document.querySelector('.war-figures dd').textContent === wanted", arg=claimed
    )


@pytest.mark.parametrize("width", [DESK, PHONE], ids=["desk", "phone"])
def test_an_opening_is_watched_live_without_reloading(
    city: City, moment: MovableClock, page_as: PageAs, width: int
) -> None:
    eyes = page_as(Role.BUREAU_OPERATOR, width=width)
    page = eyes.open(ROOM)
    page.get_by_text("实时更新中").wait_for()
    wait_for(eyes, "0")
    claim_some(city, moment, 7)
    wait_for(eyes, "7")
    page.get_by_text("查看数据表").press("Enter")
    assert page.locator("[data-part=seconds] td").first.inner_text() == "7"
    assert page.locator(".chart-picture canvas").count() == 1
    eyes.look()
    assert sum("/live" in url for url in eyes.asked) == 1


def test_the_switch_pauses_by_keyboard_within_a_second(
    city: City, moment: MovableClock, page_as: PageAs
) -> None:
    eyes = page_as(Role.BUREAU_APPROVER)
    page = eyes.open(ROOM)
    page.get_by_role("button", name="暂停领取", exact=True).press("Enter")
    page.keyboard.type("名额异常")
    eyes.look()
    page.keyboard.press("Tab")
    pressed_s = time.monotonic()
    page.keyboard.press("Enter")
    while True:
        try:
            city.claim(city.resident())
        except CampaignPaused:
            break
        assert time.monotonic() - pressed_s < 10
    assert time.monotonic() - pressed_s < 1
    page.get_by_text("已暂停领取").wait_for()
    assert page.locator("[data-part=state] .state").inner_text() == "已暂停"


def test_where_streams_are_full_the_page_asks_every_two_seconds(
    city: City, moment: MovableClock, console: Console, page_as: PageAs
) -> None:
    console.app.extensions["stream_places"] = Places(1)
    first, second = page_as(Role.AUDITOR), page_as(Role.FINANCE)
    first.open(ROOM).get_by_text("实时更新中").wait_for()
    second.open(ROOM).get_by_text("每 2 秒刷新").wait_for()
    claim_some(city, moment, 3)
    for eyes in (first, second):
        wait_for(eyes, "3")
    console.app.extensions["stream_places"] = Places(4)
