"""How a shop becomes a participating merchant (参与商户确定方式), and how it stops being one.

Source: plan, part seven (pledge and application at the bank, the bank's report to the bureau and
the superior bank, the bureau's list to the partner, publication once it has passed there), part
eight (二) (screening by tax and market regulation) and (四) (suspicion ends participation at once).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from backend.domain.errors import HuiquanError
from backend.domain.merchant_steps import (
    REASONED,
    STATUS_NAMES,
    STEP_NAMES,
    Office,
    Status,
    Step,
    Verdict,
)
from backend.domain.reconciliation import ReasonNeeded
from backend.domain.second_person import refuse_own_work


class MerchantStepOutOfOrder(HuiquanError):
    """`details["missing"]` names in Chinese what must come first, in the chain's order."""

    code = "merchant_step_out_of_order"
    message = "商户还不能办理这一步，请先办妥所列事项"
    category = "conflict"

    def __init__(self, log: str, *, missing: Sequence[str]) -> None:
        super().__init__(log, details={"missing": list(missing)})
        self.missing = missing


class MerchantStatusRefused(HuiquanError):
    """`details["status"]` is the merchant's."""

    code = "merchant_status_refused"
    message = "商户当前状态不允许此操作"
    category = "conflict"


class ReasonTooLong(HuiquanError):
    code = "reason_too_long"
    message = "原因请控制在 500 字以内"
    category = "invalid"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where a merchant stands: its status, and what each office has said."""

    status: Status
    superior_bank_confirmed: bool = False
    bureau_confirmed: bool = False
    tax_screening: Verdict = "open"
    market_regulator_screening: Verdict = "open"
    disqualification_proposed: bool = False


@dataclass(frozen=True, kw_only=True)
class Taken:
    """Who took a step, for which office (None: it came with the programme)."""

    step: Step
    actor: str
    office: Office | None


# A programme file may say that a merchant has all of the chain behind it.
ALL_SAID: Mapping[str, Any] = {
    "superior_bank_confirmed": True,
    "bureau_confirmed": True,
    "tax_screening": "passed",
    "market_regulator_screening": "passed",
}
MAX_REASON = 500  # characters
ALL_SAID_AT = ("listed", "sent", "passed", "published", "suspended")
UNDER_REVIEW = ("reported", "vetoed")
BEFORE_PUBLICATION = ("reported", "vetoed", "listed", "sent", "passed")
_RANKS: Mapping[Status, int] = {
    "pledged": 0,
    "applied": 1,
    "reported": 2,
    "vetoed": 2,
    "listed": 3,
    "sent": 4,
    "passed": 5,
    "published": 6,
    "suspended": 6,
    "disqualified": 6,
}
# How many links of the chain, as `_links` lists them, come before each step.
_BEFORE: Mapping[Step, int] = {
    Step.APPLIED: 0,
    Step.REPORTED: 1,
    Step.SUPERIOR_BANK_CONFIRMED: 2,
    Step.BUREAU_CONFIRMED: 2,
    Step.TAX_PASSED: 2,
    Step.TAX_VETOED: 2,
    Step.TAX_LIFTED: 2,
    Step.MARKET_REGULATOR_PASSED: 2,
    Step.MARKET_REGULATOR_VETOED: 2,
    Step.MARKET_REGULATOR_LIFTED: 2,
    Step.LISTED: 6,
    Step.SENT: 7,
    Step.PARTNER_PASSED: 8,
    Step.PARTNER_RETURNED: 8,
    Step.PUBLISHED: 9,
    Step.SUSPENDED: 10,
    Step.RESUMED: 10,
}
# Who took the second step never took the first one, the last time it was taken.
SECOND_PERSON: Mapping[Step, Step] = {
    Step.PUBLISHED: Step.LISTED,
    Step.RESUMED: Step.SUSPENDED,
    Step.DISQUALIFIED: Step.DISQUALIFICATION_PROPOSED,
}
# Fraud must be stopped within minutes, by whoever sees it.
_BY_WHOEVER_SEES_IT = (Step.SUSPENDED, Step.DISQUALIFICATION_PROPOSED)


def after(standing: Standing, step: Step) -> Standing:
    """Return where a merchant stands after a step, or refuse it.

    Raises MerchantStepOutOfOrder, which names what is missing, and MerchantStatusRefused for a step
    that is done already or has no way back.
    """
    if standing.status == "disqualified":
        raise _refused(standing, step)
    if missing := missing_before(standing, step):
        raise MerchantStepOutOfOrder(f"{step} before {missing}", missing=missing)
    changes = _changes(standing, step)
    if changes is None:
        raise _refused(standing, step)
    return replace(standing, **changes)


def missing_before(standing: Standing, step: Step) -> list[str]:
    """Return what must come before a step and has not, in Chinese and in the chain's order."""
    links = _links(standing)[: _BEFORE.get(step, 0)]
    return [STEP_NAMES[link] for link, done in links if not done]


