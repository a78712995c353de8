"""Applications for subsidies: held one at a time, changed only from the state one expects."""

from collections.abc import Iterable

from sqlalchemy import Exists, func, select
from sqlalchemy.orm import Session

from backend.domain.subsidies import RESERVING
from backend.storage.models.residents import Resident
from backend.storage.models.subsidies import (
    AccountCorrection,
    Subsidy,
    SubsidyFile,
    SubsidyPayout,
    SubsidyPayoutLine,
    SubsidyStep,
)

# A subsidy's payout lines, the newest first: only returned ones have another after them.
NEWEST_PAYMENT = (SubsidyPayoutLine.state == "returned", SubsidyPayoutLine.answered_at.desc())


def get_by_request(session: Session, resident_id: int, request_id: str) -> Subsidy | None:
    """Return the application a resident's request number made, or None."""
    return session.scalar(
        select(Subsidy).where(Subsidy.resident_id == resident_id, Subsidy.request_id == request_id)
    )


def get(session: Session, subsidy_id: str, resident_id: int | None) -> Subsidy | None:
    """Return an application, if it is the resident's; None for the resident means anybody's."""
    query = select(Subsidy).where(Subsidy.id == subsidy_id)
    if resident_id is not None:
        query = query.where(Subsidy.resident_id == resident_id)
    return session.scalar(query)


def lock(session: Session, subsidy_id: str, resident_id: int | None) -> Subsidy | None:
    """Return an application and hold it until the transaction's end, or None."""
    query = select(Subsidy).where(Subsidy.id == subsidy_id)
    if resident_id is not None:
        query = query.where(Subsidy.resident_id == resident_id)
    held = query.with_for_update(of=Subsidy, key_share=True)
    return session.scalar(held.execution_options(populate_existing=True))


def lock_resident(session: Session, resident_id: int) -> None:
    """Let one application of a person be submitted at a time."""
    session.execute(select(Resident.id).where(Resident.id == resident_id).with_for_update()).one()


def count_reserving(session: Session, *, resident_id: int, campaign_id: str) -> dict[int, int]:
    """Return how many units a person has reserved or been granted, by the tier's id."""
    rows = session.execute(
        select(Subsidy.tier_id, func.count())
        .where(
            Subsidy.resident_id == resident_id,
            Subsidy.campaign_id == campaign_id,
            Subsidy.state.in_(RESERVING),
        )
        .group_by(Subsidy.tier_id)
    )
    return {tier_id: int(count) for tier_id, count in rows}


def reserved_fen(session: Session, campaign_id: str) -> int:
    """Return what applications under review would spend of a campaign, in fen."""
    found = session.scalar(
        select(func.sum(Subsidy.amount_fen)).where(
            Subsidy.campaign_id == campaign_id,
            Subsidy.state.in_(("submitted", "first_reviewed")),
        )
    )
    return int(found or 0)


def list_all(
    session: Session, *, resident_id: int | None, state: str | None, limit: int
) -> list[Subsidy]:
    """Return the newest applications; all, a person's, or those in a state."""
    query = select(Subsidy).order_by(Subsidy.created_at.desc(), Subsidy.id).limit(limit)
    if resident_id is not None:
        query = query.where(Subsidy.resident_id == resident_id)
    if state is not None:
        query = query.where(Subsidy.state == state)
    return list(session.scalars(query))


def list_steps(session: Session, subsidy_id: str) -> list[SubsidyStep]:
    """Return an application's steps in their order."""
    query = select(SubsidyStep).where(SubsidyStep.subsidy_id == subsidy_id)
    return list(session.scalars(query.order_by(SubsidyStep.position)))


def list_files(session: Session, subsidy_id: str) -> list[SubsidyFile]:
    """Return an application's current files, by slot."""
    query = select(SubsidyFile).where(
        SubsidyFile.subsidy_id == subsidy_id, SubsidyFile.replaced_at.is_(None)
    )
    return list(session.scalars(query.order_by(SubsidyFile.slot)))


def payment_of(session: Session, subsidy_id: str) -> SubsidyPayoutLine | None:
    """Return the newest payout line of a subsidy, or None."""
    return session.scalar(
        select(SubsidyPayoutLine)
        .where(SubsidyPayoutLine.subsidy_id == subsidy_id)
        .order_by(*NEWEST_PAYMENT)
        .limit(1)
    )


def list_payments(
    session: Session, subsidy_id: str
) -> list[tuple[SubsidyPayoutLine, SubsidyPayout]]:
    """Return a subsidy's payout lines, each with its list, the oldest first."""
    rows = session.execute(
        select(SubsidyPayoutLine, SubsidyPayout)
        .join(SubsidyPayout, SubsidyPayout.number == SubsidyPayoutLine.number)
        .where(SubsidyPayoutLine.subsidy_id == subsidy_id)
        .order_by(SubsidyPayout.made_at, SubsidyPayout.number)
    )
    return [(line, payout) for line, payout in rows]


def list_lines(session: Session, number: str) -> list[tuple[SubsidyPayoutLine, Subsidy]]:
    """Return a payout list's lines in their order, each with its subsidy."""
    rows = session.execute(
        select(SubsidyPayoutLine, Subsidy)
        .join(Subsidy, Subsidy.id == SubsidyPayoutLine.subsidy_id)
        .where(SubsidyPayoutLine.number == number)
        .order_by(SubsidyPayoutLine.line)
    )
    return [(line, subsidy) for line, subsidy in rows]


def on_the_way() -> Exists:
    """Return whether a subsidy was paid, or is with the bank."""
    return (
        select(SubsidyPayoutLine.number)
        .where(SubsidyPayoutLine.subsidy_id == Subsidy.id, SubsidyPayoutLine.state != "returned")
        .exists()
    )


def list_payable(session: Session) -> list[Subsidy]:
    """Return granted subsidies that are on no list, or came back, and hold them.

    Not those whose account is being corrected: asked once they are held, when no applicant can
    name another account any more.
    """
    held = session.scalars(
        select(Subsidy)
        .where(Subsidy.state == "granted", ~on_the_way())
        .order_by(Subsidy.created_at, Subsidy.id)
        .with_for_update(of=Subsidy, key_share=True)
    ).all()
    waiting = {correction.subsidy_id for correction in list_waiting_corrections(session)}
    return [subsidy for subsidy in held if subsidy.id not in waiting]


def list_corrections(session: Session, subsidy_id: str) -> list[AccountCorrection]:
    """Return a subsidy's corrected accounts in their order."""
    query = select(AccountCorrection).where(AccountCorrection.subsidy_id == subsidy_id)
    return list(session.scalars(query.order_by(AccountCorrection.position)))


def list_waiting_corrections(session: Session) -> list[AccountCorrection]:
    """Return the corrected accounts that nobody has decided, the oldest first."""
    query = select(AccountCorrection).where(AccountCorrection.state == "submitted")
    return list(
        session.scalars(query.order_by(AccountCorrection.made_at, AccountCorrection.subsidy_id))
    )


def confirmed_corrections(
    session: Session, subsidy_ids: Iterable[str]
) -> dict[str, AccountCorrection]:
    """Return the newest confirmed account of each subsidy that has one, by the subsidy's id."""
    rows = session.scalars(
        select(AccountCorrection)
        .where(
            AccountCorrection.subsidy_id.in_(list(subsidy_ids)),
            AccountCorrection.state == "confirmed",
        )
        .order_by(AccountCorrection.position)
    )
    return {correction.subsidy_id: correction for correction in rows}
