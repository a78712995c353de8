"""A shop's own page in a browser, wide and narrow."""

import pytest

from backend.domain.staff import Role
from backend.services import clerks, payout_accounts, placements
from tests import joining
from tests.browser.conftest import DESK, PHONE, PageAs
from tests.factories import SUPERMARKET, City
from tests.subsidising import picture


@pytest.mark.parametrize(
    ("role", "width"), [(Role.BUREAU_OPERATOR, DESK), (Role.FINANCE, PHONE)], ids=["desk", "phone"]
)
def test_a_shops_page_is_whole_and_legible_to_who_enters_and_who_confirms(
    city: City, page_as: PageAs, role: Role, width: int
) -> None:
    clerks.add_clerk(merchant_id=SUPERMARKET, name="王店员", phone="15400000001", actor="li.wei")
    payout_accounts.propose(
        merchant_id=SUPERMARKET,
        holder="百货公司",
        bank="农行同江支行",
        number="6228480123456789",
        actor=joining.BUREAU,
    )
    placements.record(
        check_id="1" * 32,
        merchant_id=SUPERMARKET,
        material="poster",
        found=False,
        place="正门",
        photo=picture(),
        actor=joining.BUREAU,
    )
    eyes = page_as(role, width=width)
    page = eyes.open(f"/console/merchants/{SUPERMARKET}/shop")
    if role is Role.FINANCE:
        page.locator("#last4").focus()
        page.keyboard.type("6789")
        page.keyboard.press("Enter")
    else:
        page.get_by_role("button", name="补发码牌").press("Enter")
        eyes.look()
        page.locator("dialog[open] textarea").focus()
        page.keyboard.type("被撕毁")
        page.locator("dialog[open] button[type=submit]").press("Enter")
    page.wait_for_selector(".alert")
    eyes.look()
    said = "收款账户已复核生效" if role is Role.FINANCE else "已补发第 2 号码牌"
    assert said in page.inner_text(".alert")
