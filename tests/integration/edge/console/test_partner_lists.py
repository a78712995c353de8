"""Lists to the partner at the console: sent by the bureau, answered merchant by merchant."""

from io import BytesIO

from python_calamine import CalamineWorkbook

from backend.domain.staff import Role
from backend.extensions import db
from backend.services import approvals, merchants
from tests import joining
from tests.console import Console
from tests.factories import City

PAGE = "/console/partner-lists"


def test_a_merchant_with_a_reason_is_returned_and_all_others_pass(
    console: Console, city: City
) -> None:
    shops = [joining.reported(number) for number in (1, 2)]
    operator, partner = console.desk(Role.BUREAU_OPERATOR), console.desk(Role.PARTNER)
    assert operator.post(PAGE).status_code == 409  # none is listed
    for shop in shops:
        joining.agreed(shop)
        approvals.put_on_list(shop, actor=joining.BUREAU)
    assert shops[0] in operator.get(PAGE).text
    assert operator.post(PAGE).status_code == 303
    assert "退回原因" not in operator.get(f"{PAGE}/1").text
    assert f"reason-{shops[1]}" in partner.get(f"{PAGE}/1").text
    why = {f"reason-{shops[0]}": "  ", f"reason-{shops[1]}": "<b>账户名不符</b>"}
    assert partner.post(f"{PAGE}/1", **why).status_code == 303
    db.session.close()
    assert [merchants.get(shop).status for shop in shops] == ["passed", "reported"]
    page = partner.get(f"{PAGE}/1").text
    assert "账户名不符" in page
    assert "<b>账户" not in page
    assert "通过 1，退回 1" in partner.get(PAGE).text
    assert partner.post(f"{PAGE}/1").status_code == 409


def test_a_stranger_in_the_answer_is_refused_and_nobody_passes(
    console: Console, city: City
) -> None:
    shop = joining.reported()
    joining.agreed(shop)
    approvals.put_on_list(shop, actor=joining.BUREAU)
    console.desk(Role.BUREAU_OPERATOR).post(PAGE)
    partner = console.desk(Role.PARTNER)
    assert partner.post(f"{PAGE}/1", **{"reason-TJ0001": "x"}).status_code == 400
    assert partner.post(f"{PAGE}/9").status_code == 404
    db.session.close()
    assert merchants.get(shop).status == "sent"


def test_a_list_is_fetched_as_excel(console: Console, city: City) -> None:
    shop = joining.reported()
    joining.passed(shop)
    answer = console.desk(Role.PARTNER).get(f"{PAGE}/1/file")
    sheet = CalamineWorkbook.from_filelike(BytesIO(answer.data)).get_sheet_by_index(0).to_python()
    assert sheet[1][0] == shop
    assert console.desk(Role.PARTNER).get(f"{PAGE}/9/file").status_code == 404
