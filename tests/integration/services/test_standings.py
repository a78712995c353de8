"""Suspended by one person at once, resumed and disqualified by two, disqualified for good."""

import pytest

from backend.domain import refusals
from backend.domain.applicants import MerchantIdentityTaken
from backend.domain.merchant_steps import Step
from backend.domain.onboarding import MerchantStatusRefused, MerchantStepOutOfOrder
from backend.domain.payouts import PayoutAccountTaken
from backend.domain.reconciliation import ReasonNeeded
from backend.domain.second_person import SecondPersonNeeded
from backend.services import (
    amount_codes,
    merchant_lists,
    merchant_steps,
    merchants,
    payout_accounts,
    pledges,
    standings,
)
from backend.storage.models.onboarding import MerchantStep
from tests import joining
from tests.factories import RESTAURANT, SUPERMARKET, City, rows
from tests.subsidising import picture


def disqualify(merchant_id: str) -> None:
    standings.propose_disqualification(
        merchant_id, actor="孙经办", reason="套现", evidence=picture()
    )
    standings.confirm_disqualification(merchant_id, actor="郑审批", reason="属实")


def test_one_person_suspends_another_resumes_and_both_say_why(city: City) -> None:
    with pytest.raises(ReasonNeeded):
        standings.suspend(SUPERMARKET, actor="孙经办", reason=" ")
    standings.suspend(
        SUPERMARKET,
        actor="周市监",
        reason="异常核销",
        evidence=picture(),
        office="market_regulator",
    )
    step = rows(MerchantStep)[-1]
    assert (step.step, step.office, step.reason) == ("suspended", "market_regulator", "异常核销")
    assert step.evidence_digest
    with pytest.raises(refusals.MerchantNotPublished):
        amount_codes.scanned(city.placard[SUPERMARKET])
    with pytest.raises(SecondPersonNeeded):
        standings.resume(SUPERMARKET, actor="周市监", reason="查清")
    standings.resume(SUPERMARKET, actor="郑审批", reason="查清")
    assert amount_codes.scanned(city.placard[SUPERMARKET])[0].id == SUPERMARKET


def test_only_what_is_published_is_suspended(city: City) -> None:
    with pytest.raises(MerchantStepOutOfOrder) as refused:
        standings.suspend("TJ0013", actor="孙经办", reason="x")
    assert "对外公布" in refused.value.details["missing"]  # type: ignore[operator]


def test_a_disqualification_is_proposed_by_one_and_confirmed_by_another(city: City) -> None:
    with pytest.raises(MerchantStatusRefused):
        standings.confirm_disqualification(SUPERMARKET, actor="郑审批", reason="属实")
    standings.propose_disqualification(SUPERMARKET, actor="孙经办", reason="套现")
    assert amount_codes.scanned(city.placard[SUPERMARKET])[0].id == SUPERMARKET
    with pytest.raises(SecondPersonNeeded):
        standings.confirm_disqualification(SUPERMARKET, actor=" 孙经办", reason="属实")
    standings.withdraw_disqualification(SUPERMARKET, actor="孙经办", reason="误报")
    with pytest.raises(MerchantStatusRefused):
        standings.confirm_disqualification(SUPERMARKET, actor="郑审批", reason="属实")
    disqualify(SUPERMARKET)
    assert merchants.get(SUPERMARKET).status == "disqualified"
    told = [row.step for row in merchant_steps.history(SUPERMARKET)][-2:]
    assert told == [Step.DISQUALIFICATION_PROPOSED, Step.DISQUALIFIED]


def test_a_disqualified_merchant_has_no_way_back_and_is_on_no_later_list(city: City) -> None:
    disqualify(SUPERMARKET)
    for act in (standings.suspend, standings.resume, standings.propose_disqualification):
        with pytest.raises(MerchantStatusRefused):
            act(SUPERMARKET, actor="别人", reason="x")
    assert SUPERMARKET in merchant_lists.publish(actor="郑审批").difference.removed


def test_its_licence_and_every_account_it_was_paid_to_never_come_again(city: City) -> None:
    merchant_id = joining.reported()
    joining.passed(merchant_id)
    merchant_lists.publish(actor="郑审批")
    for number in ("6222000000000101", "6222000000000202"):
        account = {"holder": "江边小馆", "bank": "示例银行", "number": number}
        payout_accounts.propose(merchant_id=merchant_id, **account, actor="甲")
        payout_accounts.confirm(merchant_id=merchant_id, last4=number[-4:], actor="乙")
    disqualify(merchant_id)
    with pytest.raises(MerchantIdentityTaken) as refused:
        pledges.sign(joining.applicant(1, name="换个名字"), joining.signature(), actor="赵银行")
    assert refused.value.details["merchant_id"] == merchant_id
    for number in ("6222000000000101", "6222 0000 0000 0202"):
        account = {"holder": "别的馆", "bank": "示例银行", "number": number}
        with pytest.raises(PayoutAccountTaken):
            payout_accounts.propose(merchant_id=RESTAURANT, **account, actor="甲")
