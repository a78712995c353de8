"""`make pictures`: what the documents show, as PNGs in docs/pictures/, wide and narrow.

Run by pytest for its fixtures, and named so that no test run collects it. Every other page is
photographed by tests/proof/take_pictures.py.
"""

from pathlib import Path

import pytest

from backend.domain.staff import Role
from backend.services import campaign_approvals, clerks, complaints, live
from tests import joining
from tests.browser.conftest import DESK, PHONE, OpenShop, PageAs
from tests.browser.desk_parts import shown_code
from tests.complaining import file_one
from tests.factories import MAY, SUPERMARKET, City, MovableClock
from tests.noticing import submit_one
from tests.settling import MALL, redeem

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
# (name of the file, who looks, address): a page joins by a line here.
PAGES: tuple[tuple[str, Role, str], ...] = (
    ("console-home", Role.BUREAU_APPROVER, "/console/"),
    ("console-audit-log", Role.AUDITOR, "/console/audit"),
    ("console-campaign", Role.BUREAU_APPROVER, "/console/campaigns/Q3-NIGHT"),
    ("console-merchant", Role.MARKET_REGULATOR, "/console/merchants/TJ0017"),
    ("console-analytics", Role.FINANCE, "/console/analytics"),
    ("console-war-room", Role.BUREAU_APPROVER, f"/console/war-room/{MAY}"),
)


@pytest.fixture
def at_work(city: City, moment: MovableClock) -> None:
    """A city with something to show: its programme runs, staff have done this and that."""
    campaign_approvals.submit("Q3-NIGHT", actor="li.wei", faults=["可用商户：餐饮 0 家"])
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
    submit_one("五一消费券 4 月 28 日开抢", "请提前绑定手机号。\n\n每人每档限领一张。")
    for number, office in enumerate(("", "bureau", "tourism")):
        complaint = file_one(phone=f"1384567000{number}", shop="家乐购").number
        if office:
            complaints.assign(complaint, office=office, actor="li.wei")


@pytest.mark.parametrize("width", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize(("name", "role", "path"), PAGES, ids=[name for name, _, _ in PAGES])
def test_take(at_work: None, page_as: PageAs, name: str, role: Role, path: str, width: int) -> None:
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
