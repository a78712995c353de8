"""A shop's way from its bank's file to the public page, by eight people at eight desks."""

from pathlib import Path

from playwright.sync_api import Page

from backend.domain.staff import Role
from backend.extensions import db
from backend.services import disqualifications
from tests import joining
from tests.browser.conftest import DESK, PHONE, Eyes, PageAs
from tests.factories import SUPERMARKET, City
from tests.integration.services.paying import at_placard, buyer, now_is
from tests.subsidising import picture


class Chain:
    """The desks of all offices; each acts by the keyboard."""

    def __init__(self, page_as: PageAs, width: int = DESK) -> None:
        self._page_as, self._width = page_as, width
        self._desks: dict[Role, Eyes] = {}

    def open(self, role: Role, path: str) -> Page:
        """Open a page at somebody's desk, and look at it."""
        if role not in self._desks:
            self._desks[role] = self._page_as(role, width=self._width)
        return self._desks[role].open(path)

    def act(
        self, role: Role, path: str, button: str, *, reason: str = "", paper: bytes | None = None
    ) -> Page:
        """Press a button, fill in its dialog, confirm; by keyboard alone."""
        page = self.open(role, path)
        page.get_by_role("button", name=button, exact=True).press("Enter")
        dialog = page.locator("dialog[open]")
        self._desks[role].look()
        if paper is not None:
            dialog.locator("input[type=file]").set_input_files(
                {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": paper}
            )
        if reason:
            dialog.locator("textarea").focus()
            page.keyboard.type(reason)
        dialog.locator("button[type=submit]").press("Enter")
        page.wait_for_selector(".alert")
        self._desks[role].look()
        return page


def send_file(chain: Chain, path: Path, *rows: dict[str, str]) -> Page:
    path.write_bytes(joining.csv_file(*rows).getvalue())
    page = chain.open(Role.BANK, "/console/merchant-reports")
    page.set_input_files("#file", path)
    page.get_by_role("button", name="提交").press("Enter")
    page.wait_for_selector(".alert")
    return page


def test_eight_roles_take_a_shop_from_the_banks_file_to_the_public_page(
    city: City, page_as: PageAs, tmp_path: Path
) -> None:
    chain = Chain(page_as)
    page = chain.open(Role.BUREAU_APPROVER, "/console/pledge-texts")
    page.locator("#text").focus()
    page.keyboard.type(joining.TEXT)
    page.get_by_role("button", name="发布新版").press("Enter")
    page.wait_for_selector(".alert")

    page = send_file(chain, tmp_path / "shops.csv", joining.row_of(1, 商户号="8982"))
    assert "第 2 行" in page.inner_text("main")
    assert "须为 15 位数字" in page.inner_text("main")
    page = send_file(chain, tmp_path / "shops.csv", joining.row_of(1))
    assert "已提报 1 家商户" in page.inner_text("main")
    shop, name = "TJ0017", joining.applicant(1).name
    one = f"/console/merchants/{shop}"

    page = chain.open(Role.TAX, "/console/merchant-work")
    assert shop in page.inner_text("main")
    for role, button in (
        (Role.SUPERIOR_BANK, "确认（上级银行）"),
        (Role.TAX, "税务筛选通过"),
        (Role.MARKET_REGULATOR, "市场监管筛选通过"),
        (Role.BUREAU_OPERATOR, "确认（商务局）"),
        (Role.BUREAU_OPERATOR, "列入名单"),
    ):
        assert "已办理" in chain.act(role, one, button).inner_text(".alert")
    chain.act(Role.BUREAU_OPERATOR, "/console/partner-lists", "送金融合作单位")
    page = chain.open(Role.PARTNER, "/console/partner-lists/1")
    page.get_by_role("button", name="提交答复").press("Enter")
    page.wait_for_selector(".alert")
    assert "通过 1 家，退回 0 家" in page.inner_text(".alert")
    assert name not in public_list(city)
    page = chain.act(Role.BUREAU_APPROVER, "/console/merchant-lists", "公布第 2 版")
    assert "新增" in page.inner_text("main")
    assert name in public_list(city)

    page = chain.open(Role.AUDITOR, one)
    assert page.locator(".steps-taken li").count() == 12  # the last: who owns the shop's desk
    assert page.locator("[data-dialog]").count() == 0


def public_list(city: City) -> str:
    """Return the public page of merchants as anybody reads it."""
    db.session.close()
    return city.client.get("/merchants").text


def test_a_veto_stops_a_shop_until_its_own_office_lifts_it(city: City, page_as: PageAs) -> None:
    shop = joining.reported()
    one = f"/console/merchants/{shop}"
    chain = Chain(page_as, PHONE)
    page = chain.act(Role.TAX, one, "税务否决", reason="欠缴税款", paper=picture())
    assert "被否决" in page.inner_text("h1")
    assert "原因：欠缴税款" in page.inner_text("main")
    assert page.get_by_role("link", name="查看凭证").count() == 1
    page = chain.open(Role.BUREAU_OPERATOR, one)
    assert "列入名单：还不能办理" in page.inner_text("main")
    assert page.get_by_role("button", name="税务解除否决").count() == 0
    page = chain.act(Role.TAX, one, "税务解除否决", reason="已补缴")
    assert "审核中" in page.inner_text("h1")


def test_a_disqualification_in_mid_order_shows_what_it_ends_and_ends_it(
    city: City, page_as: PageAs
) -> None:
    order = at_placard(city, buyer(city))
    one = f"/console/merchants/{SUPERMARKET}"
    chain = Chain(page_as)
    page = chain.act(Role.BUREAU_OPERATOR, one, "提出取消参与资格", reason="套现", paper=picture())
    assert order.id in page.inner_text("main")
    page = chain.act(Role.BUREAU_APPROVER, one, "取消参与资格", reason="属实")
    assert "已取消参与资格" in page.inner_text("h1")
    assert "目前没有未结订单" in page.inner_text("main")
    assert now_is(order.id) == ("released", "closed")
    assert disqualifications.release_due() == 0
