"""Finding merchants, and what each of them waits for."""

import pytest

from backend.domain import onboarding as rules
from backend.domain.merchant_steps import Step
from backend.domain.onboarding import MerchantStatusRefused, MerchantStepOutOfOrder
from backend.services import approvals, merchant_steps, merchant_work, standings
from backend.storage.models.merchants import Merchant
from tests import joining
from tests.factories import RESTAURANT, SUPERMARKET, City, rows


def ids(**wanted: str) -> list[str]:
    return [merchant.id for merchant in merchant_work.find(**wanted).each()]


def may_be_taken(merchant: Merchant, step: Step) -> bool:
    try:
        rules.after(merchant_steps.standing(merchant), step)
    except (MerchantStepOutOfOrder, MerchantStatusRefused):
        return False
    return True


def merchants_of_every_kind() -> None:
    """Take shops as far as the chain has places to stand."""
    joining.pledged(1)
    for number in range(2, 8):
        joining.reported(number)
    shops = ids(name="江边小馆")
    approvals.confirm(shops[2], office="bureau", actor=joining.BUREAU)
    approvals.screen(shops[3], "vetoed", office="tax", actor=joining.TAX, reason="欠税")
    for shop in shops[4:]:
        joining.agreed(shop)
    approvals.put_on_list(shops[5], actor=joining.BUREAU)
    standings.suspend(SUPERMARKET, actor=joining.BUREAU, reason="异常核销")
    standings.propose_disqualification(RESTAURANT, actor=joining.BUREAU, reason="套现")


def test_what_waits_for_a_step_is_what_the_rules_would_let_take_it(city: City) -> None:
    merchants_of_every_kind()
    known = rows(Merchant)
    for step in merchant_work.STEPS:
        allowed = sorted(merchant.id for merchant in known if may_be_taken(merchant, step))
        assert ids(due=step) == allowed, step
        assert merchant_work.counts([step]) == {step: len(allowed)}
    assert sum(merchant_work.counts().values()) > len(merchant_work.STEPS)


@pytest.mark.parametrize("part", ["馆1", "SH", "%", "_"])
def test_a_name_is_looked_for_as_it_is_written(city: City, part: str) -> None:
    joining.pledged(1)
    named = [m.id for m in rows(Merchant) if part in m.name or part in m.id or part in str(m.uscc)]
    assert ids(name=part) == named


def test_filters_narrow_each_other(city: City) -> None:
    first = joining.pledged(1)
    joining.pledged(2)
    assert ids(status="pledged", name="小馆1", domain_id="FOOD") == [first]
    assert ids(status="pledged", domain_id="RETAIL") == []
    assert merchant_work.domains()
    assert all(ids(area=area) for area in merchant_work.areas())
