"""The rules of a programme file on its parts, their names, times and modes: broken, and just kept.

The broken and the legal value stand side by side.
"""

from tests.unit.services.sample_programme import rule

CEILINGS = "quarter_ceilings: {Q1: 220000, Q2: 250000, Q3: 240000, Q4: 220000}"
MAY = "claim_opens: 2023-04-28T10:00, ends: 2023-05-10"
FUEL_DAYS = "starts: 2023-05-01, ends: 2023-06-29"
GATE_FUND = "街津口赫哲民族文化村免首道门票补贴, amount: 175000"
GATE_JJK = "- {id: GATE-JJK, fund: GATE,"
BORDER = "domains: [TOUR, FOOD, MALL]"
HARVEST = "name: 国庆丰收节券"

REFERENCES = [
    rule(
        "a campaign's fund exists",
        [(GATE_JJK, "- {id: GATE-JJK, fund: GATES,")],
        [("fund: GATES", "campaigns[12].fund", "本文件的 funds 里没有“GATES”")],
        [(GATE_JJK, "- {id: GATE-JJK, fund: GATES,"), ("{id: GATE, name", "{id: GATES, name")],
    ),
    rule(
        "a quarter is one of four",
        [("{id: Q4-1111, quarter: Q4", "{id: Q4-1111, quarter: Q5")],
        [("quarter: Q5", "campaigns[10].quarter", "只能是 Q1、Q2、Q3、Q4")],
        [],
    ),
    rule(
        "a campaign's quarter is one of its fund's",
        [(GATE_JJK, "- {id: GATE-JJK, quarter: Q1, fund: GATE,")],
        [("GATE-JJK", "campaigns[12].quarter", "没有安排 Q1 的额度")],
        [
            (GATE_JJK, "- {id: GATE-JJK, quarter: Q1, fund: GATE,"),
            (GATE_FUND, GATE_FUND + ", quarter_ceilings: {Q1: 175000}"),
        ],
    ),
    rule(
        "a campaign of a fund with quarters names one",
        [("{id: Q4-ICE, quarter: Q4, ", "{id: Q4-ICE, ")],
        [("id: Q4-ICE", "campaigns[11].quarter", "须写明季度 quarter")],
        [],
    ),
    rule(
        "a campaign's domains exist",
        [(BORDER, "domains: [TOUR, FOOD, MAIL]")],
        [("MAIL", "campaigns[7].domains[2]", "本文件的 domains 里没有“MAIL”")],
        [(BORDER, "domains: [TOUR, FOOD, DEPT]")],
    ),
    rule(
        "a campaign names a domain once",
        [(BORDER, "domains: [TOUR, FOOD, TOUR]")],
        [("FOOD, TOUR]", "campaigns[7].domains[2]", "重复")],
        [(BORDER, "domains: [TOUR, FOOD]")],
    ),
    rule(
        "a campaign has a domain",
        [(BORDER, "domains: []")],
        [("domains: []", "campaigns[7].domains", "至少要有一个适用领域")],
        [(BORDER, "domains: [TOUR]")],
    ),
    rule(
        "a merchant's domain exists",
        [("domain: ICE", "domain: SNOW")],
        [("SNOW", "merchants[10].domain", "本文件的 domains 里没有“SNOW”")],
        [("domain: ICE", "domain: TOUR")],
    ),
    rule(
        "a campaign's merchant exists",
        [("merchant: TJ0005", "merchant: TJ0099")],
        [("TJ0099", "campaigns[12].merchant", "本文件的 merchants 里没有“TJ0099”")],
        [("merchant: TJ0005", "merchant: TJ0011")],
    ),
]

