"""A refund proposed, and money that a provider refused, by keyboard alone."""

from backend.domain.staff import Role
from backend.storage.models.payments import PaymentCase
from backend.storage.models.refunds import Payback, RefundProposal
from tests.browser.conftest import PHONE, Eyes, PageAs
from tests.browser.keyboard import tab_to
from tests.factories import City, rows
from tests.proof.whole_city import astray
from tests.settling import redeem


def test_a_refund_is_proposed_by_keyboard_alone(city: City, page_as: PageAs) -> None:
    eyes = page_as(Role.BUREAU_OPERATOR)
    page = eyes.open(f"/console/orders/{redeem(city)}")
    page.focus("[data-dialog=refund]")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog#refund[open]")
    eyes.look()
    page.focus("#amount")
    page.keyboard.press("Control+a")
    page.keyboard.type("32")
    page.keyboard.press("Tab")
    page.keyboard.type("商户已停业")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=已提出退款申请")
    eyes.look()
    assert {row.refund_amount_fen for row in rows(RefundProposal)} == {3_200}


def act(eyes: Eyes, button: str, typed: str, told: str) -> None:
    """Press a button, type into its dialog, send it, look at what it led to."""
    page = eyes.page
    tab_to(page, button)
    page.keyboard.press("Enter")
    eyes.look()
    page.keyboard.type(typed)
    tab_to(page, f"确认{button}")
    page.keyboard.press("Enter")
    page.locator(".alert", has_text=told).wait_for()
    eyes.look()


def test_money_a_provider_refused_is_paid_by_hand_and_another_closes_its_case(
    city: City, page_as: PageAs
) -> None:
    astray(city)
    finance = page_as(Role.FINANCE)
    page = finance.go("/console/paybacks?state=failed")
    (payback,) = rows(Payback)
    tab_to(page, payback.id)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/paybacks/{payback.id}")
    act(finance, "登记人工退还", "转账 20230428001", "已登记人工退还")
    assert "转账 20230428001" in page.inner_text("main")
    approver = page_as(Role.BUREAU_APPROVER, width=PHONE)
    page = approver.go("/console/payment-cases?state=open&kind=payback_unfinished")
    (case,) = (one for one in rows(PaymentCase) if one.order_id == payback.order_id)
    tab_to(page, str(case.id))
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/payment-cases/{case.id}")
    act(approver, "结案", "已核对转账", "已结案")
    assert "已核对转账" in page.inner_text("main")
    assert {one.state for one in rows(PaymentCase) if one.id == case.id} == {"closed"}
