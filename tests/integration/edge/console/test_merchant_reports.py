"""A bank's file at the console: whole, or refused with every line in a table."""

from io import BytesIO

from backend.domain.staff import Role
from backend.services import pledges
from backend.storage.models.merchants import Merchant
from tests import joining
from tests.console import Console
from tests.factories import City, rows

PAGE = "/console/merchant-reports"


def test_every_fault_of_a_file_is_shown_with_its_line_and_nothing_is_taken(
    console: Console, city: City
) -> None:
    pledges.issue_text(joining.TEXT, actor=joining.BUREAU)
    before = len(rows(Merchant))
    bad = joining.csv_file(
        joining.row_of(1),
        joining.row_of(2, 商户号="8982", 联系电话="110"),
        joining.row_of(3, 统一社会信用代码="<script>alert(1)</script>"),
    )
    desk = console.desk(Role.BANK)
    answer = desk.post(PAGE, file=(bad, "<img src=x>.csv"))
    assert answer.status_code == 400
    for words in ("第 3 行", "须为 15 位数字", "须为 11 位手机号", "第 4 行", "共 3 处错误"):
        assert words in answer.text
    assert "<img src=x>" not in answer.text
    assert len(rows(Merchant)) == before
    assert desk.post(PAGE, file=(BytesIO(b"x"), "a.exe")).status_code == 400
    assert desk.post(PAGE).status_code == 400


def test_a_file_is_taken_once_and_is_in_the_list_of_files(console: Console, city: City) -> None:
    pledges.issue_text(joining.TEXT, actor=joining.BUREAU)
    desk = console.desk(Role.BANK)
    for _ in range(2):
        good = joining.csv_file(joining.row_of(1), joining.row_of(2))
        assert desk.post(PAGE, file=(good, "五月.csv")).status_code == 303
    page = desk.get(PAGE).text
    assert page.count("五月.csv") == 1
    assert "已提报 2 家商户" in page
