"""Who may redeem, and whose placard was scanned."""

import pytest

from backend.domain import refusals
from backend.domain.errors import NotFound
from backend.domain.onboarding import MerchantStatusRefused
from backend.extensions import db
from backend.services import amount_codes, merchants, placards, standings
from tests.factories import RESTAURANT, SUPERMARKET, City


@pytest.mark.parametrize("merchant_id", ["TJ0013", "TJ0014", "TJ0015", "TJ0016", "TJ9999"])
def test_a_merchant_that_is_not_published_cannot_redeem(city: City, merchant_id: str) -> None:
    with pytest.raises(refusals.MerchantNotPublished):
        merchants.redeeming(db.session(), merchant_id)
    assert merchants.redeeming(db.session(), SUPERMARKET).name == "家乐购"


def test_a_placard_is_known_by_its_whole_link_or_its_code(city: City) -> None:
    url = city.placard[SUPERMARKET]
    assert merchants.of_placard(url) == SUPERMARKET
    assert merchants.of_placard(url.rpartition("/")[2]) == SUPERMARKET
    assert amount_codes.scanned(url)[0].name == "家乐购"


def test_a_forged_placard_is_refused(city: City) -> None:
    url = city.placard[SUPERMARKET]
    for forged in (
        url.replace(SUPERMARKET, RESTAURANT),
        url[:-1] + ("A" if url[-1] != "A" else "B"),
        url.replace("https://", "http://"),
        url.replace("xfq.example.gov.cn", "xfq.example.gov.cn.evil.cn"),
        "TJ0003-1-AAAAAAAAAAAAAAAA",
    ):
        with pytest.raises(refusals.PlacardInvalid):
            merchants.of_placard(forged)


def test_a_revoked_placard_says_so_and_its_successor_counts(city: City) -> None:
    old = city.placard[SUPERMARKET]
    new = placards.issue(SUPERMARKET, actor="test")
    placards.revoke(SUPERMARKET, 1, actor="test", reason="丢失")
    with pytest.raises(refusals.PlacardRevoked):
        merchants.of_placard(old)
    assert merchants.of_placard(new.url) == SUPERMARKET


def test_only_a_published_merchant_is_suspended_and_only_a_suspended_one_resumes(
    city: City,
) -> None:
    with pytest.raises(MerchantStatusRefused):
        standings.resume("TJ0016", actor="another", reason="x")
    standings.suspend(SUPERMARKET, actor="test", reason="x")
    with pytest.raises(MerchantStatusRefused):
        standings.suspend(SUPERMARKET, actor="test", reason="x")
    with pytest.raises(NotFound):
        standings.suspend("TJ9999", actor="test", reason="x")


@pytest.mark.parametrize(
    ("scanned", "system"),
    [("wxp://f2f0abc", "wechat_pay"), ("https://qr.95516.com/00010000/6222", "unionpay")],
)
def test_a_shops_payment_code_is_told_from_a_placard(city: City, scanned: str, system: str) -> None:
    with pytest.raises(refusals.PlacardOfAnotherSystem) as refused:
        merchants.of_placard(scanned)
    assert refused.value.details == {"system": system}
    answer = city.get("/api/v1/resident/scanned-merchant", city.resident(), placard=scanned)
    assert (answer.status_code, answer.json["error"]["code"]) == (422, "placard_of_another_system")
