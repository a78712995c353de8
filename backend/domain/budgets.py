"""Budget changes (预算调整): what may be changed, from which value to which, and how far.

raise_fund      the city gives a fund more, by a document of its own
lower_fund      the city takes back what a fund has given to no quarter and no campaign
raise_quarter   a quarter's ceiling is raised out of what the year has left
lower_quarter   a quarter's ceiling is lowered, and the year has the difference
move            one quarter of a fund gives to another
tiers           a campaign's tiers get other counts, and its amount follows: Σ face × count
return_rest     a campaign that is over gives back what nobody will spend
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from backend.domain.campaigns import CampaignTerms
from backend.domain.errors import HuiquanError
from backend.domain.vouchers import validity

ChangeKind = Literal[
    "raise_fund", "lower_fund", "raise_quarter", "lower_quarter", "move", "tiers", "return_rest"
]
Decision = Literal["confirmed", "refused"]
KIND_NAMES: dict[ChangeKind, str] = {
    "raise_fund": "追加资金",
    "lower_fund": "核减资金",
    "raise_quarter": "调增季度上限",
    "lower_quarter": "调减季度上限",
    "move": "季度间调剂",
    "tiers": "调整档级数量",
    "return_rest": "退还活动结余",
}
MAX_COUNT = 9_999_999  # of a tier, as in the programme file
QUARTERS = ("Q1", "Q2", "Q3", "Q4")
# Orders of an instant discount or an entry live for minutes: a day later none is open.
LAST_ORDERS = timedelta(days=1)


class BudgetChangeInvalid(HuiquanError):
    code = "budget_change_invalid"
    message = "预算调整的内容有误，请核对类别、对象和金额后重新提交"
    category = "invalid"


class BudgetChangedMeanwhile(HuiquanError):
    code = "budget_changed_meanwhile"
    message = "预算在提出调整之后已有变动，请按现值重新提出"
    category = "conflict"


class BudgetBelowUse(HuiquanError):
    code = "budget_below_use"
    message = "预算不能调减到已承诺、已领取或下限金额以下，请按所列最低值重新提出"
    category = "rule"


class AlreadyDecided(HuiquanError):
    code = "already_decided"
    message = "该事项已有复核结论，不能再次办理；如需更改请另行提出"
    category = "conflict"


class CampaignNotOver(HuiquanError):
    code = "campaign_not_over"
    message = "活动尚未了结，券可能仍会领取、使用或过期，请在全部有效期结束后再办理"
    category = "conflict"


@dataclass(frozen=True, kw_only=True)
class Change:
    """What one person proposes. `expected_fen` is the value he saw, `new_fen` the one he wants.

    They are a fund's amount, a quarter's ceiling (of a move: the giving one's, and
    `expected_to_fen` is the taking one's), a campaign's amount, or, for return_rest, what the
    campaign has returned in all.
    Counts are by tier position. `document_number` is that of the city's decision on a fund.
    """

    id: str
    kind: ChangeKind
    fund_id: str
    quarter: str | None = None
    to_quarter: str | None = None
    campaign_id: str | None = None
    expected_fen: int
    new_fen: int
    expected_to_fen: int | None = None
    expected_counts: Mapping[int, int] | None = None
    new_counts: Mapping[int, int] | None = None
    document_number: str | None = None
    reason: str

    @property
    def amount_fen(self) -> int:
        """How much is moved, never negative."""
        return abs(self.new_fen - self.expected_fen)


def refuse_wrong_direction(change: Change) -> None:
    """Refuse a change that is none, or goes the other way than its kind says."""
    goes_up = change.new_fen > change.expected_fen
    if change.kind == "tiers":
        wrong = change.new_counts == change.expected_counts
    else:
        wrong = change.amount_fen == 0 or goes_up != (
            change.kind in ("raise_fund", "raise_quarter", "return_rest")
        )
    if (
        wrong
        or change.new_fen < 0
        or (change.kind == "move" and change.quarter == change.to_quarter)
    ):
        raise BudgetChangeInvalid(
            f"{change.id}: {change.kind} from {change.expected_fen} to {change.new_fen} fen",
            details={"expected_fen": change.expected_fen, "new_fen": change.new_fen},
        )


def refuse_below(*, new_fen: int, least_fen: int, what: str) -> None:
    """Refuse a budget below what is used of it already; the refusal names the least possible."""
    if new_fen < least_fen:
        raise BudgetBelowUse(
            f"{what}: {new_fen} fen wanted, {least_fen} fen is the least",
            details={"least_fen": least_fen},
        )


def refuse_counts(counts: Mapping[int, int], positions: set[int]) -> None:
    """Refuse counts of tiers the campaign has not, or out of range."""
    unknown = set(counts) - positions
    wrong = sorted(p for p, count in counts.items() if not 1 <= count <= MAX_COUNT)
    if unknown or wrong or not counts:
        raise BudgetChangeInvalid(
            f"tiers {sorted(unknown)} unknown, counts of {wrong} not from 1 to {MAX_COUNT}"
        )


def over_at(campaign: CampaignTerms) -> datetime:
    """Return when nothing of a campaign can be claimed, used or expire any more.

    For vouchers: the end of the last one's validity, were it claimed in the last moment.
    """
    if campaign.mode != "claim" or campaign.validity_days is None:
        return campaign.ends_at + LAST_ORDERS
    last = campaign.ends_at - timedelta(milliseconds=1)
    _, until = validity(
        last, days=campaign.validity_days, claim_day_counts=campaign.claim_day_counts
    )
    return max(until, campaign.ends_at + LAST_ORDERS)


def refuse_unless_over(campaign: CampaignTerms, now: datetime) -> None:
    """Refuse to take money from a campaign whose units can still be claimed or used."""
    if campaign.state == "draft" or now < over_at(campaign):
        raise CampaignNotOver(
            f"{campaign.id} is {campaign.state}, over at {over_at(campaign).isoformat()}",
            details={"over_at": over_at(campaign).isoformat()},
        )


def quarter_of(day: date) -> str:
    """Return the quarter of a day: 'Q1' to 'Q4'."""
    return QUARTERS[(day.month - 1) // 3]