def refuse_same_person(
    history: Sequence[Taken], step: Step, *, actor: str, office: Office | None
) -> None:
    """Refuse who would act for two offices on one merchant, or check what is his own.

    Raises SecondPersonNeeded.
    """
    if step in _BY_WHOEVER_SEES_IT:
        return
    for taken in history:
        if taken.office not in (None, office) and taken.step not in _BY_WHOEVER_SEES_IT:
            refuse_own_work(made_by=taken.actor, checked_by=actor)
    first = [taken for taken in history if taken.step == SECOND_PERSON.get(step)]
    if first:
        refuse_own_work(made_by=first[-1].actor, checked_by=actor)


def checked_reason(step: Step, reason: str | None) -> str | None:
    """Return a step's reason without spaces around it; raise ReasonNeeded, ReasonTooLong."""
    said = (reason or "").strip()
    if step in REASONED and not said:
        raise ReasonNeeded(step)
    if len(said) > MAX_REASON:
        raise ReasonTooLong(f"{step}: {len(said)} characters")
    return said or None


def _links(standing: Standing) -> list[tuple[Step, bool]]:
    rank = _RANKS[standing.status]
    return [
        (Step.APPLIED, rank >= _RANKS["applied"]),
        (Step.REPORTED, rank >= _RANKS["reported"]),
        (Step.SUPERIOR_BANK_CONFIRMED, standing.superior_bank_confirmed),
        (Step.BUREAU_CONFIRMED, standing.bureau_confirmed),
        (Step.TAX_PASSED, standing.tax_screening == "passed"),
        (Step.MARKET_REGULATOR_PASSED, standing.market_regulator_screening == "passed"),
        (Step.LISTED, rank >= _RANKS["listed"]),
        (Step.SENT, rank >= _RANKS["sent"]),
        (Step.PARTNER_PASSED, rank >= _RANKS["passed"]),
        (Step.PUBLISHED, rank >= _RANKS["published"]),
    ]


def _changes(at: Standing, step: Step) -> dict[str, Any] | None:
    """Return what a step changes; None where it cannot be taken."""
    if step in _MOVES:
        before, now = _MOVES[step]
        return {"status": now} if at.status == before else None
    if step in _SAID_ONCE:
        field = _SAID_ONCE[step]
        said = at.status not in UNDER_REVIEW or getattr(at, field)
        return None if said else {field: True}
    if step in _PROPOSAL:
        wanted, changes = _PROPOSAL[step]
        return changes if at.disqualification_proposed == wanted else None
    for office in ("tax", "market_regulator"):
        if step.startswith(f"{office}_"):
            return _screened(at, office, step.removeprefix(f"{office}_"))
    return None


_MOVES: Mapping[Step, tuple[Status, Status]] = {
    Step.APPLIED: ("pledged", "applied"),
    Step.REPORTED: ("applied", "reported"),
    Step.LISTED: ("reported", "listed"),
    Step.SENT: ("listed", "sent"),
    Step.PARTNER_PASSED: ("sent", "passed"),
    Step.PARTNER_RETURNED: ("sent", "reported"),
    Step.PUBLISHED: ("passed", "published"),
    Step.SUSPENDED: ("published", "suspended"),
    Step.RESUMED: ("suspended", "published"),
}


_SAID_ONCE: Mapping[Step, str] = {
    Step.SUPERIOR_BANK_CONFIRMED: "superior_bank_confirmed",
    Step.BUREAU_CONFIRMED: "bureau_confirmed",
}
# Step: whether a proposal must be there, and what changes.
_PROPOSAL: Mapping[Step, tuple[bool, dict[str, Any]]] = {
    Step.DISQUALIFICATION_PROPOSED: (False, {"disqualification_proposed": True}),
    Step.DISQUALIFICATION_WITHDRAWN: (True, {"disqualification_proposed": False}),
    Step.DISQUALIFIED: (True, {"status": "disqualified"}),
}


def _screened(at: Standing, office: str, word: str) -> dict[str, Any] | None:
    """A veto takes a merchant off the way until publication; lifted, the office looks again."""
    own = f"{office}_screening"
    said: Verdict = getattr(at, own)
    if word == "passed" and at.status in UNDER_REVIEW and said == "open":
        return {own: "passed"}
    if word == "vetoed" and at.status in BEFORE_PUBLICATION and said != "vetoed":
        return {own: "vetoed", "status": "vetoed"}
    if word == "lifted" and said == "vetoed":
        lifted: dict[str, Any] = {own: "open"}
        left = replace(at, **lifted)
        vetoed = "vetoed" in (left.tax_screening, left.market_regulator_screening)
        return lifted | {"status": "vetoed" if vetoed else "reported"}
    return None


def _refused(standing: Standing, step: Step) -> MerchantStatusRefused:
    log = f"{step} at {standing.status}"
    return MerchantStatusRefused(log, details={"status": STATUS_NAMES[standing.status]})
