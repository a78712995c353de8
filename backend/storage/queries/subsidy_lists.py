"""Lists of subsidies for staff; each order ends with a unique column. The empty text is no wish."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, select
from sqlalchemy.orm import Session

from backend import clock
from backend.storage.models.subsidies import (
    AccountCorrection,
    Subsidy,
    SubsidyFile,
    SubsidyPayout,
    SubsidyPayoutLine,
)
from backend.storage.queries import subsidies as queries

HANDED_IN = Subsidy.state != "draft"


def payable() -> ColumnElement[bool]:
    """Return whether the next payout list would hold a subsidy."""
    return and_(Subsidy.state == "granted", ~queries.on_the_way(), ~correcting())


def correcting() -> ColumnElement[bool]:
    """Return whether another account of a subsidy's applicant waits for its review."""
    return exists().where(
        AccountCorrection.subsidy_id == Subsidy.id, AccountCorrection.state == "submitted"
    )


def _paid_or_not(state: str) -> ColumnElement[bool]:
    return exists().where(
        SubsidyPayoutLine.subsidy_id == Subsidy.id, SubsidyPayoutLine.state == state
    )


# What a granted subsidy waits for, besides the states that it has itself.
PROGRESS: Mapping[str, ColumnElement[bool]] = {
    "payable": payable(),
    "sent": _paid_or_not("sent"),
    "paid": _paid_or_not("paid"),
    "returned": and_(_paid_or_not("returned"), ~queries.on_the_way()),
    "correcting": correcting(),
}


def find(
    *,
    state: str = "",
    campaign_id: str = "",
    since: date | None = None,
    through: date | None = None,
    resident_id: int | None = None,
    **same: str,
) -> Select[Subsidy, str | None, bool]:
    """Return applications, the newest first, each with how its newest payout stands.

    :param state: a state, or one of PROGRESS
    :param same: values of further columns
    """
    newest_payment = (
        select(SubsidyPayoutLine.state)
        .where(SubsidyPayoutLine.subsidy_id == Subsidy.id)
        .order_by(*queries.NEWEST_PAYMENT)
        .limit(1)
        .scalar_subquery()
    )
    found = select(Subsidy, newest_payment, correcting()).filter_by(**same)
    if state:
        found = found.where(PROGRESS[state] if state in PROGRESS else Subsidy.state == state)
    if campaign_id:
        found = found.where(Subsidy.campaign_id == campaign_id)
    if since is not None:
        found = found.where(Subsidy.created_at >= clock.day_bounds(since)[0])
    if through is not None:
        found = found.where(Subsidy.created_at < clock.day_bounds(through)[1])
    if resident_id is not None:
        found = found.where(Subsidy.resident_id == resident_id)
    return found.order_by(Subsidy.created_at.desc(), Subsidy.id)


def payouts() -> Select[*tuple[Any, ...]]:
    """Return payout lists, the newest first, with how many lines are sent, paid and returned."""
    counts = (
        select(func.count())
        .where(SubsidyPayoutLine.number == SubsidyPayout.number, SubsidyPayoutLine.state == state)
        .scalar_subquery()
        for state in ("sent", "paid", "returned")
    )
    return select(SubsidyPayout, *counts).order_by(
        SubsidyPayout.made_at.desc(), SubsidyPayout.number
    )


def same_paper(session: Session, subsidy: Subsidy) -> Sequence[tuple[Subsidy, bool, bool]]:
    """Return others' and earlier applications with the same invoice or vehicle, and which it is."""
    invoice = Subsidy.invoice_hash == subsidy.invoice_hash
    vin = Subsidy.vin_hash == subsidy.vin_hash
    rows = session.execute(
        select(Subsidy, invoice, vin)
        .where(Subsidy.id != subsidy.id, HANDED_IN, invoice | vin)
        .order_by(Subsidy.created_at, Subsidy.id)
    )
    return [(row[0], bool(row[1]), bool(row[2])) for row in rows]


def same_account_end(session: Session, subsidy: Subsidy) -> Sequence[Subsidy]:
    """Return other people's applications whose account ends with the same four digits."""
    return session.scalars(
        select(Subsidy)
        .where(
            Subsidy.resident_id != subsidy.resident_id,
            Subsidy.account_last4 == subsidy.account_last4,
            HANDED_IN,
        )
        .order_by(Subsidy.created_at, Subsidy.id)
    ).all()


def same_file(session: Session, subsidy: Subsidy) -> Sequence[Subsidy]:
    """Return other applications with a file of the same bytes as one of this one's."""
    own = select(SubsidyFile.digest).where(
        SubsidyFile.subsidy_id == subsidy.id, SubsidyFile.replaced_at.is_(None)
    )
    repeated = exists().where(SubsidyFile.subsidy_id == Subsidy.id, SubsidyFile.digest.in_(own))
    return session.scalars(
        select(Subsidy)
        .where(Subsidy.id != subsidy.id, HANDED_IN, repeated)
        .order_by(Subsidy.created_at, Subsidy.id)
    ).all()
