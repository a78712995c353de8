"""A programme file is read whole or refused with every fault and its line."""

import random
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backend.clock import CHINA
from backend.services.programme_files import (
    ProgrammeFileRefused,
    canonical_digest,
    parse_programme,
)
from tests.unit.services.sample_programme import SAMPLE, Edit, changed, faults_of, line_with

# One step of Q1-CARD up or down in count, and the amount that goes with it: 100 yuan.
Q1_CARD_COUNT = "face: 100, count: 280}, {threshold: 1000, face: 200, count: 100}], amount: 68000"
Q1_NY_TIERS = "{threshold: 50, face: 10, count: 2000}, {threshold: 100, face: 30, count: 1800}"
Q2_MAY_TIERS = "{threshold: 50, face: 10, count: 2500}, {threshold: 100, face: 30, count: 2000}"
GATE_TIERS = "tiers: [{threshold: 0, face: 35, count: 5000}], amount: 175000"
GATE_FUND = "name: 街津口赫哲民族文化村免首道门票补贴, amount: 175000"
QUARTERS = "{Q1: 220000, Q2: 250000, Q3: 240000, Q4: 220000}"
FUEL_TIERS = "tiers: [{threshold: 200, face: 20, count: 3000}], amount: 60000"
MAY_DATES = "claim_opens: 2023-04-28T10:00, ends: 2023-05-10"


def test_the_sample_parses_and_its_sums_are_exact() -> None:
    programme = parse_programme(SAMPLE)
    spent_fen = {fund.id: 0 for fund in programme.funds}
    quarters_fen = dict.fromkeys(("Q1", "Q2", "Q3", "Q4", None), 0)
    for campaign in programme.campaigns:
        tiers_fen = sum(tier.face_value_fen * tier.count for tier in campaign.tiers)
        assert campaign.amount_fen == tiers_fen
        spent_fen[campaign.fund_id] += campaign.amount_fen
        quarters_fen[campaign.quarter] += campaign.amount_fen
    assert spent_fen == {"FUND93": 93_000_000, "GATE": 17_500_000}
    assert programme.total_fen == 110_500_000
    assert list(quarters_fen.values()) == [22_000_000, 25_000_000, 24_000_000, 22_000_000, 17_500_000]
    [fund, gate] = programme.funds
    assert [(q.name, q.ceiling_fen, q.floor_fen) for q in fund.quarters] == [
        ("Q1", 22_000_000, 20_000_000),
        ("Q2", 25_000_000, 0),
        ("Q3", 24_000_000, 0),
        ("Q4", 22_000_000, 0),
    ]
    assert gate.quarters == ()


def test_a_campaign_runs_from_its_opening_to_24_00_of_its_last_day() -> None:
    by_id = {campaign.id: campaign for campaign in parse_programme(SAMPLE).campaigns}
    may, fuel = by_id["Q2-MAY"], by_id["Q2-FUEL"]
    assert may.opens_at == datetime(2023, 4, 28, 10, tzinfo=CHINA)
    assert may.ends_at == datetime(2023, 5, 11, tzinfo=CHINA)
    assert fuel.opens_at == datetime(2023, 5, 1, tzinfo=CHINA)
    assert {at.utcoffset() for at in (may.opens_at, fuel.ends_at)} == {
        datetime(2023, 1, 1, tzinfo=CHINA).utcoffset()
    }


def test_what_a_campaign_says_of_its_own_goes_before_the_defaults() -> None:
    by_id = {campaign.id: campaign for campaign in parse_programme(SAMPLE).campaigns}
    assert by_id["Q3-NIGHT"].hours == (960, 1440)
    assert by_id["Q3-NIGHT"].area == "东北亚广场"
    assert (by_id["Q2-FUEL"].per_person, by_id["Q2-FUEL"].daily_release) == (3, 50)
    assert by_id["Q2-FUEL"].carry_over
    assert by_id["Q2-APPL"].one_tier_per_day
    assert (by_id["Q2-APPL"].validity_days, by_id["Q2-APPL"].claim_day_counts) == (10, False)
    assert by_id["GATE-JJK"].person_per_natural_month == 1
    assert by_id["GATE-JJK"].merchant_id == "TJ0005"
    assert by_id["Q3-CAR"].evidence == ("invoice_number", "vin", "photo")
    assert by_id["Q1-NY"].on_full_refund == "voucher_stays_used"
    own = parse_programme(
        changed(
            ("mode: instant, domains: [FUEL],", "mode: instant, domains: [FUEL],"
             " on_full_refund: restore_within_validity, per_person_per_merchant_per_day: 1,")
        )
    )  # fmt: skip
    fuel = next(campaign for campaign in own.campaigns if campaign.id == "Q2-FUEL")
    assert fuel.on_full_refund == "restore_within_validity"
    assert (fuel.per_person_per_merchant_per_day, fuel.per_person_per_tier) == (1, 1)


