"""A campaign's preflight, of what the books and lists say."""

import pytest

from backend.domain.errors import NotFound
from backend.services import preflights
from backend.storage.models.merchants import Merchant
from backend.storage.sql import transaction
from tests.factories import City

NIGHT = "Q3-NIGHT"


def detail(title: str) -> str:
    return next(found.detail for found in preflights.of_campaign(NIGHT) if found.title == title)


def test_it_counts_published_shops_by_domain_and_residents(city: City) -> None:
    before = detail("可用商户")
    city.resident()
    assert detail("谁可以领") == "已绑定手机号的居民，目前 1 人"
    with transaction() as session:
        session.query(Merchant).filter_by(status="published").update({"status": "suspended"})
    assert detail("可用商户") != before
    assert all(part.endswith(" 0 家") for part in detail("可用商户").split("，"))


def test_its_money_is_that_of_the_pot(city: City) -> None:
    assert detail("资金").startswith("Q3可用 ")
    assert "批准后余" in detail("资金")


def test_an_unknown_campaign_is_not_found(city: City) -> None:
    with pytest.raises(NotFound):
        preflights.of_campaign("NO-SUCH")
