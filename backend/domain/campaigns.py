"""A campaign's states, and what a claim needs to know of it."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal

from backend.domain.claim_rules import ClaimArea, ClaimWindow, DailyRelease
from backend.domain.errors import HuiquanError

State = Literal["draft", "approved", "running", "paused", "stopped", "ended"]
Act = Literal["approve", "run", "pause", "resume", "stop", "end"]

# Those whose units are counted in Valkey and taken by the claim script.
MODES_WITH_QUOTA = ("claim", "instant")

# draft -> approved -> running <-> paused -> stopped | ended
TRANSITIONS: dict[Act, tuple[frozenset[State], State]] = {
    "approve": (frozenset({"draft"}), "approved"),
    "run": (frozenset({"approved"}), "running"),
    "pause": (frozenset({"running"}), "paused"),
    "resume": (frozenset({"paused"}), "running"),
    "stop": (frozenset({"running", "paused"}), "stopped"),
    "end": (frozenset({"running", "paused"}), "ended"),
}
STATE_NAMES: dict[State, str] = {
    "draft": "草稿",
    "approved": "已批准",
    "running": "进行中",
    "paused": "已暂停",
    "stopped": "已终止",
    "ended": "已结束",
}


class ActNotPossible(HuiquanError):
    code = "campaign_act_not_possible"
    message = "活动当前状态不允许此操作"
    category = "conflict"


class BudgetExceeded(HuiquanError):
    code = "budget_exceeded"
    message = "活动金额超出可用预算，请核对资金和季度上限"
    category = "rule"


def next_state(state: State, act: Act) -> State:
    """Return the state after an act; raise ActNotPossible when the act has no place there."""
    allowed, result = TRANSITIONS[act]
    if state not in allowed:
        raise ActNotPossible(f"{act} is not possible in state {state}", details={"state": state})
    return result


@dataclass(frozen=True, kw_only=True)
class TierTerms:
    """A tier as approved. `position` counts from 1 within its campaign."""

    id: int
    position: int
    threshold_fen: int
    face_value_fen: int
    count: int
    count_number: int = 0  # how often a budget change has changed `count`


@dataclass(frozen=True, kw_only=True, eq=False)
class CampaignTerms:
    """The terms a claim is decided on. Once approved, only a budget change changes its counts.

    One reading of them equals itself alone, so that what follows from it is found by it at once.
    """

    id: str
    name: str
    mode: str
    state: State
    epoch: int  # of the quota loaded into Valkey; a script that holds another refuses
    opens_at: datetime
    ends_at: datetime
    validity_days: int | None
    claim_day_counts: bool
    per_person_per_tier: int
    one_tier_per_day: bool
    per_person: int | None = None  # over all tiers
    per_person_per_day: int | None = None  # over all tiers, by calendar days in China
    daily_release: DailyRelease | None = None
    claim_windows: tuple[ClaimWindow, ...] = ()
    claim_area: ClaimArea | None = None
    card_required: bool = False  # a claim wants a bound card
    tiers: tuple[TierTerms, ...]

    @cached_property
    def opens_at_ms(self) -> int:
        """Milliseconds from 1970 UTC to the opening: claims count theirs from here."""
        return int(self.opens_at.timestamp()) * 1000 + self.opens_at.microsecond // 1000

    def tier(self, position: int) -> TierTerms | None:
        """Return the tier at a position, or None."""
        for tier in self.tiers:
            if tier.position == position:
                return tier
        return None