IDENTITY = [
    rule(
        "campaign ids are unique",
        [("id: Q4-HARV", "id: Q4-1111")],
        [("双十一家电通讯券", "campaigns[10].id", "已被前面的条目使用")],
        [("id: Q4-HARV", "id: Q4-1112")],
    ),
    rule(
        "merchant ids are unique",
        [("id: TJ0002", "id: TJ0001")],
        [("新天地, domain", "merchants[1].id", "已被前面的条目使用")],
        [("id: TJ0002", "id: TJ0017")],
    ),
    rule(
        "fund ids are unique",
        [
            ("total: 1105000", "total: 2035000"),
            (
                "funds:\n",
                f"funds:\n  - {{id: FUND93, name: 另一笔, amount: 930000, {CEILINGS}}}\n",
            ),
        ],
        [("- id: FUND93", "funds[1].id", "已被前面的条目使用")],
        [
            ("total: 1105000", "total: 2035000"),
            ("funds:\n", "funds:\n  - {id: FUND94, name: 另一笔, amount: 930000}\n"),
        ],
    ),
    rule(
        "domain ids are unique",
        [("domains:\n", "domains:\n  - {id: MALL, name: 商城}\n")],
        [("购物中心}", "domains[1].id", "已被前面的条目使用")],
        [("domains:\n", "domains:\n  - {id: MALLS, name: 商城}\n")],
    ),
    rule(
        "a campaign id is of capitals, digits and hyphens",
        [("id: Q4-HARV", "id: Q4_HARV")],
        [("Q4_HARV", "campaigns[9].id", "应为 1 至 32 位大写字母、数字或短横线")],
        [("id: Q4-HARV", "id: Q4--HARV")],
    ),
    rule(
        "a campaign id has 32 characters at most",
        [("id: Q4-HARV", "id: " + "Q" * 33)],
        [("Q" * 33, "campaigns[9].id", "应为 1 至 32 位")],
        [("id: Q4-HARV", "id: " + "Q" * 32)],
    ),
    rule(
        "a merchant id has four digits at least",
        [("id: TJ0002", "id: TJ002")],
        [("TJ002,", "merchants[1].id", "2 位大写字母加 4 至 8 位数字")],
        [("id: TJ0002", "id: AB9002")],
    ),
    rule(
        "a merchant id has eight digits at most",
        [("id: TJ0002", "id: TJ123456789")],
        [("TJ123456789", "merchants[1].id", "2 位大写字母加 4 至 8 位数字")],
        [("id: TJ0002", "id: TJ12345678")],
    ),
    rule(
        "a name is not empty",
        [(HARVEST, 'name: ""')],
        [('name: ""', "campaigns[9].name", "不能为空")],
        [(HARVEST, "name: 券")],
    ),
    rule(
        "a name has 64 characters at most",
        [(HARVEST, "name: " + "丰" * 65)],
        [("丰" * 65, "campaigns[9].name", "不能超过 64 个字，现为 65 个字")],
        [(HARVEST, "name: " + "丰" * 64)],
    ),
    rule(
        "a name holds no control character",
        [(HARVEST, r'name: "国庆\u202e丰收节券"')],
        [("202e", "campaigns[9].name", "看不见的控制字符")],
        [(HARVEST, r'name: "国庆\u00b7丰收节券"')],
    ),
    rule(
        "no two campaigns have names that look the same",
        [("name: 双十一家电通讯券", "name: 国庆 丰收节券")],
        [("国庆 丰收节券", "campaigns[10].name", "名称与 Q4-HARV 的相同")],
        [("name: 双十一家电通讯券", "name: 国庆丰收节二券")],
    ),
    rule(
        "no two merchants have names that look the same",
        [("name: 新天地", "name: 鑫 博")],
        [("鑫 博", "merchants[1].name", "名称与 TJ0001 的相同")],
        [("name: 新天地", "name: 鑫博二店")],
    ),
]

TIMES = [
    rule(
        "a campaign opens before it ends",
        [(MAY, MAY.replace("05-10", "04-27"))],
        [("2023-04-27", "campaigns[3].ends", "结束日期不能早于开始日期")],
        [(MAY, MAY.replace("05-10", "04-28"))],
    ),
    rule(
        "a campaign opens no earlier than its quarter",
        [(MAY, MAY.replace("04-28T10:00", "03-31T23:59"))],
        [("03-31T23:59", "campaigns[3].claim_opens", "开始时间在 Q1，与所写季度 Q2 不一致")],
        [(MAY, MAY.replace("04-28T10:00", "04-01T00:00"))],
    ),
    rule(
        "a campaign opens in its quarter, though it may end later",
        [(FUEL_DAYS, "starts: 2023-07-01, ends: 2023-07-29")],
        [("ends: 2023-07-29", "campaigns[5].starts", "开始时间在 Q3，与所写季度 Q2 不一致")],
        [(FUEL_DAYS, "starts: 2023-06-30, ends: 2023-07-29")],
    ),
    rule(
        "the hours of a campaign end at 24:00",
        [('"16:00-24:00"', '"16:00-24:01"')],
        [("24:01", "campaigns[6].hours", "最晚到 24:00")],
        [('"16:00-24:00"', '"23:59-24:00"')],
    ),
    rule(
        "the hours of a campaign do not cross midnight",
        [('"16:00-24:00"', '"20:00-20:00"')],
        [("20:00-20:00", "campaigns[6].hours", "不能跨零点")],
        [('"16:00-24:00"', '"20:00-20:01"')],
    ),
    rule(
        "the time zone is China's",
        [("timezone: Asia/Shanghai", "timezone: Asia/Tokyo")],
        [("Asia/Tokyo", "programme.timezone", "时区只能是 Asia/Shanghai")],
        [],
    ),
]

