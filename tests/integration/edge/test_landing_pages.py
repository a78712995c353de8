"""The page behind a placard or an amount code, as any visitor gets it."""

import html
from datetime import datetime, timedelta
from typing import Any

import pytest
from apiflask import APIFlask

from backend.clock import CHINA
from backend.services import (
    amount_codes,
    campaigns,
    orders,
    placards,
    standings,
)
from backend.storage.models.merchants import Merchant
from backend.storage.sql import transaction
from merchant_qr.payload import scheme_link
from tests.conftest import OPENING
from tests.factories import (
    RESTAURANT,
    SUPERMARKET,
    City,
    MovableClock,
    approve,
    new_request,
)

MAY_ENDS = datetime(2023, 5, 11, tzinfo=CHINA)  # 24:00 of 10 May
MILLISECOND = timedelta(milliseconds=1)
CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'"
)


def code(city: City, merchant_id: str) -> str:
    """Return the code in a placard's link."""
    return city.placard[merchant_id].rpartition("/")[2]


def landing(city: City, merchant_id: str) -> Any:
    """Open a placard's landing page."""
    return city.get(f"/m/{code(city, merchant_id)}")


def test_a_placard_leads_to_its_merchant_and_into_the_mini_program(city: City) -> None:
    answer = landing(city, SUPERMARKET)
    assert answer.status_code == 200
    for text in ("家乐购", "TJ0003", "超市", "2023年同江市消费券", "五一乐购券", "满100减30"):
        assert text in answer.text
    link = scheme_link(
        appid=city.settings.wechat_appid,
        path="pages/merchant/index",
        query={"m": code(city, SUPERMARKET)},
    )
    assert f'href="{html.escape(link)}"' in answer.text


def test_a_landing_page_shows_only_campaigns_of_its_domain(city: City) -> None:
    assert "五一乐购券" in landing(city, SUPERMARKET).text
    assert "五一乐购券" not in landing(city, RESTAURANT).text


def test_a_landing_page_shows_only_campaigns_of_its_area(city: City, moment: MovableClock) -> None:
    approve("Q3-NIGHT", actor="test")
    campaigns.run("Q3-NIGHT", actor="test")
    moment.set(datetime(2023, 7, 7, 18, tzinfo=CHINA))
    here = landing(city, RESTAURANT).text
    assert "夜市啤酒节券" in here
    assert "每日 16:00 至 24:00" in here
    with transaction() as session:
        session.get_one(Merchant, RESTAURANT).area = None
    assert "夜市啤酒节券" not in landing(city, RESTAURANT).text


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        (OPENING - MILLISECOND, False),
        (OPENING, True),
        (datetime(2023, 5, 17, tzinfo=CHINA) - MILLISECOND, True),
        (datetime(2023, 5, 17, tzinfo=CHINA), False),  # claimed on the 10th, good for seven days
    ],
)
def test_a_landing_page_shows_a_campaign_while_a_voucher_of_it_can_be_valid(
    city: City, moment: MovableClock, at: datetime, shown: bool
) -> None:
    moment.set(at)
    assert ("五一乐购券" in landing(city, SUPERMARKET).text) is shown


def test_a_forged_a_revoked_and_an_unlisted_placard_each_say_why(city: City) -> None:
    good = code(city, SUPERMARKET)
    other_serial = good.replace("-1-", "-2-")
    for forged in (other_serial, good[:-1] + ("A" if good[-1] != "A" else "B"), good.lower()):
        answer = city.get(f"/m/{forged}")
        assert (answer.status_code, "这不是有效的商户码牌" in answer.text) == (404, True)
    assert city.get(f"/m/{good}").status_code == 200

    standings.suspend(SUPERMARKET, actor="test", reason="核查")
    answer = city.get(f"/m/{good}")
    assert (answer.status_code, "本店目前不能使用消费券" in answer.text) == (409, True)
    standings.resume(SUPERMARKET, actor="another", reason="核查完毕")
    assert city.get(f"/m/{good}").status_code == 200

    placards.revoke(SUPERMARKET, 1, actor="test", reason="换新")
    answer = city.get(f"/m/{good}")
    assert (answer.status_code, "该码牌已停用" in answer.text) == (410, True)


def test_an_amount_codes_page_names_shop_and_amount_and_why_it_counts_no_more(
    city: City, moment: MovableClock
) -> None:
    clerk, person = city.clerk(), city.resident()
    city.claim(person, tier=1)

    def path() -> str:
        shown = amount_codes.issue(
            merchant_id=SUPERMARKET,
            clerk_id=clerk.id,
            order_amount_fen=12_850,
            request_id=new_request(),
        )
        return shown.url.removeprefix("https://xfq.example.gov.cn")

    good, used = path(), path()
    page = city.get(good)
    assert page.status_code == 200
    for text in ("家乐购", "128.50 元", "2023年4月28日 10:06", "weixin://dl/business/"):
        assert text in page.text, text
    orders.create_at_placard(
        resident_id=person.id,
        request_id=new_request(),
        placard_code=used.rpartition("/")[2],
    )
    edited = good.replace("-12850-", "-12000-")
    for wrong, status, title in (
        (edited, 404, "这不是有效的金额码"),
        (used, 409, "这个金额码已经用过"),
    ):
        answer = city.get(wrong)
        assert (answer.status_code, title in answer.text) == (status, True)
    moment.move(minutes=5)
    answer = city.get(good)
    assert (answer.status_code, "金额码已过期" in answer.text) == (410, True)


@pytest.mark.parametrize("text", ["%00", "a%20b", "x/y", "a" * 65, "a" * 10_000, "%E7%A0%81"])
def test_whatever_follows_m_is_answered_with_a_page(app: APIFlask, text: str) -> None:
    answer = app.test_client().get(f"/m/{text}")
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert "这不是有效的商户码牌" in answer.text
