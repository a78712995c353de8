"""The ledger's proof of subsidies: each granted one was spent once, and no other; a payout's sum is
its lines', and each line is its subsidy's amount."""

from collections.abc import Iterator

from sqlalchemy import and_, case, func, literal, or_, select
from sqlalchemy.orm import Session

from backend.domain.postings import Difference
from backend.domain.subsidies import RESERVING
from backend.storage.models.ledger import Transfer
from backend.storage.models.subsidies import Subsidy, SubsidyPayout, SubsidyPayoutLine

GRANTED = Subsidy.state == "granted"


def differences(session: Session) -> Iterator[Difference]:
    """Yield what does not agree; nothing when all does."""
    moved = func.coalesce(Transfer.amount_fen, 0)
    expected = case((GRANTED, Subsidy.amount_fen), else_=0)
    own = and_(Transfer.id == literal("subsidy:") + Subsidy.id, Transfer.kind == "spending")
    rows = session.execute(
        select(Subsidy.id, expected, moved).outerjoin(Transfer, own).where(expected != moved)
    )
    for subsidy_id, expected_fen, found_fen in rows:
        yield _difference(f"subsidy {subsidy_id}", "its transfer", expected_fen, found_fen)
    yield from _payout_differences(session)


def spent(session: Session) -> dict[str, int]:
    """Return what granted subsidies spent, by campaign, in fen."""
    rows = session.execute(
        select(Subsidy.campaign_id, func.sum(Subsidy.amount_fen))
        .where(GRANTED)
        .group_by(Subsidy.campaign_id)
    )
    return {campaign_id: int(amount_fen) for campaign_id, amount_fen in rows}


def units(session: Session) -> dict[int, int]:
    """Return the units that applications reserve or were granted, by the tier's id."""
    rows = session.execute(
        select(Subsidy.tier_id, func.count())
        .where(Subsidy.state.in_(RESERVING))
        .group_by(Subsidy.tier_id)
    )
    return {tier_id: int(count) for tier_id, count in rows}


def _payout_differences(session: Session) -> Iterator[Difference]:
    sums = func.coalesce(func.sum(SubsidyPayoutLine.amount_fen), 0)
    rows = session.execute(
        select(SubsidyPayout.number, SubsidyPayout.amount_fen, sums)
        .outerjoin(SubsidyPayoutLine, SubsidyPayoutLine.number == SubsidyPayout.number)
        .group_by(SubsidyPayout.number, SubsidyPayout.amount_fen)
        .having(SubsidyPayout.amount_fen != sums)
    )
    for number, expected_fen, found_fen in rows:
        yield _difference(f"subsidy payout {number}", "its lines", expected_fen, found_fen)
    wrong = session.execute(
        select(SubsidyPayoutLine.subsidy_id, Subsidy.amount_fen, SubsidyPayoutLine.amount_fen)
        .join(Subsidy, Subsidy.id == SubsidyPayoutLine.subsidy_id)
        .where(or_(Subsidy.amount_fen != SubsidyPayoutLine.amount_fen, ~GRANTED))
    )
    for subsidy_id, expected_fen, found_fen in wrong:
        yield _difference(f"subsidy {subsidy_id}", "its payout", expected_fen, found_fen)


def _difference(where: str, what: str, expected_fen: int, found_fen: int) -> Difference:
    return Difference(
        where=where, what=what, expected_fen=int(expected_fen), found_fen=int(found_fen)
    )