MODES = [
    rule(
        "a claimed voucher has a validity",
        [(MAY + ", validity: {days: 7, claim_day_counts: true}", MAY)],
        [("id: Q2-MAY", "campaigns[3].validity", "须写明券的有效期")],
        [
            (
                MAY + ", validity: {days: 7, claim_day_counts: true}",
                MAY + ", validity: {days: 1, claim_day_counts: true}",
            )
        ],
    ),
    rule(
        "a validity has a day",
        [("{days: 2,", "{days: 0,")],
        [("{days: 0,", "campaigns[6].validity.days", "应在 1 至 366 天之间，现为 0")],
        [("{days: 2,", "{days: 1,")],
    ),
    rule(
        "a validity has a year at most",
        [("{days: 2,", "{days: 367,")],
        [("{days: 367,", "campaigns[6].validity.days", "应在 1 至 366 天之间，现为 367")],
        [("{days: 2,", "{days: 366,")],
    ),
    rule(
        "what is not claimed has no validity",
        [(FUEL_DAYS, FUEL_DAYS + ", validity: {days: 7, claim_day_counts: true}")],
        [(FUEL_DAYS, "campaigns[5].validity", "只有领券活动的券才有有效期")],
        [],
    ),
    rule(
        "a claim opens at an hour",
        [(MAY, "starts: 2023-04-28, ends: 2023-05-10")],
        [
            ("id: Q2-MAY", "campaigns[3].claim_opens", "须写明开始领券的时刻 claim_opens"),
            ("starts: 2023-04-28", "campaigns[3].starts", "开始请写 claim_opens"),
        ],
        [],
    ),
    rule(
        "what is not claimed starts with a day",
        [(FUEL_DAYS, "claim_opens: 2023-05-01T00:00, ends: 2023-06-29")],
        [
            ("id: Q2-FUEL", "campaigns[5].starts", "须写明开始日期 starts"),
            ("05-01T00:00", "campaigns[5].claim_opens", "开始请写 starts"),
        ],
        [],
    ),
    rule(
        "an entry waiver names its merchant",
        [(" merchant: TJ0005,", "")],
        [("id: GATE-JJK", "campaigns[12].merchant", "须写明景区商户 merchant")],
        [(" merchant: TJ0005,", " merchant: TJ0011,")],
    ),
    rule(
        "cars are subsidised and nothing else",
        [("domains: [FUEL]", "domains: [FUEL, CAR]")],
        [("[FUEL, CAR]", "campaigns[5].domains[1]", "汽车领域只能办专项补贴")],
        [("domains: [FUEL]", "domains: [FUEL, APPL]")],
    ),
    rule(
        "a subsidy asks for evidence",
        [(" evidence: [invoice_number, vin, photo],", "")],
        [("id: Q3-CAR", "campaigns[8].evidence", "须写明申请人要交的材料")],
        [(" evidence: [invoice_number, vin, photo],", " evidence: [vin],")],
    ),
    rule(
        "only a subsidy asks for evidence",
        [(FUEL_DAYS, FUEL_DAYS + ", evidence: [photo]")],
        [(FUEL_DAYS, "campaigns[5].evidence", "只有专项补贴才审核材料")],
        [],
    ),
    rule(
        "only a daily release carries over",
        [("daily_release: 50, ", "")],
        [("carry_over: true", "campaigns[5].carry_over", "没有写每日投放量")],
        [("daily_release: 50, carry_over: true, ", "")],
    ),
]

PART_RULES = [*REFERENCES, *IDENTITY, *TIMES, *MODES]
