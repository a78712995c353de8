"""Moving a merchant on by one step: judged, written down and audited in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from backend import clock
from backend.domain import onboarding as rules
from backend.domain.errors import HuiquanError, NotFound
from backend.domain.merchant_steps import Office, Step
from backend.domain.onboarding import (
    MerchantStatusRefused,
    MerchantStepOutOfOrder,
    Standing,
    Taken,
)
from backend.domain.second_person import SecondPersonNeeded
from backend.extensions import db
from backend.services import audit
from backend.storage.models.merchants import Merchant
from backend.storage.models.onboarding import MerchantStep
from backend.storage.queries import onboarding as queries


def locked(session: Session, merchant_id: str) -> Merchant:
    """Return a merchant that only this transaction moves, or raise NotFound."""
    merchant = queries.lock_merchant(session, merchant_id)
    if merchant is None:
        raise NotFound(f"merchant {merchant_id[:40]!r}")
    return merchant


@dataclass(frozen=True, kw_only=True)
class Act:
    """A step that somebody takes for an office; evidence is named by its digest."""

    step: Step
    actor: str
    office: Office
    reason: str | None = None
    evidence_digest: str | None = None
    partner_list: int | None = None
    list_version: int | None = None


def take(session: Session, merchant: Merchant, act: Act) -> MerchantStep:
    """Move a locked merchant, or refuse: nothing of it changes then.

    Raises MerchantStepOutOfOrder, MerchantStatusRefused, ReasonNeeded, ReasonTooLong,
    SecondPersonNeeded.
    """
    said = rules.checked_reason(act.step, act.reason)
    before = standing(merchant)
    now = rules.after(before, act.step)
    history = [_taken(row) for row in queries.history(session, merchant.id)]
    rules.refuse_same_person(history, act.step, actor=act.actor, office=act.office)
    for name, value in vars(now).items():
        setattr(merchant, name, value)
    return _write(session, merchant, replace(act, reason=said), position=len(history) + 1)


def note(session: Session, merchant: Merchant, act: Act) -> MerchantStep:
    """Write down what happened at a locked merchant besides the chain (`NOTES`); nothing moves."""
    position = len(queries.history(session, merchant.id)) + 1
    return _write(session, merchant, act, position=position)


def begin(session: Session, merchant: Merchant, *, actor: str) -> None:
    """Write the first step of a merchant that has just signed the pledge."""
    _first(session, merchant, Step.PLEDGED, actor=actor, office="bank")


def record_import(session: Session, merchant: Merchant, *, actor: str) -> None:
    """Write the first step of a merchant that comes with the programme's file."""
    _first(session, merchant, Step.IMPORTED, actor=actor, office=None)


def standing(merchant: Merchant) -> Standing:
    """Return where a merchant stands, for the rules."""
    return Standing(**{name: getattr(merchant, name) for name in Standing.__dataclass_fields__})


def history(merchant_id: str) -> list[MerchantStep]:
    """Return a merchant's steps in their order; NotFound for none of ours."""
    session = db.session()
    if session.get(Merchant, merchant_id) is None:
        raise NotFound(f"merchant {merchant_id[:40]!r}")
    return queries.history(session, merchant_id)


def missing(merchant: Merchant) -> list[str]:
    """Return what a merchant still lacks before it can be published, in Chinese."""
    return rules.missing_before(standing(merchant), Step.PUBLISHED)


def refusal_of(
    merchant: Merchant,
    taken: Sequence[MerchantStep],
    step: Step,
    *,
    actor: str,
    office: Office | None,
) -> HuiquanError | None:
    """Return why somebody could not take a step now, None when he could; `taken` is the history."""
    try:
        rules.after(standing(merchant), step)
        rules.refuse_same_person([_taken(row) for row in taken], step, actor=actor, office=office)
    except (MerchantStepOutOfOrder, MerchantStatusRefused, SecondPersonNeeded) as error:
        return error
    return None


def _write(session: Session, merchant: Merchant, act: Act, *, position: int) -> MerchantStep:
    row = MerchantStep(
        merchant_id=merchant.id,
        position=position,
        outcome=merchant.status,
        at=clock.now(),
        **vars(act),
    )
    session.add(row)
    session.flush()
    _audit(session, row)
    return row


def _first(
    session: Session, merchant: Merchant, step: Step, *, actor: str, office: Office | None
) -> None:
    row = MerchantStep(
        merchant_id=merchant.id,
        position=1,
        step=step,
        outcome=merchant.status,
        actor=actor,
        office=office,
        at=clock.now(),
    )
    session.add(row)
    session.flush()
    if step != Step.IMPORTED:  # the programme's own entry stands for all of them
        _audit(session, row)


def _taken(row: MerchantStep) -> Taken:
    office: Office | None = row.office  # type: ignore[assignment]  # written by us alone
    return Taken(step=Step(row.step), actor=row.actor, office=office)


def _audit(session: Session, row: MerchantStep) -> None:
    told = {
        "office": row.office,
        "reason": row.reason,
        "evidence": row.evidence_digest,
        "partner_list": row.partner_list,
        "list_version": row.list_version,
    }
    audit.record(
        session,
        actor=row.actor,
        action=f"merchant.{row.step}",
        subject=row.merchant_id,
        **{name: value for name, value in told.items() if value is not None},
    )
