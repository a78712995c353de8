"""Pages of merchants: found, looked at, and moved on by whoever may."""

from io import BytesIO

import pytest
from python_calamine import CalamineWorkbook

from backend.domain.staff import Role
from backend.extensions import db
from backend.services import approvals, merchant_steps, merchants, standings
from backend.storage.models.merchants import Merchant
from backend.storage.models.onboarding import MerchantStep
from tests import joining
from tests.console import Console
from tests.factories import SUPERMARKET, City, rows
from tests.integration.services.paying import at_placard, buyer
from tests.subsidising import picture

HOSTILE = ("<script>alert(1)</script>", "=1+1", '"><img src=x onerror=alert(1)>')


def now(merchant_id: str) -> Merchant:
    """Return a merchant as the database has it by now."""
    db.session.close()
    return merchants.get(merchant_id)


def path_of(merchant_id: str, step: str = "") -> str:
    return f"/console/merchants/{merchant_id}" + (f"/steps/{step}" if step else "")


def test_the_list_is_filtered_by_the_address_and_exported_with_dead_formulas(
    console: Console, city: City
) -> None:
    for number, name in enumerate(HOSTILE, start=1):
        joining.pledges.issue_text(joining.TEXT, actor=joining.BUREAU)
        shop = joining.applicant(number, name=name)
        joining.pledges.sign(shop, joining.signature(), actor=joining.BANK)
    desk = console.desk(Role.BUREAU_OPERATOR)
    page = desk.get("/console/merchants?status=pledged&due=applied")
    assert "共 3 条" in page.text
    assert not any(text in page.text for text in (HOSTILE[0], HOSTILE[2]))
    answer = desk.get("/console/merchants?status=pledged&format=xlsx")
    sheet = CalamineWorkbook.from_filelike(BytesIO(answer.data)).get_sheet_by_index(0).to_python()
    assert [row[1] for row in sheet[1:]] == [HOSTILE[0], "'=1+1", HOSTILE[2]]
    assert desk.get("/console/merchants?due=flying").status_code == 400
    assert "没有符合条件的记录" in desk.get("/console/merchants?name=nobody").text


def test_what_is_missing_is_said_and_the_step_is_offered_once_it_may_be_taken(
    console: Console, city: City
) -> None:
    shop = joining.pledged()
    tax, bank = console.desk(Role.TAX), console.desk(Role.BANK)
    page = tax.get(path_of(shop)).text
    assert "税务筛选通过：还不能办理，还缺申请 POS 机或码牌、银行提报" in page
    assert "提报</a>" not in page  # another office's step
    assert bank.post(path_of(shop, "apply"), applied_for="pos").status_code == 303
    assert now(shop).applied_for == "pos"
    tills = joining.tills()
    numbers = {"merchant_number": "8982", "terminals": " ".join(tills.terminal_numbers)}
    refused = bank.post(path_of(shop, "report"), **numbers)
    assert (refused.status_code, "商户号：须为 15 位数字" in refused.text) == (400, True)
    numbers["merchant_number"] = tills.merchant_number
    assert bank.post(path_of(shop, "report"), **numbers).status_code == 303
    assert 'action="/console/merchants/' in tax.get(path_of(shop)).text
    assert tax.post(path_of(shop, "tax-pass")).status_code == 303
    assert now(shop).tax_screening == "passed"


def test_a_step_out_of_order_changes_nothing_and_names_what_is_missing(
    console: Console, city: City
) -> None:
    shop = joining.reported()
    answer = console.desk(Role.BUREAU_OPERATOR).post(path_of(shop, "list"))
    assert answer.status_code == 409
    for words in ("请先办妥所列事项", "上级银行确认", "市场监管筛选通过"):
        assert words in answer.text
    assert now(shop).status == "reported"


def test_a_veto_wants_a_reason_and_its_paper_is_for_those_who_may_read_it(
    console: Console, city: City
) -> None:
    shop = joining.reported()
    tax = console.desk(Role.TAX)
    assert tax.post(path_of(shop, "tax-veto"), reason=" ").status_code == 400
    sent = {"reason": HOSTILE[0], "evidence": (BytesIO(picture()), "欠税.jpg")}
    assert tax.post(path_of(shop, "tax-veto"), **sent).status_code == 303
    digest = rows(MerchantStep)[-1].evidence_digest
    page = tax.get(path_of(shop)).text
    assert f"/papers/{digest}" in page
    assert HOSTILE[0] not in page
    paper = tax.get(f"{path_of(shop)}/papers/{digest}")
    assert (paper.status_code, paper.mimetype) == (200, "image/jpeg")
    assert tax.get(f"{path_of(SUPERMARKET)}/papers/{digest}").status_code == 404
    bank = console.desk(Role.BANK)
    assert "/papers/" not in bank.get(path_of(shop)).text
    assert bank.get(f"{path_of(shop)}/papers/{digest}").status_code == 403
    assert "被否决" in bank.get(path_of(shop)).text


