"""Vouchers: written once by number, changed only from the state one expects."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import DateTime, func, select, type_coerce, update
from sqlalchemy.orm import Session

from backend.domain.vouchers import (
    SERIALS_PER_EPOCH,
    SERIALS_PER_TIER,
    first_serial,
    voucher_id,
)
from backend.domain.vouchers import Voucher as VoucherFacts
from backend.storage.models.campaigns import Campaign
from backend.storage.models.vouchers import Voucher
from backend.storage.queries.ledger import insert_ignoring_duplicates

_MS = timedelta(milliseconds=1)


def insert_new(session: Session, rows: Sequence[dict[str, Any]]) -> set[int]:
    """Insert vouchers that are not there yet; return the numbers that were new."""
    insert = insert_ignoring_duplicates(session)
    statement = insert(Voucher.__table__).on_conflict_do_nothing()  # type: ignore[arg-type]
    return set(session.scalars(statement.returning(Voucher.id), list(rows)))


def add_marks(
    session: Session, voucher_id: int, *, resident_id: int, marks: int, claim_range: int | None
) -> None:
    """Add the marks of a claim to a resident's voucher; the same again changes nothing."""
    range_of_claim = {} if claim_range is None else {"claim_range": claim_range}
    session.execute(
        update(Voucher)
        .where(Voucher.id == voucher_id, Voucher.resident_id == resident_id)
        .values(marks=Voucher.marks.bitwise_or(marks), **range_of_claim)
        .execution_options(synchronize_session=False)
    )


def existing_ids(session: Session, voucher_ids: Sequence[int]) -> set[int]:
    """Return which of the numbers have a row."""
    return set(session.scalars(select(Voucher.id).where(Voucher.id.in_(voucher_ids))))


def holders(session: Session, voucher_ids: Sequence[int]) -> dict[int, int]:
    """Return the resident of each number that has a row."""
    rows = session.execute(
        select(Voucher.id, Voucher.resident_id).where(Voucher.id.in_(voucher_ids))
    )
    return {row.id: row.resident_id for row in rows}


def claims_of_tier(
    session: Session, tier_id: int, *, after_serial: int, limit: int
) -> list[tuple[int, int, int]]:
    """Return (serial, resident_id, claimed_at_ms) of a tier's vouchers above a serial, ascending.

    For a rebuild, which reads them all: plain columns, and times as the database has them.
    """
    before = tier_id * SERIALS_PER_TIER
    columns = Voucher.__table__.c
    rows = session.execute(
        select(
            columns.id,
            columns.resident_id,
            type_coerce(columns.claimed_at, DateTime(timezone=True)),
        )
        # The number begins with the tier's id, so its range is walked along the primary key.
        .where(columns.id > before + after_serial, columns.id < before + SERIALS_PER_TIER)
        .order_by(columns.id)
        .limit(limit)
    ).all()
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    if rows and rows[0][2].tzinfo is None:  # SQLite keeps UTC without saying so
        epoch = epoch.replace(tzinfo=None)
    return [(number - before, resident, (at - epoch) // _MS) for number, resident, at in rows]


def known_serials(session: Session, tier_id: int, *, from_epoch: int) -> dict[int, tuple[int, int]]:
    """Return (vouchers, highest serial) of a tier by epoch, from an epoch on."""
    serial = Voucher.id - tier_id * SERIALS_PER_TIER
    epoch = (serial - 1) // SERIALS_PER_EPOCH + 1
    rows = session.execute(
        select(epoch, func.count(), func.max(serial))
        .where(Voucher.id >= voucher_id(tier_id, first_serial(from_epoch)))
        .where(Voucher.id < (tier_id + 1) * SERIALS_PER_TIER)
        .group_by(epoch)
    )
    return {int(number): (int(count), int(highest)) for number, count, highest in rows}


def counts_by_tier(session: Session, campaign_id: str) -> dict[int, int]:
    """Return how many vouchers each tier of a campaign has given, by the tier's id."""
    rows = session.execute(
        select(Voucher.tier_id, func.count())
        .where(Voucher.campaign_id == campaign_id)
        .group_by(Voucher.tier_id)
    )
    return {tier_id: int(count) for tier_id, count in rows}


def counts_since(session: Session, campaign_id: str, since: datetime) -> dict[int, int]:
    """Return how many vouchers each tier of a campaign has given since a moment, by its id."""
    rows = session.execute(
        select(Voucher.tier_id, func.count())
        .where(Voucher.campaign_id == campaign_id, Voucher.claimed_at >= since)
        .group_by(Voucher.tier_id)
    )
    return {tier_id: int(count) for tier_id, count in rows}


def list_of_resident(session: Session, resident_id: int) -> list[tuple[Voucher, Campaign]]:
    """Return all vouchers of a resident with their campaigns, the earliest end first."""
    rows = session.execute(
        select(Voucher, Campaign)
        .join(Campaign, Campaign.id == Voucher.campaign_id)
        .where(Voucher.resident_id == resident_id)
        .order_by(Voucher.valid_until, Voucher.id)
    )
    return [(voucher, campaign) for voucher, campaign in rows]


def facts_of(voucher: Voucher, campaign: Campaign) -> VoucherFacts:
    """Return what the choice of a voucher needs to know."""
    hours = (campaign.use_from_minute, campaign.use_until_minute)
    return VoucherFacts(
        id=voucher.id,
        threshold_fen=voucher.threshold_fen,
        face_value_fen=voucher.face_value_fen,
        valid_from=voucher.valid_from,
        valid_until=voucher.valid_until,
        status=voucher.status,  # type: ignore[arg-type]  # the schema knows only these states
        campaign_id=campaign.id,
        campaign_name=campaign.name,
        domain_ids=frozenset(domain.id for domain in campaign.domains),
        area=campaign.area,
        use_minutes=None if hours[0] is None or hours[1] is None else (hours[0], hours[1]),
    )


def change_status(  # the compare-and-set of a voucher's life
    session: Session, voucher_id: int, *, expected: str, status: str, order_id: str | None
) -> bool:
    """Move a voucher from one status to another; False when it was not in the expected one."""
    result = session.execute(
        update(Voucher)
        .where(Voucher.id == voucher_id, Voucher.status == expected)
        .values(status=status, order_id=order_id)
        .execution_options(synchronize_session=False)
        .returning(Voucher.id)
    )
    return result.scalar() is not None


def expire_due(session: Session, *, at: datetime, limit: int) -> list[tuple[int, str, int]]:
    """Expire unused vouchers whose time is over; return (id, campaign_id, face_value_fen)."""
    due = (
        select(Voucher.id)
        .where(Voucher.status == "unused", Voucher.valid_until <= at)
        .order_by(Voucher.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = session.execute(
        update(Voucher)
        .where(Voucher.id.in_(due.scalar_subquery()), Voucher.status == "unused")
        .values(status="expired")
        .execution_options(synchronize_session=False)
        .returning(Voucher.id, Voucher.campaign_id, Voucher.face_value_fen)
    )
    return [(row.id, row.campaign_id, row.face_value_fen) for row in rows]
