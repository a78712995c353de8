"""Claimed vouchers on their way into SQL: each number once, its marks whenever they come."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from backend import clock
from backend.storage.models.vouchers import Voucher
from backend.storage.sql import ChinaTime


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
