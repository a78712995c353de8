"""Vouchers: written once by number, changed only from the state one expects."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    DateTime,
    bindparam,
    func,
    select,
    type_coerce,
    update,
)
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from backend.domain.vouchers import (
    SERIALS_PER_EPOCH,
    SERIALS_PER_TIER,
    first_serial,
    voucher_id,
)
from backend.domain.vouchers import Voucher as VoucherFacts
from backend.storage.models.campaigns import Campaign
from backend.storage.models.vouchers import Voucher
from backend.storage.sql import table_of

_MS = timedelta(milliseconds=1)
VOUCHERS = table_of(Voucher)
_OF_RESIDENT = (
    select(Voucher, Campaign)
    .join(Campaign, Campaign.id == Voucher.campaign_id)
    .where(Voucher.resident_id == bindparam("resident_id"), Campaign.mode == "claim")
    .order_by(Voucher.valid_until, Voucher.id)
)


class UsedVoucher(NamedTuple):
    """What a redemption must know of the voucher that it has used up."""

    campaign_id: str
    face_value_fen: int
    restored_count: int  # uses before this one, each undone


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
    """Return how many vouchers each tier has given since a moment and not back, by its id."""
    rows = session.execute(
        select(Voucher.tier_id, func.count())
        .where(
            Voucher.campaign_id == campaign_id,
            Voucher.claimed_at >= since,
            Voucher.status != "returned",
        )
        .group_by(Voucher.tier_id)
    )
    return {tier_id: int(count) for tier_id, count in rows}


def list_of_resident(session: Session, resident_id: int) -> list[tuple[Voucher, Campaign]]:
    """Return a resident's claimed vouchers with their campaigns, the earliest end first.

    What an order took off at the till is not among them: nobody keeps it.
    """
    rows = session.execute(_OF_RESIDENT, {"resident_id": resident_id})
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
        card_required=campaign.card_required,
    )


def _change(*returned: ColumnElement[Any]) -> ReturningUpdate[Any]:
    return (
        update(VOUCHERS)
        .where(VOUCHERS.c.id == bindparam("voucher_id"), VOUCHERS.c.status == bindparam("expected"))
        .values(status=bindparam("new_status"), order_id=bindparam("holder"))
        .returning(*returned)
    )


_CHANGE_STATUS = _change(VOUCHERS.c.id)
_USE = _change(VOUCHERS.c.campaign_id, VOUCHERS.c.face_value_fen, VOUCHERS.c.restored_count)


def change_status(  # the compare-and-set of a voucher's life
    session: Session, voucher_id: int, *, expected: str, status: str, order_id: str | None
) -> bool:
    """Move a voucher from one status to another; False when it was not in the expected one."""
    named = {"voucher_id": voucher_id, "expected": expected, "new_status": status}
    return session.scalar(_CHANGE_STATUS, {**named, "holder": order_id}) is not None


def use_locked(session: Session, voucher_id: int, *, order_id: str) -> UsedVoucher | None:
    """Move a voucher from `locked` to `used`; None when it was not locked."""
    named = {"voucher_id": voucher_id, "expected": "locked", "new_status": "used"}
    used = session.execute(_USE, {**named, "holder": order_id}).one_or_none()
    return None if used is None else UsedVoucher(*used)


def restore_used(session: Session, voucher_id: int, *, order_id: str) -> bool:
    """Make a voucher unused again that an order has used; False when it has not."""
    restored = session.execute(
        update(Voucher)
        .where(Voucher.id == voucher_id, Voucher.status == "used", Voucher.order_id == order_id)
        .values(status="unused", order_id=None, restored_count=Voucher.restored_count + 1)
        .execution_options(synchronize_session=False)
        .returning(Voucher.id)
    )
    return restored.scalar() is not None


def expire_due(session: Session, *, at: datetime, limit: int) -> list[tuple[int, str, int]]:
    """Expire unused vouchers whose time is over; return (id, campaign_id, face_value_fen)."""
    due = (
        select(Voucher.id)
        .where(
            Voucher.status == "unused",
            Voucher.valid_until <= at,
            # A unit taken at the till goes back instead, with its person's limit.
            Voucher.campaign_id.not_in(select(Campaign.id).where(Campaign.mode == "instant")),
        )
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