def test_two_restaurants_stand_where_the_night_market_vouchers_are_spent() -> None:
    programme = parse_programme(SAMPLE)
    at_the_square = [m for m in programme.merchants if m.area == "东北亚广场"]
    assert [(m.domain_id, m.status) for m in at_the_square] == [("FOOD", "published")] * 2


# rule: (edits that break it, marker of the line, where, part of the reason), (edits that keep it)
Broken = tuple[list[Edit], str, str, str]
RULES: dict[str, tuple[Broken, list[Edit]]] = {
    "tiers add up to the amount": (
        ([("amount: 68000", "amount: 67999")], "amount: 67999",
         "campaigns[2].amount", "各档面额×份数合计 68000.00 元，与活动金额 67999.00 元不相等"),
        [(Q1_CARD_COUNT, Q1_CARD_COUNT.replace("280", "279").replace("68000", "67900"))],
    ),
    "a quarter's campaigns stay within its ceiling": (
        ([(QUARTERS, QUARTERS.replace("220000, Q2: 250000", "219999, Q2: 250001"))],
         "quarter_ceilings", "funds[0].quarter_ceilings.Q1", "合计 220000.00 元，超过上限 219999.00"),
        [(QUARTERS, QUARTERS.replace("220000, Q2: 250000", "219900, Q2: 250100")),
         (Q1_CARD_COUNT, Q1_CARD_COUNT.replace("280", "279").replace("68000", "67900"))],
    ),
    "ceilings stay within the fund": (
        ([(QUARTERS, QUARTERS.replace("Q4: 220000", "Q4: 220001"))], "quarter_ceilings",
         "funds[0].quarter_ceilings", "各季度上限合计 930001.00 元，超过资金总额 930000.00 元"),
        [(QUARTERS, QUARTERS.replace("Q4: 220000", "Q4: 220001")),
         ("amount: 930000", "amount: 930001"), ("total: 1105000", "total: 1105001")],
    ),
    "a floor stays below its ceiling": (
        ([("{Q1: 200000}", "{Q1: 220001}")], "quarter_floors", "funds[0].quarter_floors.Q1",
         "下限 220001.00 元高于上限 220000.00 元"),
        [("{Q1: 200000}", "{Q1: 220000}")],
    ),
    "a floor has its ceiling": (
        ([("{Q1: 200000}", "{Q1: 200000, Q2: 1}"), (", Q2: 250000", "")], "quarter_floors",
         "funds[0].quarter_floors", "quarter_ceilings 里写上限"),
        [("{Q1: 200000}", "{Q1: 200000, Q2: 1}")],
    ),
    "a fund's campaigns stay within it": (
        ([(GATE_TIERS, GATE_TIERS.replace("5000", "5001", 1).replace("175000", "175035"))],
         "name: 街津口赫哲民族文化村免首道门票补贴", "funds[1].amount",
         "所列活动合计 175035.00 元，超过资金总额 175000.00 元"),
        [(GATE_TIERS, GATE_TIERS.replace("5000", "4999", 1).replace("175000", "174965"))],
    ),
    "funds add up to the total": (
        ([("total: 1105000", "total: 1105001")], "total: 1105001", "programme.total",
         "各项资金合计 1105000.00 元，与方案总额 1105001.00 元不相等"),
        [("total: 1105000", "total: 1105001"), (GATE_FUND, GATE_FUND.replace("175", "175001")[:-3])],
    ),
    "the fund exists": (
        ([("- {id: GATE-JJK, fund: GATE,", "- {id: GATE-JJK, fund: GATES,")], "fund: GATES",
         "campaigns[12].fund", "没有“GATES”"),
        [("- {id: GATE-JJK, fund: GATE,", "- {id: GATE-JJK, fund: GATES,"),
         ("- {id: GATE, name", "- {id: GATES, name")],
    ),
    "the quarter is one of the fund's": (
        ([("{id: Q4-1111, quarter: Q4", "{id: Q4-1111, quarter: Q5")], "quarter: Q5",
         "campaigns[10].quarter", "只能是 Q1、Q2、Q3、Q4"),
        [("{id: Q4-1111, quarter: Q4", "{id: Q4-1111, quarter: 'Q4'")],
    ),
    "a fund without quarters has none to name": (
        ([("- {id: GATE-JJK, fund: GATE,", "- {id: GATE-JJK, quarter: Q1, fund: GATE,")],
         "id: GATE-JJK", "campaigns[12].quarter", "没有安排 Q1 的额度"),
        [("- {id: GATE-JJK, fund: GATE,", "- {id: GATE-JJK, quarter: Q1, fund: GATE,"),
         (GATE_FUND, GATE_FUND + ", quarter_ceilings: {Q1: 175000}")],
    ),
    "a fund with quarters wants one named": (
        ([("{id: Q4-ICE, quarter: Q4, ", "{id: Q4-ICE, ")], "id: Q4-ICE",
         "campaigns[11].quarter", "须写明季度"),
        [("{id: Q4-ICE, quarter: Q4, ", '{id: Q4-ICE, quarter: "Q4", ')],
    ),
    "a campaign's domains exist": (
        ([("domains: [TOUR, FOOD, MALL]", "domains: [TOUR, FOOD, MAIL]")], "MAIL",
         "campaigns[7].domains[2]", "没有“MAIL”"),
        [("domains: [TOUR, FOOD, MALL]", "domains: [TOUR, FOOD, DEPT]")],
    ),
    "a campaign names a domain once": (
        ([("domains: [TOUR, FOOD, MALL]", "domains: [TOUR, FOOD, TOUR]")], "FOOD, TOUR]",
         "campaigns[7].domains[2]", "重复"),
        [("domains: [TOUR, FOOD, MALL]", "domains: [TOUR, FOOD]")],
    ),
    "a campaign has a domain": (
        ([("domains: [TOUR, FOOD, MALL]", "domains: []")], "domains: []",
         "campaigns[7].domains", "至少要有一个"),
        [("domains: [TOUR, FOOD, MALL]", "domains: [TOUR]")],
    ),
    "a merchant's domain exists": (
        ([("domain: ICE", "domain: SNOW")], "SNOW", "merchants[10].domain", "没有“SNOW”"),
        [("domain: ICE", "domain: TOUR")],
    ),
    "a campaign's merchant exists": (
        ([("merchant: TJ0005", "merchant: TJ0099")], "TJ0099", "campaigns[12].merchant",
         "没有“TJ0099”"),
        [("merchant: TJ0005", "merchant: TJ0011")],
    ),
    "campaign ids are unique": (
        ([("id: Q4-HARV", "id: Q4-1111")], "国庆丰收节券", "", ""),
        [("id: Q4-HARV", "id: Q4-1112")],
    ),
    "a campaign id has its form": (
        ([("id: Q4-HARV", "id: Q4_HARV")], "Q4_HARV", "campaigns[9].id", "大写字母、数字或短横线"),
        [("id: Q4-HARV", "id: " + "Q" * 32)],
    ),
    "a campaign id has at most 32 characters": (
        ([("id: Q4-HARV", "id: " + "Q" * 33)], "Q" * 33, "campaigns[9].id", "1 至 32 位"),
        [("id: Q4-HARV", "id: H")],
    ),
    "merchant ids are unique": (
        ([("id: TJ0002", "id: TJ0001")], "新天地", "merchants[1].id", "已被前面的条目使用"),
        [("id: TJ0002", "id: TJ0017")],
    ),
    "a merchant id has four digits": (
        ([("id: TJ0002", "id: TJ002")], "TJ002,", "merchants[1].id", "4 至 8 位数字"),
        [("id: TJ0002", "id: AB1234")],
    ),
    "a merchant id has eight digits at most": (
        ([("id: TJ0002", "id: TJ123456789")], "TJ123456789", "merchants[1].id", "4 至 8 位数字"),
        [("id: TJ0002", "id: TJ12345678")],
    ),
    "fund ids are unique": (
        ([("{id: GATE, ", "{id: FUND93, "), ("fund: GATE,", "fund: FUND93, quarter: Q1,")],
         "{id: FUND93", "funds[1].id", "已被前面的条目使用"),
        [("{id: GATE, ", "{id: FUND94, "), ("fund: GATE,", "fund: FUND94,")],
    ),
    "domain ids are unique": (
        ([("{id: MALL,  ", "{id: DEPT,  "), ], "购物中心}", "", ""),
        [("{id: CAR,   name: 汽车}", "{id: CARS,   name: 汽车}"),
         ("domains: [CAR]", "domains: [CARS]"), ("domain: CAR,", "domain: CARS,")],
    ),
    "a name is not empty": (
        ([("name: 国庆丰收节券", 'name: " "')], 'name: " "', "campaigns[9].name", "不能为空"),
        [("name: 国庆丰收节券", "name: 券")],
    ),
    "a name has 64 characters at most": (
        ([("name: 国庆丰收节券", "name: " + "丰" * 65)], "丰" * 65, "campaigns[9].name",
         "不能超过 64 个字，现为 65 个字"),
        [("name: 国庆丰收节券", "name: " + "丰" * 64)],
    ),
    "a name holds no control character": (
        ([("name: 国庆丰收节券", r'name: "国庆\u202e丰收节券"')], "国庆\\", "campaigns[9].name",
         "控制字符"),
        [("name: 国庆丰收节券", r'name: "国庆\u00b7丰收节券"')],
    ),
    "campaign names are not confused": (
        ([("name: 双十一家电通讯券", "name: 国庆 丰收节券")], "国庆 丰收节券", "campaigns[10].name",
         "名称与 Q4-HARV 的相同"),
        [("name: 双十一家电通讯券", "name: 国庆丰收节二券")],
    ),
    "merchant names are not confused": (
        ([("name: 新天地", "name: ' 鑫博 '")], "' 鑫博 '", "", ""),
        [("name: 新天地", "name: 鑫博二店")],
    ),
    "a campaign opens before it ends": (
        ([(MAY_DATES, MAY_DATES.replace("05-10", "04-27"))], "2023-04-27", "campaigns[3].ends",
         "结束日期不能早于开始日期"),
        [(MAY_DATES, MAY_DATES.replace("05-10", "04-28"))],
    ),
    "a campaign opens in its quarter": (
        ([(MAY_DATES, MAY_DATES.replace("04-28T10:00", "03-31T23:59"))], "03-31T23:59",
         "campaigns[3].claim_opens", "开始时间在 Q1，与所写季度 Q2 不一致"),
        [(MAY_DATES, MAY_DATES.replace("04-28T10:00", "04-01T00:00"))],
    ),
    "a campaign may end in another quarter": (
        ([("starts: 2023-05-01", "starts: 2023-07-01"), ("ends: 2023-06-29", "ends: 2023-07-29")],
         "starts: 2023-07-01, ends: 2023-07-29", "campaigns[5].starts", "开始时间在 Q3"),
        [("ends: 2023-06-29", "ends: 2023-07-29")],
    ),
    "a claim has a validity": (
        ([(MAY_DATES + ", validity: {days: 7, claim_day_counts: true}", MAY_DATES)],
         "id: Q2-MAY", "campaigns[3].validity", "须写明券的有效期"),
        [(MAY_DATES + ", validity: {days: 7, claim_day_counts: true}",
          MAY_DATES + ", validity: {days: 1, claim_day_counts: true}")],
    ),
    "a validity has a day": (
        ([("{days: 2,", "{days: 0,")], "{days: 0,", "campaigns[6].validity.days", "1 至 366 天"),
        [("{days: 2,", "{days: 366,")],
    ),
    "an entry has a merchant": (
        ([(" merchant: TJ0005,", "")], "id: GATE-JJK", "campaigns[12].merchant", "须写明景区商户"),
        [(" merchant: TJ0005,", " merchant: TJ0011,")],
    ),
    "cars are subsidised, by no voucher": (
        ([("mode: instant, domains: [FUEL]", "mode: instant, domains: [FUEL, CAR]")],
         "[FUEL, CAR]", "campaigns[5].domains[1]", "汽车领域只能办专项补贴"),
        [("mode: instant, domains: [FUEL]", "mode: instant, domains: [FUEL, APPL]")],
    ),
    "a subsidy wants evidence": (
        ([(" evidence: [invoice_number, vin, photo],", "")], "id: Q3-CAR",
         "campaigns[8].evidence", "须写明申请人要交的材料"),
        [(" evidence: [invoice_number, vin, photo],", " evidence: [vin],")],
    ),
    "a face lies below its threshold": (
        ([("{threshold: 200, face: 20, count: 3000}", "{threshold: 20, face: 20, count: 3000}")],
         "threshold: 20,", "campaigns[5].tiers[0].face", "须低于使用门槛 20.00 元"),
        [("{threshold: 200, face: 20, count: 3000}", "{threshold: 21, face: 20, count: 3000}")],
    ),
    "only an entry has the threshold 0": (
        ([("{threshold: 200, face: 20, count: 3000}", "{threshold: 0, face: 20, count: 3000}")],
         "threshold: 0, face: 20", "campaigns[5].tiers[0].threshold", "金额须大于 0"),
        [(GATE_TIERS, GATE_TIERS.replace("threshold: 0", "threshold: 36"))],
    ),
    "thresholds ascend": (
        ([(Q2_MAY_TIERS, Q2_MAY_TIERS.replace("threshold: 100", "threshold: 50"))],
         "threshold: 50, face: 30", "campaigns[3].tiers[1].threshold", "须高于上一档"),
        [(Q2_MAY_TIERS, Q2_MAY_TIERS.replace("threshold: 100", "threshold: 51"))],
    ),
    "faces ascend": (
        ([(Q1_NY_TIERS, Q1_NY_TIERS.replace("face: 10", "face: 30")),
          ("amount: 116000", "amount: 156000"), ("amount: 36000", "amount: 1")],
         "threshold: 50, face: 30", "", ""),
        [(Q2_MAY_TIERS, Q2_MAY_TIERS.replace("face: 10, count: 2500", "face: 25, count: 1000"))],
    ),
    "a tier has a count": (
        ([(FUEL_TIERS, FUEL_TIERS.replace("3000", "0").replace("60000", "1"))], "count: 0",
         "campaigns[5].tiers[0].count", "1 至 9999999 份"),
        [(FUEL_TIERS, FUEL_TIERS.replace("3000", "1").replace("60000", "20"))],
    ),
    "an amount is more than nothing": (
        ([("{Q1: 200000}", "{Q1: -1}")], "quarter_floors", "funds[0].quarter_floors.Q1",
         "金额须大于 0"),
        [("{Q1: 200000}", "{Q1: 0}")],
    ),
    "a limit lets one through": (
        ([("per_person: 3", "per_person: 0")], "per_person: 0", "campaigns[5].per_person",
         "应在 1 至 9999999 份之间，现为 0"),
        [("per_person: 3", "per_person: 1")],
    ),
    "a month lets one through": (
        ([("{per_natural_month: 1}", "{per_natural_month: 0}")], "per_natural_month: 0",
         "campaigns[12].person_limit.per_natural_month", "现为 0"),
        [("{per_natural_month: 1}", "{per_natural_month: 2}")],
    ),
    "a default lets one through": (
        ([("per_person_per_tier: 1", "per_person_per_tier: 0")], "per_person_per_tier: 0",
         "", ""),
        [("per_person_per_tier: 1", "per_person_per_tier: 2")],
    ),
    "a payment takes one subsidy": (
        ([("subsidies_per_payment: 1", "subsidies_per_payment: 2")], "subsidies_per_payment",
         "defaults.subsidies_per_payment", "只能写 1"),
        [("subsidies_per_payment: 1", "subsidies_per_payment:   1")],
    ),
    "what is carried over is released by the day": (
        ([("daily_release: 50, ", "")], "carry_over: true", "campaigns[5].carry_over",
         "没有写每日投放量"),
        [("daily_release: 50, carry_over: true, ", "")],
    ),
    "hours lie within a day": (
        ([('"16:00-24:00"', '"16:00-24:01"')], "24:01", "campaigns[6].hours", "最晚到 24:00"),
        [('"16:00-24:00"', '"23:59-24:00"')],
    ),
    "hours do not cross midnight": (
        ([('"16:00-24:00"', '"20:00-02:00"')], "20:00-02:00", "campaigns[6].hours", "不能跨零点"),
        [('"16:00-24:00"', '"00:00-24:00"')],
    ),
    "the time zone is China's": (
        ([("timezone: Asia/Shanghai", "timezone: Asia/Tokyo")], "Asia/Tokyo",
         "programme.timezone", "时区只能是 Asia/Shanghai"),
        [("timezone: Asia/Shanghai", "timezone: 'Asia/Shanghai'")],
    ),
}  # fmt: skip
