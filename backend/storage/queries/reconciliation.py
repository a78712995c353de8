"""Reconciliation in SQL: how each record of a file compares with ours (`reconciliation_ours`)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Exists,
    Integer,
    Select,
    Subquery,
    and_,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from backend.storage.models.reconciliation import OutsideFile, OutsideLine, ReconciliationItem
from backend.storage.queries import reconciliation_ours

READ_BATCH = 1000
Rows: TypeAlias = Select[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one record compares. Amounts in fen; None on the side that lacks it."""

    record_type: str
    our_number: str
    line: int | None
    result: str
    differs: str
    our_fen: int | None
    their_fen: int | None
    our_discount_fen: int | None
    their_discount_fen: int | None
    file_id: int | None  # whose line it is


def of_file(session: Session, file: OutsideFile) -> Iterator[Verdict]:
    """Yield the verdict of every line of a file, in its order."""
    return _read(session, _lines_judged(file).order_by("line"))


def differing_in_file(session: Session, file: OutsideFile) -> Iterator[Verdict]:
    """Yield the verdicts of a file's lines that do not agree, in its order."""
    judged = _lines_judged(file).subquery()
    query = select(judged).where(judged.c.result != "matched").order_by(judged.c.line)
    return _read(session, query)


def lacking_in_file(
    session: Session, file: OutsideFile, *, start: datetime, end: datetime
) -> Iterator[Verdict]:
    """Yield what of ours happened in [start, end) and stands in no file in force of the party."""
    query = _lacking(file, start=start, end=end)
    return _read(session, query.order_by("record_type", "our_number"))


def sums_of_file(
    session: Session, file: OutsideFile, *, start: datetime, end: datetime
) -> list[tuple[str, int, int, int]]:
    """Return (result, count, our fen, their fen) for each result there is; back is negative."""
    every = union_all(_lines_judged(file), _lacking(file, start=start, end=end)).subquery()
    sign = case((every.c.record_type == "payment", 1), else_=-1)
    # What is theirs alone may repeat a record of ours, which counts where it was named first.
    ours_fen = case((every.c.result == "only_theirs", 0), else_=sign * every.c.our_fen)
    rows = session.execute(
        select(
            every.c.result,
            func.count(),
            func.coalesce(func.sum(ours_fen), 0),
            func.coalesce(func.sum(sign * every.c.their_fen), 0),
        )
        .group_by(every.c.result)
        .order_by(every.c.result)
    )
    return [(result, count, int(ours), int(theirs)) for result, count, ours, theirs in rows]


def of_waiting(session: Session, file: OutsideFile) -> Iterator[tuple[int, Verdict]]:
    """Yield the waiting items of a file's party, each with its verdict by what stands today.

    An item comes once for each file in force that names it, by day. One that no side has any more
    is `matched`: there is nothing left that could disagree.
    """
    item = ReconciliationItem
    lines = _lines(file).where(OutsideFile.superseded_at.is_(None)).subquery("lines")
    ours = reconciliation_ours.of_party(file.kind, file.party)
    query = (
        select(item.id, *_judged(file, lines, ours, item))
        .outerjoin(
            lines,
            and_(lines.c.record_type == item.record_type, lines.c.our_number == item.our_number),
        )
        .outerjoin(
            ours, and_(ours.c.record_type == item.record_type, ours.c.number == item.our_number)
        )
        .where(
            item.kind == file.kind,
            item.party == file.party,
            item.state.in_(("open", "explained")),
        )
        .order_by(item.id, lines.c.day)
    )
    for row in session.execute(query, execution_options={"yield_per": READ_BATCH}):
        yield row[0], _verdict(row[1:])


def _lines_judged(file: OutsideFile) -> Rows:
    lines = _lines(file).where(OutsideLine.file_id == file.id).subquery("lines")
    ours = reconciliation_ours.of_party(file.kind, file.party)
    same = and_(ours.c.record_type == lines.c.record_type, ours.c.number == lines.c.our_number)
    columns = _judged(file, lines, ours)
    return select(*columns).select_from(lines).outerjoin(ours, same)


def _lines(file: OutsideFile) -> Rows:
    """Select the lines of all files of a party and kind, each with its file's day."""
    return (
        select(
            *OutsideLine.__table__.c,
            OutsideFile.day,
            OutsideFile.ours_from,
            OutsideFile.ours_until,
        )
        .join(OutsideFile, OutsideFile.id == OutsideLine.file_id)
        .where(OutsideFile.kind == file.kind, OutsideFile.party == file.party)
    )