def test_whoever_acted_for_one_office_is_told_that_another_person_must_go_on(
    console: Console, city: City
) -> None:
    shop = joining.reported()
    tax = console.desk(Role.TAX)
    approvals.confirm(shop, office="superior_bank", actor=tax.name)
    assert "须由另一位工作人员办理" in tax.get(path_of(shop)).text
    assert tax.post(path_of(shop, "tax-pass")).status_code == 403
    assert now(shop).tax_screening == "open"


def test_a_market_regulator_who_screened_a_shop_proposes_and_withdraws_as_his_own_office(
    console: Console, city: City
) -> None:
    shop = joining.reported()
    market = console.desk(Role.MARKET_REGULATOR)
    assert market.post(path_of(shop, "market_regulator-pass")).status_code == 303
    assert market.post(path_of(shop, "propose-disqualify"), reason="假证").status_code == 303
    assert market.post(path_of(shop, "withdraw-disqualify"), reason="误报").status_code == 303
    assert {row.office for row in rows(MerchantStep)[-3:]} == {"market_regulator"}


def test_an_approver_may_decline_what_was_proposed(console: Console, city: City) -> None:
    standings.propose_disqualification(SUPERMARKET, actor=joining.BUREAU, reason="套现")
    approver = console.desk(Role.BUREAU_APPROVER)
    sent = approver.post(path_of(SUPERMARKET, "decline-disqualify"), reason="查无实据")
    assert sent.status_code == 303
    assert now(SUPERMARKET).disqualification_proposed is False


def test_before_a_disqualification_the_open_orders_are_shown_and_after_it_they_are_over(
    console: Console, city: City
) -> None:
    order = at_placard(city, buyer(city))
    operator, approver = console.desk(Role.BUREAU_OPERATOR), console.desk(Role.BUREAU_APPROVER)
    assert order.id in operator.get(path_of(SUPERMARKET)).text
    assert "未结订单" not in console.desk(Role.TAX).get(path_of(SUPERMARKET)).text
    operator.post(path_of(SUPERMARKET, "propose-disqualify"), reason="套现")
    assert operator.post(path_of(SUPERMARKET, "disqualify"), reason="属实").status_code == 403
    done = approver.post(path_of(SUPERMARKET, "disqualify"), reason="属实")
    assert done.status_code == 303
    assert [row.step for row in merchant_steps.history(SUPERMARKET)][-1] == "disqualified"
    page = approver.get(path_of(SUPERMARKET)).text
    assert "目前没有未结订单" in page
    assert "暂停商户" not in page


def test_who_is_nobodys_office_looks_and_has_no_button(console: Console, city: City) -> None:
    page = console.desk(Role.AUDITOR).get(path_of(SUPERMARKET)).text
    assert "您可以办理" not in page
    assert console.desk(Role.AUDITOR).get(path_of("TJ9999")).status_code == 404


@pytest.mark.parametrize("evidence", [b"<script>alert(1)</script>", b"MZ"])
def test_what_is_no_paper_is_refused_and_the_step_not_taken(
    console: Console, city: City, evidence: bytes
) -> None:
    operator = console.desk(Role.BUREAU_OPERATOR)
    sent = {"reason": "x", "evidence": (BytesIO(evidence), "a.pdf")}
    assert operator.post(path_of(SUPERMARKET, "suspend"), **sent).status_code == 400
    assert now(SUPERMARKET).status == "published"


def test_a_contacts_whole_number_is_shown_once_for_a_reason(console: Console, city: City) -> None:
    shop = joining.pledged()
    page = f"/console/merchants/{shop}"
    operator = console.desk(Role.BUREAU_OPERATOR)
    assert "13800138000" not in operator.get(page).text
    assert operator.post(f"{page}/unmask").status_code == 400
    shown = operator.post(f"{page}/unmask", reason="核实投诉")
    assert "13800138000" in shown.text
    assert shown.headers["Refresh"].endswith(page)
    assert "13800138000" not in operator.get(page).text
    assert console.desk(Role.AUDITOR).post(f"{page}/unmask", reason="看看").status_code == 403
