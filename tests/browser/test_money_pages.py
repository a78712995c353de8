"""A refund proposed from an order's page, by keyboard alone."""

from backend.domain.staff import Role
from backend.storage.models.refunds import RefundProposal
from tests.browser.conftest import PageAs
from tests.factories import City, rows
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