def _judged(
    file: OutsideFile,
    lines: Subquery,
    ours: Subquery,
    item: type[ReconciliationItem] | None = None,
) -> list[ColumnElement[Any]]:
    """Return the columns of a verdict. What one side does not tell is NULL and differs not.

    :param item: whose record it is where no line may be left; without one every row is a line
    """
    money = {
        "amount": ours.c.amount_fen != lines.c.amount_fen,
        "discount": ours.c.discount_fen != lines.c.discount_fen,
    }
    detail = {
        "merchant": ours.c.merchant_number != lines.c.merchant_number,
        "campaign": ours.c.campaign_id != lines.c.campaign_id,
        "day": or_(ours.c.at < lines.c.ours_from, ours.c.at >= lines.c.ours_until),
    }
    repeated = _repeated(file, lines, ours)
    without_line = []
    if item is not None:
        lacking = and_(lines.c.line.is_(None), ours.c.expected, _unnamed(file, ours))
        without_line = [(lacking, "only_ours"), (lines.c.line.is_(None), "matched")]
    result = case(
        *without_line,
        (or_(ours.c.number.is_(None), repeated), "only_theirs"),
        (or_(*money.values()), "amount_differs"),
        (or_(*detail.values()), "detail_differs"),
        else_="matched",
    )
    differs: ColumnElement[str] = literal("")
    for name, condition in {**money, **detail, "repeated": repeated}.items():
        differs = differs + case((condition, f"{name} "), else_="")
    return [
        (item or lines.c).record_type.label("record_type"),
        (item or lines.c).our_number.label("our_number"),
        lines.c.line.label("line"),
        result.label("result"),
        func.rtrim(differs).label("differs"),
        ours.c.amount_fen.label("our_fen"),
        lines.c.amount_fen.label("their_fen"),
        ours.c.discount_fen.label("our_discount_fen"),
        lines.c.discount_fen.label("their_discount_fen"),
        lines.c.file_id.label("file_id"),
    ]


def _repeated(file: OutsideFile, lines: Subquery, ours: Subquery) -> ColumnElement[bool]:
    """Whether a line names again what another line in force has named before it.

    By the same number on an earlier day, or by its other name there or further up in the file.
    """
    same_type = OutsideLine.record_type == lines.c.record_type
    before = OutsideFile.day < lines.c.day
    further_up = and_(OutsideFile.day == lines.c.day, OutsideLine.line < lines.c.line)
    by_other = OutsideLine.our_number == ours.c.other_number
    return or_(
        _named(file, same_type, OutsideLine.our_number == lines.c.our_number, before),
        and_(
            ours.c.other_number != lines.c.our_number,
            _named(file, same_type, by_other, or_(before, further_up)),
        ),
    )


def _lacking(file: OutsideFile, *, start: datetime, end: datetime) -> Rows:
    ours = reconciliation_ours.of_party(file.kind, file.party)
    return select(
        ours.c.record_type,
        ours.c.number.label("our_number"),
        cast(null(), Integer).label("line"),
        literal("only_ours").label("result"),
        literal("").label("differs"),
        ours.c.amount_fen.label("our_fen"),
        cast(null(), BigInteger).label("their_fen"),
        ours.c.discount_fen.label("our_discount_fen"),
        cast(null(), BigInteger).label("their_discount_fen"),
        cast(null(), Integer).label("file_id"),
    ).where(ours.c.expected, ours.c.at >= start, ours.c.at < end, _unnamed(file, ours))


def _unnamed(file: OutsideFile, ours: Subquery) -> ColumnElement[bool]:
    """Whether no file in force names one of ours: two joins that SQL can hash, where IN is none."""
    same_type = OutsideLine.record_type == ours.c.record_type
    return and_(
        ~_named(file, same_type, OutsideLine.our_number == ours.c.number),
        ~_named(file, same_type, OutsideLine.our_number == ours.c.other_number),
    )


def _named(file: OutsideFile, *conditions: ColumnElement[bool]) -> Exists:
    """Whether a file in force of the party has a line for which the conditions hold."""
    return (
        select(OutsideLine.line)
        .join(OutsideFile, OutsideFile.id == OutsideLine.file_id)
        .where(
            OutsideFile.kind == file.kind,
            OutsideFile.party == file.party,
            OutsideFile.superseded_at.is_(None),
            *conditions,
        )
        .exists()
    )


def _read(session: Session, query: Rows) -> Iterator[Verdict]:
    for row in session.execute(query, execution_options={"yield_per": READ_BATCH}):
        yield _verdict(row)


def _verdict(columns: Sequence[Any]) -> Verdict:
    """Build a verdict from the columns in the order of its fields."""
    return Verdict(*columns)
