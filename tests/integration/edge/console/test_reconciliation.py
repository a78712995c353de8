"""Reconciliation at the console: a file whole or not at all, and differences for two people."""

from io import BytesIO

import pytest
from python_calamine import CalamineWorkbook

from backend.domain.staff import Role
from backend.services import reconciliation
from backend.storage.models.reconciliation import OutsideFile, ReconciliationItem
from tests.bank_details import BANK, detail, line
from tests.console import Console, Desk
from tests.factories import City, MovableClock, rows
from tests.integration.services.reconciling import at_the_banks_till, name_the_shop, redeemed

NAME = f"{BANK}_20230428.csv"


@pytest.fixture
def sold(city: City, moment: MovableClock) -> str:
    """One order of the bank's till, a day ago; the bank's number of it."""
    name_the_shop()
    number = at_the_banks_till(redeemed(city))
    moment.move(days=1)
    return number


def upload(desk: Desk, content: bytes, name: str = NAME, **more: str) -> int:
    form = {"kind": "bank_detail", "party": BANK, "day": "2023-04-28", **more}
    answer = desk.post("/console/reconciliation", file=(BytesIO(content), name), **form)
    return answer.status_code


def test_a_file_is_taken_and_compared_and_the_same_again_changes_nothing(
    console: Console, sold: str
) -> None:
    desk = console.desk(Role.BUREAU_OPERATOR)
    for _ in range(2):
        assert upload(desk, detail([line(sold)])) == 303
    [file] = rows(OutsideFile)
    page = desk.get(f"/console/reconciliation/{file.id}").text
    assert "相符" in page
    assert "没有待办差异" in page
    assert "此前已收过同一份文件" in page
    for query, expected in (
        (f"party={BANK}&kind=bank_detail&since=2023-04-28&through=2023-04-28", "共 1 条"),
        ("kind=wechat_bill", "没有符合条件的记录"),
    ):
        assert expected in desk.get(f"/console/reconciliation?{query}").text
    answer = desk.get(f"/console/reconciliation/{file.id}/excel")
    assert CalamineWorkbook.from_filelike(BytesIO(answer.data)).sheet_names


def test_a_file_with_faults_is_refused_line_by_line_and_nothing_is_kept(
    console: Console, sold: str
) -> None:
    desk = console.desk(Role.BUREAU_OPERATOR)
    broken = detail([line(sold), line("order-2", 订单金额="=1+1")])
    form = {"kind": "bank_detail", "party": BANK, "day": "2023-04-28"}
    refused = desk.post("/console/reconciliation", file=(BytesIO(broken), NAME), **form)
    assert refused.status_code == 400
    assert '<td class="num">3</td>' in refused.text
    assert "订单金额" in refused.text
    assert rows(OutsideFile) == []
    assert desk.post("/console/reconciliation", **form).status_code == 400


def test_a_corrected_file_names_the_one_it_replaces_and_why(console: Console, sold: str) -> None:
    desk = console.desk(Role.BUREAU_OPERATOR)
    assert upload(desk, detail([line("nobody-1")])) == 303
    [first] = rows(OutsideFile)
    right = detail([line(sold)])
    assert upload(desk, right) == 409
    assert upload(desk, right, replaces=str(first.id)) == 400
    assert upload(desk, right, replaces=str(first.id), reason="银行更正") == 303
    assert "已被更正" in desk.get(f"/console/reconciliation/{first.id}").text


def test_a_difference_of_money_is_explained_by_one_and_agreed_by_another(
    console: Console, sold: str
) -> None:
    operator, finance = console.desk(Role.BUREAU_OPERATOR), console.desk(Role.FINANCE)
    assert upload(operator, detail([line(sold, 订单金额="110.00", 实付金额="80.00")])) == 303
    [item] = rows(ReconciliationItem)
    path = f"/console/reconciliation-items/{item.id}"
    assert (
        "共 1 条" in finance.get(f"/console/reconciliation-items?state=waiting&number={sold}").text
    )
    assert "登记说明" in operator.get(path).text
    assert operator.post(f"{path}/explain").status_code == 400
    assert operator.post(f"{path}/explain", reason="银行多计 10 元").status_code == 303
    assert operator.post(f"{path}/resolve").status_code == 403
    assert finance.post(f"{path}/reopen", reason="请附凭证").status_code == 303
    assert operator.post(f"{path}/explain", reason="凭证 0001").status_code == 303
    assert finance.post(f"{path}/resolve").status_code == 303
    page = finance.get(path).text
    for expected in ("银行多计 10 元", "请附凭证", "凭证 0001", "已处理", "同意说明"):
        assert expected in page, expected
    assert [i.resolved_by for i in rows(ReconciliationItem)] == [finance.name]
    assert finance.get("/console/reconciliation-items/999").status_code == 404


def test_a_file_is_compared_again_on_demand(console: Console, sold: str) -> None:
    desk = console.desk(Role.BUREAU_OPERATOR)
    assert upload(desk, detail([line(sold)])) == 303
    [file] = rows(OutsideFile)
    assert desk.post(f"/console/reconciliation/{file.id}/run").status_code == 303
    assert [found.result for found in reconciliation.sums_of(file.id)] == ["matched"]
    assert desk.post("/console/reconciliation/999/run").status_code == 404
