"""A shop's own page: placards, payout account, clerks, and what was seen there."""

import re
from io import BytesIO
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from backend.domain import refusals
from backend.domain.errors import NotFound
from backend.domain.staff import Role
from backend.extensions import db
from backend.services import (
    clerks,
    merchants,
    payout_accounts,
    placards,
    placement_clearing,
    placements,
)
from backend.storage.models.merchants import Clerk
from backend.storage.models.onboarding import PlacementCheck
from tests.console import Console, Desk
from tests.factories import RESTAURANT, SUPERMARKET, City, MovableClock, rows
from tests.subsidising import picture

SHOP = f"/console/merchants/{SUPERMARKET}/shop"


@pytest.fixture
def operator(console: Console, city: City) -> Desk:
    return console.desk(Role.BUREAU_OPERATOR)


def test_a_placard_is_issued_anew_in_the_place_of_all_before_it(city: City, operator: Desk) -> None:
    assert operator.post(f"{SHOP}/placards/reissue").status_code == 400  # no reason
    assert operator.post(f"{SHOP}/placards/reissue", reason="被撕毁").status_code == 303
    with pytest.raises(refusals.PlacardRevoked):
        merchants.of_placard(city.placard[SUPERMARKET])
    assert merchants.of_placard(placards.current(SUPERMARKET).url) == SUPERMARKET
    db.session.close()
    found = [(p.serial, p.state, p.reason) for p in placards.of_merchant(SUPERMARKET)]
    assert found == [(2, "active", None), (1, "revoked", "被撕毁")]
    assert "被撕毁" in operator.get(SHOP).text


def test_placards_are_issued_drawn_and_revoked(operator: Desk) -> None:
    for kind, beginning in (("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<")):
        answer = operator.get(f"{SHOP}/placard/{kind}")
        assert (answer.status_code, answer.data.startswith(beginning)) == (200, True)
    assert operator.get(f"{SHOP}/placard/gif").status_code == 404
    assert operator.post(f"{SHOP}/placards").status_code == 303
    assert operator.post(f"{SHOP}/placards/2/revoke", reason="印错").status_code == 303
    db.session.close()
    with pytest.raises(NotFound):
        placards.current(SUPERMARKET)
    assert operator.post(f"{SHOP}/placards/9/revoke", reason="x").status_code == 404


def test_an_account_is_entered_by_one_and_confirmed_by_another(
    console: Console, operator: Desk
) -> None:
    account = {"holder": "百货公司", "bank": "农行同江支行", "number": "6228 4801 2345 6789"}
    assert operator.post(f"{SHOP}/accounts", **account).status_code == 303
    assert "待复核" in operator.get(SHOP).text
    assert "62284801" not in operator.get(SHOP).text
    assert operator.post(f"{SHOP}/accounts/confirm", last4="6789").status_code == 403
    finance = console.desk(Role.FINANCE)
    assert finance.post(f"{SHOP}/accounts/confirm", last4="0000").status_code == 409
    assert finance.post(f"{SHOP}/accounts/confirm", last4="6789").status_code == 303
    db.session.close()
    assert payout_accounts.accounts(SUPERMARKET)[0].state == "active"
    assert "收款账户" not in console.desk(Role.MEDIA).get(SHOP).text
    assert operator.post(f"{SHOP}/accounts", **account | {"number": "12"}).status_code == 400


def test_clerks_are_added_and_removed_at_their_own_shop_alone(operator: Desk) -> None:
    sent = {"name": "<b>张三</b>", "phone": "13900001234"}
    assert operator.post(f"{SHOP}/clerks", **sent).status_code == 303
    assert operator.post(f"{SHOP}/clerks", **sent).status_code == 409
    assert operator.post(f"{SHOP}/clerks", name="李四", phone="110").status_code == 400
    page = operator.get(SHOP).text
    assert "手机尾号 1234" in page
    assert "13900001234" not in page
    assert "<b>张三" not in page
    db.session.close()
    clerk = clerks.of_shop(SUPERMARKET)[-1]
    foreign = f"/console/merchants/{RESTAURANT}/shop/clerks/{clerk.id}/remove"
    assert operator.post(foreign).status_code == 404
    assert operator.post(f"{SHOP}/clerks/{clerk.id}/own").status_code == 303
    db.session.close()
    assert clerks.of_shop(SUPERMARKET)[-1].role == "owner"
    assert operator.post(f"{SHOP}/clerks/{clerk.id}/remove").status_code == 303
    db.session.close()
    assert clerk.id not in [one.id for one in clerks.of_shop(SUPERMARKET)]


