"""`make pictures`: the pages below as PNGs in docs/pictures/, on a desk's screen and on a phone's.

Run by pytest for its fixtures, and named so that no test run collects it.
"""

from pathlib import Path

import pytest

from backend.domain.staff import Role
from backend.services import (
    campaign_approvals,
    clerks,
    complaints,
    live,
    staff_proposals,
    staff_resets,
)
from tests import joining
from tests.browser.conftest import DESK, PHONE, OpenShop, PageAs
from tests.browser.desk_parts import shown_code
from tests.complaining import file_one
from tests.factories import MAY, SUPERMARKET, City, MovableClock
from tests.noticing import submit_one
from tests.settling import MALL, redeem

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
# (name of the file, who looks, address): a page joins by a line here.
PAGES: tuple[tuple[str, Role | None, str], ...] = (
    ("console-sign-in", None, "/console/sign-in"),
    ("console-home", Role.AUDITOR, "/console/"),
    ("console-audit-log", Role.AUDITOR, "/console/audit"),
    ("console-programme", Role.FINANCE, "/console/programme"),
    ("console-campaigns", Role.BUREAU_APPROVER, "/console/campaigns"),
    ("console-campaign", Role.BUREAU_APPROVER, "/console/campaigns/Q3-NIGHT"),
    ("console-merchants", Role.BUREAU_OPERATOR, "/console/merchants"),
    ("console-merchant", Role.MARKET_REGULATOR, "/console/merchants/TJ0017"),
    ("console-merchant-work", Role.TAX, "/console/merchant-work"),
    ("console-merchant-lists", Role.BUREAU_APPROVER, "/console/merchant-lists"),
    ("console-shop", Role.BUREAU_OPERATOR, f"/console/merchants/{SUPERMARKET}/shop"),
    ("console-redemptions", Role.AUDITOR, "/console/redemptions"),
    ("console-budgets", Role.FINANCE, "/console/budgets"),
    ("console-analytics", Role.FINANCE, "/console/analytics"),
    ("console-war-room", Role.BUREAU_APPROVER, f"/console/war-room/{MAY}"),
    ("console-entries", Role.TOURISM, "/console/entries"),
    ("console-residents", Role.BUREAU_OPERATOR, "/console/residents"),
    ("console-notice", Role.BUREAU_APPROVER, "/console/notices/1"),
    ("console-complaints", Role.BUREAU_OPERATOR, "/console/complaints"),
    ("console-staff", Role.AUDITOR, "/console/staff"),
    ("console-staff-checks", Role.ADMINISTRATOR, "/console/staff/checks"),
    ("console-permissions", Role.AUDITOR, "/console/permissions"),
)


def some_staff() -> None:
    """Two people who work, one who is asked for, one who lost his phone."""
    for name, person, office, role in (
        ("li.wei", "李伟", "商务和口岸局", Role.BUREAU_OPERATOR),
        ("wang.fang", "王芳", "财政局", Role.FINANCE),
        ("chen.jie", "陈洁", "税务局", Role.TAX),
    ):
        staff_proposals.propose_account(
            name, display_name=person, office=office, role=role, actor="zhao.min"
        )
        if role is not Role.TAX:
            staff_proposals.confirm(name, actor="qian.jin")
    staff_resets.request("wang.fang", reason="手机遗失，已当面核实本人", actor="zhao.min")


@pytest.fixture
def at_work(city: City, moment: MovableClock) -> None:
    """A city with something to show: its programme runs, staff have done this and that."""
    for number in range(12):
        clerks.add_clerk(
            merchant_id=SUPERMARKET, name="王店员", phone=f"1540000{number:04d}", actor="li.wei"
        )
    campaign_approvals.submit(
        "Q3-NIGHT",
        actor="li.wei",
        faults=["可用商户：餐饮 0 家"],
    )
    for number in (1, 2, 3):
        shop = joining.reported(number)
    joining.passed(shop)
    for merchant_id in (SUPERMARKET, MALL) * 3:
        redeem(city, merchant_id)
    for number in range(60):
        city.claim(city.resident(), tier=1 + number % 3)
        if number % 5 == 0:
            live.flush()
            moment.move(seconds=1)
    live.flush()
    moment.move(seconds=live.SETTLED_AFTER_S)
    some_staff()
    submit_one("五一消费券 4 月 28 日开抢", "请提前绑定手机号。\n\n每人每档限领一张。")
    for number, office in enumerate(("", "bureau", "tourism")):
        complaint = file_one(phone=f"1384567000{number}", shop="家乐购").number
        if office:
            complaints.assign(complaint, office=office, actor="li.wei")


@pytest.mark.parametrize("width", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize(("name", "role", "path"), PAGES, ids=[name for name, _, _ in PAGES])
def test_take(
    at_work: None, page_as: PageAs, name: str, role: Role | None, path: str, width: int
) -> None:
    page = page_as(role, width=width).open(path)
    page.screenshot(path=FOLDER / f"{name}-{width}.png", full_page=width == PHONE)


@pytest.mark.parametrize("width", [DESK, PHONE], ids=["desk", "phone"])
def test_take_a_shops_desk(city: City, open_shop: OpenShop, width: int) -> None:
    owner = city.clerk()
    clerks.make_owner(clerk_id=owner.id, actor="li.wei")
    clerks.add_by_owner(owner_id=owner.id, name="赵店员", phone="13600001122")
    shop = open_shop(owner, width=width, height=844)
    for yuan in ("128.50", "136", "249.90"):
        shop.enter(yuan)
        shop.scan(shown_code(city))
        shop.collect()
    shop.enter("185.5")
    shop.scan(shown_code(city))
    shop.headline("请收")
    shop.page.locator("#today tbody tr").nth(2).wait_for()
    shop.page.screenshot(path=FOLDER / f"desk-till-{width}.png", full_page=width == PHONE)
    page = shop.eyes.open("/desk/staff")
    page.screenshot(path=FOLDER / f"desk-staff-{width}.png", full_page=width == PHONE)
