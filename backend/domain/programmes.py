"""A city's programme (消费券方案): its funds, its campaigns, and who takes part.

Frozen facts, as a programme file states them, already in fen and in China time. What must hold
between them is in `programme_checks.py`; `services/programme_files.py` reads them from a file.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from backend.domain.claim_rules import ClaimArea, ClaimWindow
from backend.domain.payments import ProviderName

TIMEZONE = "Asia/Shanghai"  # the only one: every date of a programme is a day in China
# What a programme that says nothing of them has: the city's service line (政务服务便民热线), and
# the working days within which a complaint is answered.
HOTLINE = "12345"
COMPLAINT_ANSWER_DAYS = 5

QuarterName = Literal["Q1", "Q2", "Q3", "Q4"]
Mode = Literal[
    "claim",  # 领券: a resident claims a voucher, then redeems it
    "instant",  # 刷卡满减: taken off at the till, nothing is claimed
    "subsidy",  # 专项补贴: applied for with evidence, reviewed, paid out
    "entry",  # 首道门票: the ticket at the gate of a scenic spot is waived
]
MerchantStatus = Literal[  # where a merchant stands in the approval chain
    "awaiting_superior_bank",
    "vetoed_by_tax",
    "passed",
    "published",
    "suspended",
    "disqualified",
]
RefundPolicy = Literal["voucher_stays_used", "restore_within_validity"]
ReturnTarget = Literal["campaign"]


@dataclass(frozen=True, kw_only=True)
class Quarter:
    """What one quarter may spend of a fund at most, and should spend at least (0: no floor)."""

    name: QuarterName
    ceiling_fen: int
    floor_fen: int = 0


@dataclass(frozen=True, kw_only=True)
class Fund:
    """Money set apart for one purpose (专项资金); no quarters means it is free over the year."""

    id: str
    name: str
    amount_fen: int
    lead_office: str | None = None
    quarters: tuple[Quarter, ...] = ()  # ascending by name, whatever the order in the file


@dataclass(frozen=True, kw_only=True)
class Domain:
    """A kind of trade that vouchers may be spent in (plan for issuing vouchers, part three)."""

    id: str
    name: str

    @property
    def is_cars(self) -> bool:
        """Whether this is 汽车. The name counts too, so that no other id lets vouchers in."""
        return self.id == "CAR" or "汽车" in self.name


@dataclass(frozen=True, kw_only=True)
class Tier:
    """One step of a campaign (档级): from `threshold_fen`, inclusive, `face_value_fen` is saved."""

    position: int  # from 1, the lowest threshold first
    threshold_fen: int
    face_value_fen: int
    count: int

    @property
    def amount_fen(self) -> int:
        """What the tier costs when every one of its `count` is used, in fen."""
        return self.face_value_fen * self.count


@dataclass(frozen=True, kw_only=True)
class Campaign:
    """One activity (活动): when, where, for whom and out of which money.

    It runs in [opens_at, ends_at). A limit that is None does not exist. `per_person_per_tier`
    counts claims, so it binds where something is claimed: mode "claim". `validity_days` and
    `claim_day_counts` are set together, in that mode only. `area` and `hours` bind
    the use of a voucher, `claim_area` and `claim_windows` its claim. Hours are minutes of the day
    in China, half-open, 1440 being its end.
    """

    id: str
    name: str
    mode: Mode
    fund_id: str
    quarter: QuarterName | None = None
    domain_ids: tuple[str, ...]
    opens_at: datetime
    ends_at: datetime
    validity_days: int | None = None
    claim_day_counts: bool | None = None
    tiers: tuple[Tier, ...]
    amount_fen: int
    one_tier_per_day: bool = False
    per_person_per_tier: int
    per_person: int | None = None
    per_person_per_day: int | None = None
    per_person_per_merchant_per_day: int
    person_per_natural_month: int | None = None
    daily_release: int | None = None
    carry_over: bool = False
    recycle_expired: bool = False  # an expired voucher's unit can be claimed again
    card_required: bool = False  # no claim and no payment code without a bound card
    release_minute: int | None = None  # None: the opening's time of day
    claim_windows: tuple[ClaimWindow, ...] = ()
    claim_area: ClaimArea | None = None
    area: str | None = None
    hours: tuple[int, int] | None = None
    evidence: tuple[str, ...] = ()
    merchant_id: str | None = None
    payment_provider: ProviderName | None = None  # wins over the merchant's
    on_full_refund: RefundPolicy


@dataclass(frozen=True, kw_only=True)
class Merchant:
    """A shop as the programme file brings it in; `area` is the street or square it stands in.

    `uscc` is its unified social credit code and `merchant_number` its acquirer's number; a small
    stall has neither.
    """

    id: str
    name: str
    domain_id: str
    status: MerchantStatus
    area: str | None = None
    uscc: str | None = None
    merchant_number: str | None = None


@dataclass(frozen=True, kw_only=True)
class Partners:
    """Who moves the money (金融合作单位): names as they stand in the agreement."""

    bank: str
    superior_bank: str
    network: str


@dataclass(frozen=True, kw_only=True)
class Defaults:
    """What holds where a campaign says nothing of its own; the two lives are in seconds."""

    subsidies_per_payment: int
    per_person_per_tier: int
    per_person_per_merchant_per_day: int
    on_full_refund: RefundPolicy
    returned_money_goes_to: ReturnTarget
    payment_code_ttl_s: int
    voucher_lock_ttl_s: int


@dataclass(frozen=True, kw_only=True)
class Programme:
    """All that one programme file says. Parts keep the order of the file."""

    id: str
    name: str
    timezone: str
    total_fen: int
    lead_office: str
    funds: tuple[Fund, ...]
    domains: tuple[Domain, ...]
    campaigns: tuple[Campaign, ...]
    merchants: tuple[Merchant, ...]
    partners: Partners
    defaults: Defaults
    hotline: str = HOTLINE
    complaint_answer_days: int = COMPLAINT_ANSWER_DAYS


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that is wrong, in Chinese, and where.

    :param path: keys and positions from 0 in the programme file's own words, such as
        ("campaigns", 3, "tiers", 0, "face"): its author knows no other
    """

    path: tuple[str | int, ...]
    reason: str
