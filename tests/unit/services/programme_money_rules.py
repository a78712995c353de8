"""The rules of a programme file on sums, tiers and limits: broken, and just kept.

The broken and the legal value stand side by side.
"""

from tests.unit.services.sample_programme import rule

CEILINGS = "{Q1: 220000, Q2: 250000, Q3: 240000, Q4: 220000}"
FLOORS = "{Q1: 200000}"
CARD = "face: 100, count: 280}, {threshold: 1000, face: 200, count: 100}], amount: 68000"
CARD_100_LESS = "face: 100, count: 279}, {threshold: 1000, face: 200, count: 100}], amount: 67900"
MAY_100 = "{threshold: 100, face: 30, count: 2000}, {threshold: 300, face: 90, count: 400}"
FUEL = "tiers: [{threshold: 200, face: 20, count: 3000}], amount: 60000"
GATE = "tiers: [{threshold: 0, face: 35, count: 5000}], amount: 175000"
GATE_FUND = "街津口赫哲民族文化村免首道门票补贴, amount: 175000"

SUMS = [
    rule(
        "the tiers add up to the campaign's amount",
        [("amount: 68000", "amount: 67999")],
        [
            (
                "amount: 67999",
                "campaigns[2].amount",
                "合计 68000.00 元，与活动金额 67999.00 元不相等",
            )
        ],
        [(CARD, CARD_100_LESS)],
    ),
    rule(
        "a quarter's campaigns stay within its ceiling",
        [(CEILINGS, "{Q1: 219999, Q2: 250001, Q3: 240000, Q4: 220000}")],
        [
            (
                "Q1: 219999",
                "funds[0].quarter_ceilings.Q1",
                "合计 220000.00 元，超过上限 219999.00 元",
            )
        ],
        [(CEILINGS, "{Q1: 219900, Q2: 250100, Q3: 240000, Q4: 220000}"), (CARD, CARD_100_LESS)],
    ),
    rule(
        "the ceilings stay within the fund",
        [(CEILINGS, CEILINGS.replace("Q4: 220000", "Q4: 220001"))],
        [
            (
                "Q4: 220001",
                "funds[0].quarter_ceilings",
                "合计 930001.00 元，超过资金总额 930000.00 元",
            )
        ],
        [
            (CEILINGS, CEILINGS.replace("Q4: 220000", "Q4: 220001")),
            ("amount: 930000", "amount: 930001"),
            ("total: 1105000", "total: 1105001"),
        ],
    ),
    rule(
        "a floor does not pass its ceiling",
        [(FLOORS, "{Q1: 220001}")],
        [("Q1: 220001", "funds[0].quarter_floors.Q1", "下限 220001.00 元高于上限 220000.00 元")],
        [(FLOORS, "{Q1: 220000}")],
    ),
    rule(
        "a floor has a ceiling",
        [(CEILINGS, "{Q1: 220000, Q3: 240000, Q4: 220000}"), (FLOORS, "{Q1: 200000, Q2: 1}")],
        [("quarter_floors", "funds[0].quarter_floors", "都须在 quarter_ceilings 里写上限")],
        [(FLOORS, "{Q1: 200000, Q2: 1, Q3: 1, Q4: 1}")],
    ),
    rule(
        "a fund's campaigns stay within it",
        [(GATE, "tiers: [{threshold: 0, face: 35, count: 5001}], amount: 175035")],
        [(GATE_FUND, "funds[1].amount", "合计 175035.00 元，超过资金总额 175000.00 元")],
        [(GATE, "tiers: [{threshold: 0, face: 35, count: 4999}], amount: 174965")],
    ),
    rule(
        "the funds add up to the programme's total",
        [("total: 1105000", "total: 1105001")],
        [("total:", "programme.total", "合计 1105000.00 元，与方案总额 1105001.00 元不相等")],
        [
            ("total: 1105000", "total: 1105001"),
            (GATE_FUND, "街津口赫哲民族文化村免首道门票补贴, amount: 175001"),
        ],
    ),
    rule(
        "an amount is more than nothing",
        [(FLOORS, "{Q1: -1}")],
        [("quarter_floors", "funds[0].quarter_floors.Q1", "金额须大于 0")],
        [(FLOORS, "{Q1: 0}")],
    ),
]

