"""A programme small enough to see through: two quarters, one campaign of each mode."""

from datetime import datetime

from backend.domain.china import CHINA
from backend.domain.programmes import (
    Campaign,
    Defaults,
    Domain,
    Fund,
    Merchant,
    Partners,
    Programme,
    Quarter,
    Tier,
)

DEFAULTS = Defaults(
    subsidies_per_payment=1,
    per_person_per_tier=1,
    per_person_per_merchant_per_day=2,
    on_full_refund="voucher_stays_used",
    returned_money_goes_to="campaign",
    payment_code_ttl_s=60,
    voucher_lock_ttl_s=300,
)
CLAIM = Campaign(
    id="SPRING",
    name="春券",
    mode="claim",
    fund_id="FUND",
    quarter="Q1",
    domain_ids=("FOOD",),
    opens_at=datetime(2023, 1, 1, 10, tzinfo=CHINA),
    ends_at=datetime(2023, 2, 1, tzinfo=CHINA),
    validity_days=7,
    claim_day_counts=True,
    tiers=(
        Tier(position=1, threshold_fen=5_000, face_value_fen=1_000, count=4),
        Tier(position=2, threshold_fen=10_000, face_value_fen=3_000, count=2),
    ),
    amount_fen=10_000,
    per_person_per_tier=1,
    per_person_per_merchant_per_day=2,
    on_full_refund="voucher_stays_used",
)
SUBSIDY = Campaign(
    id="CARS",
    name="汽车补贴",
    mode="subsidy",
    fund_id="FUND",
    quarter="Q2",
    domain_ids=("CAR",),
    opens_at=datetime(2023, 4, 1, tzinfo=CHINA),
    ends_at=datetime(2023, 7, 1, tzinfo=CHINA),
    tiers=(Tier(position=1, threshold_fen=5_000_000, face_value_fen=20_000, count=1),),
    amount_fen=20_000,
    per_person_per_tier=1,
    per_person_per_merchant_per_day=2,
    evidence=("vin",),
    on_full_refund="voucher_stays_used",
)
ENTRY = Campaign(
    id="GATE",
    name="免门票",
    mode="entry",
    fund_id="GATE",
    domain_ids=("TOUR",),
    opens_at=datetime(2023, 1, 1, tzinfo=CHINA),
    ends_at=datetime(2024, 1, 1, tzinfo=CHINA),
    tiers=(Tier(position=1, threshold_fen=0, face_value_fen=3_500, count=2),),
    amount_fen=7_000,
    per_person_per_tier=1,
    per_person_per_merchant_per_day=2,
    person_per_natural_month=1,
    merchant_id="TJ0001",
    on_full_refund="voucher_stays_used",
)
PROGRAMME = Programme(
    id="P2023",
    name="方案",
    timezone="Asia/Shanghai",
    total_fen=37_000,
    lead_office="商务和口岸局",
    funds=(
        Fund(
            id="FUND",
            name="专项资金",
            amount_fen=30_000,
            quarters=(
                Quarter(name="Q1", ceiling_fen=10_000, floor_fen=9_000),
                Quarter(name="Q2", ceiling_fen=20_000),
            ),
        ),
        Fund(id="GATE", name="门票补贴", amount_fen=7_000),
    ),
    domains=(
        Domain(id="FOOD", name="餐饮"),
        Domain(id="TOUR", name="旅游"),
        Domain(id="CAR", name="汽车"),
    ),
    campaigns=(CLAIM, SUBSIDY, ENTRY),
    merchants=(
        Merchant(id="TJ0001", name="赫哲村", domain_id="TOUR", status="published"),
        Merchant(id="TJ0002", name="饺子馆", domain_id="FOOD", status="suspended", area="广场"),
    ),
    partners=Partners(bank="银行", superior_bank="上级银行", network="银联"),
    defaults=DEFAULTS,
)
