"""The pages of analytics: days in the address, the same numbers as picture, table and Excel."""

import html
import json
import re
from io import BytesIO

import pytest
from python_calamine import CalamineWorkbook

from backend.domain.staff import Role
from tests.console import Console
from tests.factories import City, MovableClock
from tests.settling import MALL, redeem

ALL = ("", "/funnel", "/pull", "/hours", "/merchants")


@pytest.fixture
def sold(city: City, moment: MovableClock) -> None:
    """Friday 28 April at 10: 10 yuan at the supermarket; a day later 90 yuan at the mall."""
    redeem(city)
    moment.move(days=1)
    redeem(city, MALL, tier=3)


def rows_of(console: Console, path: str) -> list[list[object]]:
    answer = console.desk(Role.FINANCE).get(f"/console/analytics{path}")
    assert answer.status_code == 200
    book = CalamineWorkbook.from_filelike(BytesIO(answer.data))
    rows: list[list[object]] = book.get_sheet_by_index(0).to_python()
    return rows


def chart_of(page: str) -> dict[str, object]:
    found = re.search(r'data-chart="([^"]+)"', page)
    assert found
    data: dict[str, object] = json.loads(html.unescape(found[1]))
    return data


def test_each_page_is_open_before_anything_was_sold(console: Console, city: City) -> None:
    auditor = console.desk(Role.AUDITOR)
    for path in ALL:
        page = auditor.get(f"/console/analytics{path}")
        assert page.status_code == 200, path
        assert "2023-03-30 至 2023-04-28" in page.text, path  # 30 days


def test_the_picture_the_table_and_the_file_say_the_same(console: Console, sold: None) -> None:
    page = console.desk(Role.FINANCE).get("/console/analytics?since=2023-04-28&fund=FUND93").text
    assert chart_of(page) == {
        "kind": "line",
        "unit": "元",
        "labels": ["04-28", "04-29"],
        "series": [
            {"name": "剩余", "values": [929_990, 929_900]},
            {"name": "按计划应剩", "values": [633_076.93, 630_329.68]},
            {"name": "预警线（10%）", "values": [93_000, 93_000]},
        ],
    }
    for shown in ("929,990.00", "633,076.93", "90.00"):
        assert shown in page, shown
    rows = rows_of(console, "?since=2023-04-28&fund=FUND93&format=xlsx")
    assert rows[1:] == [
        ["2023-04-28", 10, 929_990, 633_076.93, 296_913.07],
        ["2023-04-29", 90, 929_900, 630_329.68, 299_570.32],
    ]


def test_every_list_is_a_file_of_the_days_that_were_asked_for(console: Console, sold: None) -> None:
    friday = "?since=2023-04-28&through=2023-04-28&format=xlsx"
    assert rows_of(console, f"/funnel{friday}")[1][:5] == ["领券", "五一乐购券", 4_900, 1, 1]
    assert rows_of(console, f"/pull{friday}")[1:] == [
        ["五一乐购券", "超市", 1, 320, 10, 32],
    ]
    assert rows_of(console, f"/merchants{friday}")[1][:6] == ["家乐购", "超市", 1, 320, 10, 100]
    hours = rows_of(console, f"/hours{friday}")
    assert hours[11] == ["10 时", 0, 0, 0, 0, 1, 0, 0, 1]
    both = rows_of(console, "/merchants?format=xlsx")
    assert [(row[0], row[5]) for row in both[1:]] == [("鑫博", 90), ("家乐购", 10)]


def test_pictures_of_the_other_lists_sum_what_their_tables_say(
    console: Console, sold: None
) -> None:
    finance = console.desk(Role.FINANCE)
    funnel = chart_of(finance.get("/console/analytics/funnel").text)
    assert funnel["labels"] == ["领券"]
    assert funnel["series"] == [
        {"name": "投放", "values": [4_900]},
        {"name": "领取", "values": [2]},
        {"name": "核销", "values": [2]},
        {"name": "已结算", "values": [0]},
    ]
    heat = chart_of(finance.get("/console/analytics/hours").text)
    assert heat["kind"] == "heat"
    assert sum(sum(row["values"]) for row in heat["series"]) == 2  # type: ignore[attr-defined]  # JSON
    pull = finance.get("/console/analytics/pull").text
    assert "6.40" in pull  # 640 yuan sold for 100


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("since=2023-04-28&through=2023-04-27", 400),
        ("since=2022-04-28&through=2023-04-28", 200),
        ("since=2022-04-27&through=2023-04-28", 400),
        ("since=gestern", 400),
    ],
)
def test_days_stand_in_their_order_and_are_at_most_a_leap_years(
    console: Console, city: City, query: str, status: int
) -> None:
    for path in ALL:
        answer = console.desk(Role.AUDITOR).get(f"/console/analytics{path}?{query}")
        assert answer.status_code == status, path


def test_tourism_reads_it_and_takes_it_away(console: Console, sold: None) -> None:
    tourism = console.desk(Role.TOURISM)
    page = tourism.get("/console/analytics/merchants").text
    assert "家乐购" in page
    assert "导出 Excel" in page
    assert tourism.get("/console/analytics/merchants?format=xlsx").status_code == 200
