"""The bureau's list to the partner, and its answer."""

import io

import pytest
from python_calamine import load_workbook

from backend.domain.errors import NotFound
from backend.domain.reconciliation import ReasonNeeded
from backend.services import approvals, merchants, partner_lists
from backend.services.partner_lists import NothingToSend, NotOnPartnerList, PartnerListAnswered
from backend.storage.models.onboarding import MerchantStep
from tests import joining
from tests.factories import City, rows


def listed(number: int) -> str:
    merchant_id = joining.reported(number)
    joining.agreed(merchant_id)
    approvals.put_on_list(merchant_id, actor=joining.BUREAU)
    return merchant_id


def answer(number: int, **returned: str) -> tuple[int, int]:
    return partner_lists.answer(number, returned=returned, actor=joining.PARTNER)


def status(merchant_id: str) -> str:
    return merchants.get(merchant_id).status


def test_a_list_holds_all_that_are_listed_and_comes_back_passed_or_returned_by_merchant(
    city: City,
) -> None:
    with pytest.raises(NothingToSend):
        partner_lists.send(actor=joining.BUREAU)
    good, bad = listed(1), listed(2)
    sent = partner_lists.send(actor=joining.BUREAU)
    out = io.BytesIO()
    partner_lists.write(sent.number, out)
    out.seek(0)
    sheet = load_workbook(out).get_sheet_by_index(0).to_python()
    assert [line[0] for line in sheet] == ["商户编号", good, bad]
    assert sheet[1][3] == joining.uscc(1)
    with pytest.raises(ReasonNeeded):
        answer(1, **{bad: " "})
    assert answer(1, **{bad: "商户号未开通"}) == (1, 1)
    assert (status(good), status(bad)) == ("passed", "reported")
    last = rows(MerchantStep)[-1]
    assert (last.step, last.reason, last.partner_list) == ("partner_returned", "商户号未开通", 1)


def test_a_list_is_answered_once_and_an_old_answer_reaches_no_newer_list(city: City) -> None:
    merchant_id = listed(1)
    partner_lists.send(actor=joining.BUREAU)
    answer(1, **{merchant_id: "缺终端"})
    approvals.put_on_list(merchant_id, actor=joining.BUREAU)
    assert partner_lists.send(actor=joining.BUREAU).number == 2
    with pytest.raises(PartnerListAnswered):
        answer(1)
    assert status(merchant_id) == "sent"
    assert answer(2) == (1, 0)


def test_a_vetoed_merchant_is_not_passed_by_the_partners_answer(city: City) -> None:
    good, vetoed = listed(1), listed(2)
    partner_lists.send(actor=joining.BUREAU)
    approvals.screen(vetoed, "vetoed", office="tax", actor=joining.TAX, reason="欠税")
    assert answer(1) == (1, 0)
    assert (status(good), status(vetoed)) == ("passed", "vetoed")


def test_an_answer_that_names_a_stranger_changes_nothing(city: City) -> None:
    merchant_id = listed(1)
    partner_lists.send(actor=joining.BUREAU)
    with pytest.raises(NotOnPartnerList) as refused:
        answer(1, TJ0001="x")
    assert refused.value.details["merchant_ids"] == ["TJ0001"]
    assert status(merchant_id) == "sent"
    with pytest.raises(NotFound):
        answer(2)
    with pytest.raises(NotFound):
        partner_lists.write(2, io.BytesIO())
