"""Keys, types and the writing of dates and hours, each told in words a clerk can act on."""

import pytest

from backend.services.programme_files import parse_programme
from tests.unit.services.sample_programme import SAMPLE, Edit, changed, faults_of, line_with

INTEGER = "应为整数：只写数字，不带小数、引号、逗号或单位"
TEXT = "应为文字；如果内容是数字，请加引号"
DAY = "应写成 2023-01-31 这样的日期"
MINUTE = "应写成 2023-01-31T10:00 这样的日期和时刻"
HOURS = '应写成 "16:00-24:00" 这样的时段'
STATUSES = (
    "只能是 awaiting_superior_bank、vetoed_by_tax、passed、published、suspended、disqualified"
)
FUEL_STARTS = "starts: 2023-05-01, ends: 2023-06-29"
MAY_OPENS = "2023-04-28T10:00"
NIGHT_HOURS = '"16:00-24:00"'


@pytest.mark.parametrize(
    ("edit", "marker", "where", "reason"),
    [
        (("amount: 930000", "amount: 930000.5"), "930000.5", "funds[0].amount", INTEGER),
        (("amount: 930000", 'amount: "930000"'), '"930000"', "funds[0].amount", INTEGER),
        (("amount: 930000", "amount: yes"), "amount: yes", "funds[0].amount", INTEGER),
        (("amount: 930000", "amount: 930,000"), "930,000", "funds[0].amount", INTEGER),
        (("amount: 930000", "amount: [930000]"), "[930000]", "funds[0].amount", INTEGER),
        (("name: 新天地", "name: 12"), "name: 12", "merchants[1].name", TEXT),
        (("name: 新天地", "name: 1.2"), "name: 1.2", "merchants[1].name", TEXT),
        (("name: 新天地", "name: no"), "name: no", "merchants[1].name", TEXT),
        (("carry_over: true", "carry_over: 1"), "carry_over: 1", "campaigns[5].carry_over",
         "只能写 true 或 false"),
        (("carry_over: true", 'carry_over: "true"'), 'carry_over: "true"',
         "campaigns[5].carry_over", "只能写 true 或 false"),
        (("domains: [FUEL]", "domains: FUEL"), "domains: FUEL", "campaigns[5].domains",
         "应为列表，逐条书写或写在 [ ] 里"),
        (("{per_natural_month: 1}", "1"), "GATE-JJK", "campaigns[12].person_limit",
         "应为“名称: 内容”的形式"),
        (("{Q1: 200000}", "200000"), "quarter_floors", "funds[0].quarter_floors",
         "应为“名称: 内容”的形式"),
        (("{Q1: 200000}", "{Q0: 200000}"), "quarter_floors", "funds[0].quarter_floors.Q0",
         "只能是 Q1、Q2、Q3、Q4"),
        (("mode: subsidy", "mode: gift"), "gift", "campaigns[8].mode",
         "只能是 claim、instant、subsidy、entry"),
        (("status: suspended", "status: open"), "status: open", "merchants[14].status",
         STATUSES),
        (("on_full_refund: voucher_stays_used", "on_full_refund: never"), "never",
         "defaults.on_full_refund", "只能是 voucher_stays_used、restore_within_validity"),
        (("{id: TJ0002, name: 新天地,", "{name: 新天地,"), "{name: 新天地", "merchants[1].id",
         "缺少这一项"),
        (("voucher_lock_ttl_s: 300", "lock_s: 300, voucher_lock_ttl_s: 300"), "lock_s",
         "defaults.lock_s", "方案文件里没有这样的项目，请改正名称或删去"),
        (("face: 20, count: 3000}", "face: 20, count: 3000, cap: 1}"), "cap: 1",
         "campaigns[5].tiers[0].cap", "方案文件里没有这样的项目，请改正名称或删去"),
    ],
)  # fmt: skip
def test_a_wrong_type_or_key_is_told_with_its_line(
    edit: Edit, marker: str, where: str, reason: str
) -> None:
    text = changed(edit)
    assert faults_of(text) == [(line_with(text, marker), where, reason)]


@pytest.mark.parametrize(
    "day",
    ["2023-5-01", "20230501", "2023/05/01", "01.05.2023", "2023-05-01T00:00", "5", "1999-05-01",
     "9999-12-31", "2023-05-01 ten", "true", "[2023]"],
)  # fmt: skip
def test_a_day_is_written_in_one_way_only(day: str) -> None:
    text = changed((FUEL_STARTS, f"starts: {day}, ends: 2023-06-29"))
    assert faults_of(text) == [(line_with(text, "ends: 2023-06-29"), "campaigns[5].starts", DAY)]


@pytest.mark.parametrize(
    "minute",
    ["2023-04-28", "2023-04-28 10:00", "2023-04-28T10:00:00", "2023-04-28T24:00", "2023-04-28T1:00",
     "2023-04-28T10:60", "2023-04-28T10:00Z", "2023-04-28T10:00+08:00", "10"],
)  # fmt: skip
def test_an_opening_is_written_in_one_way_only(minute: str) -> None:
    text = changed((MAY_OPENS, minute))
    assert faults_of(text) == [
        (line_with(text, "ends: 2023-05-10"), "campaigns[3].claim_opens", MINUTE)
    ]


def test_a_day_that_no_calendar_has_is_told_as_such() -> None:
    no_leap_year = changed(("ends: 2023-03-15", "ends: 2023-02-29"))
    assert [(where, reason) for _, where, reason in faults_of(no_leap_year)] == [
        ("campaigns[1].ends", "没有 2023-02-29 这一天")
    ]
    parse_programme(changed(("ends: 2023-03-15", "ends: 2023-02-28")))


@pytest.mark.parametrize("hours", ['"16-24"', '"16:00"', '"16:00–24:00"', '"6:00-24:00"', "16"])
def test_hours_are_written_in_one_way_only(hours: str) -> None:
    text = changed((NIGHT_HOURS, hours))
    assert faults_of(text) == [(line_with(text, "夜市啤酒节券"), "campaigns[6].hours", HOURS)]


def test_an_optional_part_may_be_left_out_and_a_written_one_is_kept() -> None:
    programme = parse_programme(SAMPLE)
    assert [fund.lead_office for fund in programme.funds] == [None, "市文体广电和旅游局"]
    assert programme.merchants[0].area is None
    assert programme.partners.superior_bank == "示例银行佳木斯分行"
    assert programme.defaults.voucher_lock_ttl_s == 300
    assert [tier.position for tier in programme.campaigns[0].tiers] == [1, 2, 3]
