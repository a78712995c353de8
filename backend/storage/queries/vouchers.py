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
    text,
    type_coerce,
    update,
)
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from backend import clock
from backend.domain.vouchers import (
    SERIALS_PER_EPOCH,
    SERIALS_PER_TIER,
    first_serial,
    voucher_id,
)
from backend.domain.vouchers import Voucher as VoucherFacts
from backend.storage.models.campaigns import Campaign
from backend.storage.models.vouchers import Voucher
from backend.storage.sql import ChinaTime, table_of

_MS = timedelta(milliseconds=1)
VOUCHERS = table_of(Voucher)
_OF_RESIDENT = (
    select(Voucher, Campaign)
    .join(Campaign, Campaign.id == Voucher.campaign_id)
    .where(Voucher.resident_id == bindparam("resident_id"), Campaign.mode == "claim")
    .order_by(Voucher.valid_until, Voucher.id)
)


class NewVoucher(NamedTuple):
    """A claimed unit on its way into SQL. Times in milliseconds since 1970 UTC."""

    id: int
    resident_id: int
    campaign_id: str
    tier_id: int
    threshold_fen: int
    face_value_fen: int
    claimed_at_ms: int
    valid_from_ms: int
    valid_until_ms: int
    marks: int = 0
    claim_range: int = 0  # 0 for none, as the stream has it


class UsedVoucher(NamedTuple):
    """What a redemption must know of the voucher that it has used up."""

    campaign_id: str
    face_value_fen: int
    restored_count: int  # uses before this one, each undone


# A rush is written by these two, so they make as few objects a row as their drivers allow: rows
# of text and numbers for SQLite, a column at a time for PostgreSQL.
_ON_SQLITE = """
    INSERT INTO vouchers (id, resident_id, campaign_id, tier_id, threshold_fen, face_value_fen,
        claimed_at, valid_from, valid_until, marks, claim_range, status, claim_transfer_id)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULLIF(?, 0), 'unused', ?)
    ON CONFLICT DO NOTHING
"""
_ON_POSTGRESQL = text("""
    INSERT INTO vouchers (id, resident_id, campaign_id, tier_id, threshold_fen, face_value_fen,
        claimed_at, valid_from, valid_until, marks, claim_range, status, claim_transfer_id)
    SELECT id, resident_id, :campaign_id, tier_id, threshold_fen, face_value_fen,
        CAST('epoch' AS timestamptz) + claimed_at_ms * CAST('1 ms' AS interval),
        CAST('epoch' AS timestamptz) + valid_from_ms * CAST('1 ms' AS interval),
        CAST('epoch' AS timestamptz) + valid_until_ms * CAST('1 ms' AS interval),
        marks, NULLIF(claim_range, 0), 'unused', :transfer_id
    FROM unnest(CAST(:id AS bigint[]), CAST(:resident_id AS bigint[]),
        CAST(:tier_id AS integer[]), CAST(:threshold_fen AS bigint[]),
        CAST(:face_value_fen AS bigint[]), CAST(:claimed_at_ms AS bigint[]),
        CAST(:valid_from_ms AS bigint[]), CAST(:valid_until_ms AS bigint[]),
        CAST(:marks AS integer[]), CAST(:claim_range AS bigint[]))
        AS claimed(id, resident_id, tier_id, threshold_fen, face_value_fen,
            claimed_at_ms, valid_from_ms, valid_until_ms, marks, claim_range)
    ON CONFLICT DO NOTHING
""")


def insert_new(
    session: Session, campaign_id: str, rows: Sequence[NewVoucher], *, transfer_id: str
) -> set[int]:
    """Insert a campaign's vouchers that are not there yet; return the numbers that were new.

    :param transfer_id: the transfer of these rows alone, which locks their money
    """
    if session.get_bind().dialect.name == "postgresql":
        count = _insert_on_postgresql(session, campaign_id, rows, transfer_id)
    else:
        count = _insert_on_sqlite(session, rows, transfer_id)
    numbers = {row.id for row in rows}
    if count == len(rows):
        return numbers
    own = select(Voucher.id).where(
        Voucher.id.in_(numbers), Voucher.claim_transfer_id == transfer_id
    )
    return set(session.scalars(own))


def _insert_on_sqlite(session: Session, rows: Sequence[NewVoucher], transfer_id: str) -> int:
    """Insert rows; return how many were new."""
    connection = session.connection()
    dialect = connection.dialect
    to_text = ChinaTime().dialect_impl(dialect).bind_processor(dialect)
    assert to_text is not None  # noqa: S101  # SQLite has no type for times
    at: dict[int, str] = {}  # a rush has few different times: those of one day, and its seconds'
    values = []
    for row in rows:
        for time_ms in row[6:9]:
            if time_ms not in at:
                at[time_ms] = to_text(clock.from_ms(time_ms))
        values.append((*row[:6], at[row[6]], at[row[7]], at[row[8]], *row[9:], transfer_id))
    return connection.exec_driver_sql(_ON_SQLITE, values).rowcount


def _insert_on_postgresql(
    session: Session, campaign_id: str, rows: Sequence[NewVoucher], transfer_id: str
) -> int:
    """Insert rows; return how many were new."""
    columns = dict(zip(NewVoucher._fields, zip(*rows, strict=True), strict=True))
    del columns["campaign_id"]
    arrays = {name: f"{{{','.join(map(str, column))}}}" for name, column in columns.items()}
    named = {**arrays, "campaign_id": campaign_id, "transfer_id": transfer_id}
    result = session.execute(_ON_POSTGRESQL, named)
    count: int = result.rowcount  # type: ignore[attr-defined]  # execute() promises any Result
    return count


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
