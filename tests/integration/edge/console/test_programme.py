"""The programme's page, and the way a file takes from looking to loading."""

from io import BytesIO

import pytest
from apiflask import APIFlask
from python_calamine import CalamineWorkbook
from werkzeug.test import TestResponse

from backend.domain.staff import Role
from backend.edge.console import programme_words
from backend.services import audit, programmes
from backend.services.programme_previews import _OF_LIFE
from backend.storage.models.campaigns import Campaign
from backend.storage.models.programmes import Programme
from tests.console import Console, Desk
from tests.factories import SAMPLE, City, rows
from tests.settling import redeem

TEXT = SAMPLE.read_text()


def send(desk: Desk, text: str) -> TestResponse:
    return desk.post("/console/programme/file", file=(BytesIO(text.encode()), "方案.yaml"))


def test_a_file_is_looked_at_then_loaded_by_who_looked(app: APIFlask, console: Console) -> None:
    operator = console.desk(Role.BUREAU_OPERATOR)
    assert "还没有载入方案" in operator.get("/console/programme").text
    looked = send(operator, TEXT)
    assert looked.status_code == 303
    page = operator.get(looked.location).text
    assert "1,105,000.00" in page
    assert "五一乐购券" in page
    assert rows(Programme) == []
    digest = looked.location.rpartition("/")[2]
    for _ in range(2):
        assert operator.post("/console/programme/load", digest=digest).status_code == 303
    assert len(rows(Programme)) == 1
    loads = audit.entries(action="programme.load").page(1, 10)
    assert [entry.actor for entry in loads] == [operator.name]
    shown = operator.get("/console/programme").text
    for expected in ("2023年同江市消费券", operator.name, "草稿预检提示", "超市"):
        assert expected in shown, expected


def test_a_file_with_faults_shows_each_line_and_loads_nothing(
    app: APIFlask, console: Console
) -> None:
    operator = console.desk(Role.BUREAU_OPERATOR)
    refused = send(operator, TEXT.replace("amount: 121000", "amount: <b>1</b>"))
    assert refused.status_code == 400
    assert "第 " in refused.text
    assert "<b>1</b>" not in refused.text
    assert rows(Programme) == []


def test_a_loaded_programme_is_compared_and_never_overwritten(console: Console, city: City) -> None:
    operator = console.desk(Role.BUREAU_OPERATOR)
    same = operator.get(send(operator, TEXT).location).text
    assert "与载入时的文件一致" in same
    assert "没有差异" in same
    changed = TEXT.replace("name: 五一乐购券", "name: <i>五一</i>券").replace(
        "quarter_floors: {Q1: 200000}", "quarter_floors: {Q1: 190000}"
    )
    other = send(operator, changed).location
    page = operator.get(other).text
    for expected in ("不能载入", "Q1 下限（元）", "190,000.00", "&lt;i&gt;五一&lt;/i&gt;券"):
        assert expected in page, expected
    assert 'action="/console/programme/load"' not in page
    digest = other.rpartition("/")[2]
    assert operator.post("/console/programme/load", digest=digest).status_code == 409
    programme = programmes.current()
    assert programme is not None
    assert programme.name == "2023年同江市消费券"


@pytest.mark.parametrize("digest", ["", "0" * 63, "z" * 64])
def test_what_names_no_kept_file_is_refused(app: APIFlask, console: Console, digest: str) -> None:
    answer = console.desk(Role.BUREAU_OPERATOR).post("/console/programme/load", digest=digest)
    assert answer.status_code == 400


def test_money_is_shown_to_who_may_see_budgets_alone(console: Console, city: City) -> None:
    redeem(city)
    finance, media = console.desk(Role.FINANCE), console.desk(Role.MEDIA)
    assert "已承诺未领" in finance.get("/console/programme").text
    page = media.get("/console/programme")
    assert page.status_code == 200
    assert "五一乐购券" in page.text
    assert "已承诺未领" not in page.text
    assert media.get("/console/programme?format=xlsx").status_code == 403


def test_the_budget_is_taken_away_as_excel(console: Console, city: City) -> None:
    redeem(city, tier=2)
    answer = console.desk(Role.FINANCE).get("/console/programme?format=xlsx")
    book = CalamineWorkbook.from_filelike(BytesIO(answer.data)).get_sheet_by_index(0)
    [may] = [row for row in book.to_python() if row[0] == "五一乐购券"]
    assert may[1:] == ["领券", "Q2", "进行中", 121_000, 120_970, 0, 30, 120_970]


def test_every_term_of_a_campaign_has_words() -> None:
    terms = {column.key for column in Campaign.__table__.columns} - _OF_LIFE
    assert terms <= programme_words.FIELD_NAMES.keys()