TIERS = [
    rule(
        "a face is below its threshold",
        [(FUEL, FUEL.replace("threshold: 200", "threshold: 20"))],
        [("threshold: 20,", "campaigns[5].tiers[0].face", "面额 20.00 元须低于使用门槛 20.00 元")],
        [(FUEL, FUEL.replace("threshold: 200", "threshold: 21"))],
    ),
    rule(
        "only an entry waiver has the threshold 0",
        [(FUEL, FUEL.replace("threshold: 200", "threshold: 0"))],
        [
            ("threshold: 0, face: 20", "campaigns[5].tiers[0].face", "须低于使用门槛 0.00 元"),
            ("threshold: 0, face: 20", "campaigns[5].tiers[0].threshold", "金额须大于 0"),
        ],
        [],
    ),
    rule(
        "an entry waiver with a threshold is below it",
        [(GATE, GATE.replace("threshold: 0", "threshold: 35"))],
        [("threshold: 35", "campaigns[12].tiers[0].face", "须低于使用门槛 35.00 元")],
        [(GATE, GATE.replace("threshold: 0", "threshold: 36"))],
    ),
    rule(
        "thresholds ascend",
        [(MAY_100, MAY_100.replace("threshold: 100", "threshold: 50"))],
        [("threshold: 50, face: 30", "campaigns[3].tiers[1].threshold", "须高于上一档")],
        [(MAY_100, MAY_100.replace("threshold: 100", "threshold: 51"))],
    ),
    rule(
        "faces ascend",
        [(MAY_100, MAY_100.replace("face: 30, count: 2000", "face: 10, count: 6000"))],
        [("face: 10, count: 6000", "campaigns[3].tiers[1].face", "须高于上一档")],
        [(MAY_100, MAY_100.replace("face: 30, count: 2000", "face: 12, count: 5000"))],
    ),
    rule(
        "a tier has a count",
        [(FUEL, "tiers: [{threshold: 200, face: 20, count: 0}], amount: 20")],
        [
            ("count: 0}", "campaigns[5].amount", "合计 0.00 元"),
            ("count: 0}", "campaigns[5].tiers[0].count", "应在 1 至 9999999 份之间，现为 0"),
        ],
        [(FUEL, "tiers: [{threshold: 200, face: 20, count: 1}], amount: 20")],
    ),
    rule(
        "a campaign has a tier",
        [(FUEL, "tiers: [], amount: 60000")],
        [("tiers: []", "campaigns[5].tiers", "至少要有一个档级")],
        [],
    ),
]

LIMITS = [
    rule(
        "a person takes part at least once",
        [("per_person: 3", "per_person: 0")],
        [("per_person: 0", "campaigns[5].per_person", "应在 1 至 9999999 份之间，现为 0")],
        [("per_person: 3", "per_person: 1")],
    ),
    rule(
        "a person enters at least once a month",
        [("{per_natural_month: 1}", "{per_natural_month: 0}")],
        [("per_natural_month: 0", "campaigns[12].person_limit.per_natural_month", "现为 0")],
        [("{per_natural_month: 1}", "{per_natural_month: 2}")],
    ),
    rule(
        "a faulty default is told of once",
        [("per_person_per_tier: 1", "per_person_per_tier: 0")],
        [("per_person_per_tier", "defaults.per_person_per_tier", "现为 0")],
        [("per_person_per_tier: 1", "per_person_per_tier: 2")],
    ),
    rule(
        "a day releases at least one",
        [("daily_release: 50", "daily_release: 0")],
        [("daily_release: 0", "campaigns[5].daily_release", "现为 0")],
        [("daily_release: 50", "daily_release: 1")],
    ),
    rule(
        "a payment takes one subsidy",
        [("subsidies_per_payment: 1", "subsidies_per_payment: 2")],
        [("subsidies_per_payment", "defaults.subsidies_per_payment", "只能写 1")],
        [],
    ),
    rule(
        "a payment code lives for a second at least",
        [("payment_code_ttl_s: 60", "payment_code_ttl_s: 0")],
        [("payment_code_ttl_s", "defaults.payment_code_ttl_s", "应在 1 至 86400 秒之间")],
        [("payment_code_ttl_s: 60", "payment_code_ttl_s: 1")],
    ),
]

MONEY_RULES = [*SUMS, *TIERS, *LIMITS]
