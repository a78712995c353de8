"""What offices say of a reported merchant."""

import pytest

from backend.domain.onboarding import MerchantStatusRefused, MerchantStepOutOfOrder
from backend.domain.reconciliation import ReasonNeeded
from backend.services import approvals, merchant_files, merchant_steps, merchants
from backend.storage.models.onboarding import MerchantStep
from tests import joining
from tests.factories import City, rows
from tests.subsidising import picture


def test_a_merchant_is_listed_once_all_four_have_said_yes(city: City) -> None:
    merchant_id = joining.reported()
    joining.agreed(merchant_id)
    assert approvals.put_on_list(merchant_id, actor=joining.BUREAU).status == "listed"
    with pytest.raises(MerchantStatusRefused):
        approvals.put_on_list(merchant_id, actor=joining.BUREAU)


def test_a_veto_wants_a_reason_keeps_its_evidence_and_only_its_office_lifts_it(city: City) -> None:
    merchant_id = joining.reported()
    joining.agreed(merchant_id)
    with pytest.raises(ReasonNeeded):
        approvals.screen(merchant_id, "vetoed", office="tax", actor=joining.TAX)
    approvals.screen(
        merchant_id, "vetoed", office="tax", actor=joining.TAX, reason="欠税", evidence=picture()
    )
    digest = rows(MerchantStep)[-1].evidence_digest
    assert merchant_files.read(digest, merchant_id=merchant_id, actor="郑审批")[0] == "image/jpeg"
    with pytest.raises(MerchantStepOutOfOrder) as refused:
        approvals.put_on_list(merchant_id, actor=joining.BUREAU)
    assert refused.value.details["missing"] == ["税务筛选通过"]
    with pytest.raises(MerchantStatusRefused):
        approvals.screen(
            merchant_id, "lifted", office="market_regulator", actor=joining.MARKET, reason="x"
        )
    approvals.screen(merchant_id, "lifted", office="tax", actor=joining.TAX, reason="已缴清")
    assert merchant_steps.missing(merchants.get(merchant_id))[0] == "税务筛选通过"
    approvals.screen(merchant_id, "passed", office="tax", actor=joining.TAX)
    assert approvals.put_on_list(merchant_id, actor=joining.BUREAU).status == "listed"