def test_a_check_is_recorded_once_with_its_photo_and_exported(
    console: Console, operator: Desk
) -> None:
    number = re.search(r'name="check_id" value="(\w+)"', operator.get(SHOP).text)
    assert number
    sent = {"check_id": number[1], "material": "poster", "found": "no", "place": "=1+1"}
    for _ in range(2):
        photo = (BytesIO(picture()), "门口.jpg")
        assert operator.post(f"{SHOP}/checks", **sent, evidence=photo).status_code == 303
    assert len(rows(PlacementCheck)) == 1
    digest = placements.list_checks(SUPERMARKET)[0].photo_digest
    shown = operator.get(f"/console/merchants/{SUPERMARKET}/papers/{digest}")
    assert shown.mimetype == "image/jpeg"
    query = f"/console/placements?merchant={SUPERMARKET}&material=poster&found=no"
    assert "共 1 条" in operator.get(query).text
    assert "共 0 条" in operator.get("/console/placements?found=yes").text
    answer = operator.get(f"{query}&format=xlsx")
    sheet = CalamineWorkbook.from_filelike(BytesIO(answer.data)).get_sheet_by_index(0).to_python()
    assert sheet[1][4] == "'=1+1"
    for wrong in ({"check_id": ""}, {"material": "flag"}, {"found": ""}, {"place": " "}):
        assert operator.post(f"{SHOP}/checks", **sent | wrong).status_code == 400, wrong
    media = console.desk(Role.MEDIA)
    assert "记录检查" in media.get(SHOP).text
    assert "查看照片" not in media.get(SHOP).text


def test_a_photo_that_was_cleared_in_time_is_told_and_not_offered(
    console: Console, operator: Desk, moment: MovableClock
) -> None:
    number = re.search(r'name="check_id" value="(\w+)"', operator.get(SHOP).text)
    assert number
    sent = {"check_id": number[1], "material": "poster", "found": "yes", "place": "正门"}
    photo = (BytesIO(picture((74, 31))), "门口.jpg")
    operator.post(f"{SHOP}/checks", **sent, evidence=photo)
    assert "查看照片" in operator.get(SHOP).text
    moment.move(days=180)
    assert placement_clearing.clear_due() == 1
    page = console.desk(Role.BUREAU_OPERATOR).get(SHOP).text
    assert ("照片已按期清除" in page, "查看照片" in page) == (True, False)


def test_many_clerks_come_by_file_and_every_fault_is_shown(
    console: Console, operator: Desk
) -> None:
    def send(*lines: str) -> Any:
        content = "\n".join(("姓名,手机号", *lines)).encode()
        return operator.post(f"{SHOP}/clerks/file", file=(BytesIO(content), "店员.csv"))

    refused = send("王一,13900001111", "<b>王二</b>,139")
    assert refused.status_code == 400
    assert "第 3 行 手机号：须为 11 位手机号" in refused.text
    assert rows(Clerk) == []
    assert send("王一,13900001111", "王二,13900002222").status_code == 303
    assert [c.name for c in rows(Clerk)] == ["王一", "王二"]
    assert operator.post(f"{SHOP}/clerks/file").status_code == 400
    assert console.desk(Role.BANK).post(f"{SHOP}/clerks/file").status_code == 403


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("merchants", Role.BANK),
        ("bank-detail", Role.BUREAU_OPERATOR),
        ("spending", Role.BUREAU_OPERATOR),
        ("clerks", Role.BUREAU_OPERATOR),
    ],
)
def test_a_template_is_an_excel_file_with_an_explanation(
    console: Console, city: City, name: str, role: Role
) -> None:
    answer = console.desk(role).get(f"/console/templates/{name}.xlsx")
    book = CalamineWorkbook.from_filelike(BytesIO(answer.data))
    assert book.sheet_names == ["填写", "填写说明"]
    head, *_ = book.get_sheet_by_index(0).to_python()
    explained = [row[0] for row in book.get_sheet_by_index(1).to_python()[1:]]
    assert head == explained
    assert console.desk(Role.TAX).get(f"/console/templates/{name}.xlsx").status_code == 403
