"""Comparing an outside party's file with what we did (对账), as often as one likes.

Running a file again changes nothing unless one of the two sides has changed. Differences go into
the work list; one that agrees by now closes by itself, whichever file or act made it agree.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import date, datetime, timedelta
from itertools import chain, islice
from typing import TypeVar

import structlog
from sqlalchemy import delete, exists, or_, select
from sqlalchemy.orm import Session

from backend import clock
from backend.domain.errors import NotFound
from backend.domain.reconciliation import FileKind, OutsideFileNotInForce, bounds_of_file
from backend.extensions import db
from backend.storage.models.reconciliation import (
    OutsideFile,
    ReconciliationEvent,
    ReconciliationItem,
    ReconciliationSum,
)
from backend.storage.queries import reconciliation as queries
from backend.storage.queries.reconciliation import Verdict
from backend.storage.sql import allow_long_statements, transaction

log = structlog.get_logger()
BATCH = 1000
T = TypeVar("T")
ITSELF = "reconciliation"  # who acts when nobody does
LOOK_AGAIN_AFTER = timedelta(hours=1)
LOOK_AGAIN_FOR = timedelta(days=31)
FILES_A_RUN = 20


def run(file_id: int) -> list[ReconciliationSum]:
    """Compare a file in force with ours and keep sums and differences; safe to repeat.

    All files of the party wait for each other, so one difference is never written by two runs.

    :raises OutsideFileNotInForce: a later file stands in its place
    """
    with transaction() as session:
        allow_long_statements(session)
        file = _lock_party(session, file_id)
        start, end = bounds_of_file(file.kind, file.day)
        lacking = queries.lacking_in_file(session, file, start=start, end=end)
        _list_new(session, file, chain(queries.differing_in_file(session, file), lacking))
        _follow_waiting(session, file)
        session.execute(delete(ReconciliationSum).where(ReconciliationSum.file_id == file.id))
        sums = [
            ReconciliationSum(
                file_id=file.id, result=result, count=count, our_fen=our_fen, their_fen=their_fen
            )
            for result, count, our_fen, their_fen in queries.sums_of_file(
                session, file, start=start, end=end
            )
        ]
        session.add_all(sums)
        file.matched_at = clock.now()
    log.info("outside_file_matched", file_id=file_id, results={s.result: s.count for s in sums})
    return sums


def run_due() -> int:
    """Compare files that nobody has compared, and those with waiting differences once an hour.

    So a process that died after taking a file, and what became right since, leave no work for
    people.
    """
    now = clock.now()
    waiting = exists().where(
        ReconciliationItem.file_id == OutsideFile.id,
        ReconciliationItem.state.in_(("open", "explained")),
    )
    due = db.session.scalars(
        select(OutsideFile.id)
        .where(
            OutsideFile.superseded_at.is_(None),
            or_(
                OutsideFile.matched_at.is_(None),
                (OutsideFile.matched_at <= now - LOOK_AGAIN_AFTER)
                & (OutsideFile.day >= (now - LOOK_AGAIN_FOR).date())
                & waiting,
            ),
        )
        .order_by(OutsideFile.id)
        .limit(FILES_A_RUN)
    ).all()
    db.session.close()
    for file_id in due:
        run(file_id)
    return len(due)


def list_files(*, day: date | None = None, kind: FileKind | None = None) -> list[OutsideFile]:
    """Return the files that were taken, the newest day first, superseded ones too."""
    query = select(OutsideFile).order_by(OutsideFile.day.desc(), OutsideFile.id.desc())
    if day is not None:
        query = query.where(OutsideFile.day == day)
    if kind is not None:
        query = query.where(OutsideFile.kind == kind)
    return list(db.session.scalars(query))


def get_file(file_id: int) -> OutsideFile:
    """Return a file by its number."""
    file = db.session.get(OutsideFile, file_id)
    if file is None:
        raise NotFound(f"outside file {file_id}")
    return file


def sums_of(file_id: int) -> list[ReconciliationSum]:
    """Return the sums of a file's last comparison, by result."""
    return list(
        db.session.scalars(
            select(ReconciliationSum)
            .where(ReconciliationSum.file_id == file_id)
            .order_by(ReconciliationSum.result)
        )
    )


def _lock_party(session: Session, file_id: int) -> OutsideFile:
    file = session.get(OutsideFile, file_id)
    if file is None:
        raise NotFound(f"outside file {file_id}")
    session.execute(
        select(OutsideFile.id)
        .where(OutsideFile.kind == file.kind, OutsideFile.party == file.party)
        .order_by(OutsideFile.id)
        .with_for_update()
    ).all()
    session.refresh(file)
    if file.superseded_at is not None:
        raise OutsideFileNotInForce(f"{file_id}")
    return file


def _list_new(session: Session, file: OutsideFile, found: Iterable[Verdict]) -> None:
    """List differences that are new, or differ otherwise than what was settled or closed.

    What the replaced file showed already goes along to the file that stands in its place.
    """
    replaced = _replaced_by(session, file)
    for batch in _batches(found):
        known = {
            (item.record_type, item.our_number): item
            for item in session.scalars(
                select(ReconciliationItem).where(
                    ReconciliationItem.kind == file.kind,
                    ReconciliationItem.party == file.party,
                    ReconciliationItem.our_number.in_([v.our_number for v in batch]),
                )
            )
        }
        new = []
        for verdict in batch:
            item = known.get((verdict.record_type, verdict.our_number))
            if item is None:
                new.append(_new_item(file, verdict))
                continue
            if item.state == "closed" or (item.state == "resolved" and _moved(item, verdict)):
                _open_again(session, item, verdict, file)
            elif item.file_id in replaced:
                item.file_id, item.line = file.id, verdict.line
        session.add_all(new)
        session.flush()
        session.add_all(_event(item, "open", item.result) for item in new)
        session.flush()


def _replaced_by(session: Session, file: OutsideFile) -> set[int]:
    """Return the files of a file's day that are no longer in force."""
    return set(
        session.scalars(
            select(OutsideFile.id).where(
                OutsideFile.kind == file.kind,
                OutsideFile.party == file.party,
                OutsideFile.day == file.day,
                OutsideFile.superseded_at.is_not(None),
            )
        )
    )


def _follow_waiting(session: Session, file: OutsideFile) -> None:
    """Close waiting differences of the party that agree by now, and follow those that moved."""
    last: dict[int, Verdict] = {}
    for item_id, verdict in queries.of_waiting(session, file):
        if item_id not in last or verdict.result != "matched":
            last[item_id] = verdict
    for ids in _batches(last):
        for item in session.scalars(
            select(ReconciliationItem).where(ReconciliationItem.id.in_(ids))
        ):
            verdict = last[item.id]
            if verdict.result == "matched":
                item.state = "closed"
                session.add(_event(item, "closed", "agrees"))
            elif _moved(item, verdict):
                _open_again(session, item, verdict, file)
        session.flush()


def _open_again(
    session: Session, item: ReconciliationItem, verdict: Verdict, file: OutsideFile
) -> None:
    """An explanation was of other figures: somebody must look again."""
    for name, value in _figures(verdict).items():
        setattr(item, name, value)
    item.line = verdict.line
    if verdict.file_id is not None:
        item.file_id = verdict.file_id
    elif item.day == file.day:  # what another day's file lacks is no difference of this one
        item.file_id = file.id
    item.state, item.reason, item.explained_by, item.resolved_by = "open", None, None, None
    session.add(_event(item, "open", f"{verdict.result} {verdict.differs}".strip()))


def _new_item(file: OutsideFile, verdict: Verdict) -> ReconciliationItem:
    return ReconciliationItem(
        kind=file.kind,
        party=file.party,
        record_type=verdict.record_type,
        our_number=verdict.our_number,
        file_id=file.id,
        line=verdict.line,
        day=file.day,
        state="open",
        **_figures(verdict),
    )


def _figures(verdict: Verdict) -> dict[str, str | int | None]:
    """Return what an explanation is an explanation of."""
    told: dict[str, str | int | None] = asdict(verdict)
    return {name: told[name] for name in FIGURES}


FIGURES = (
    *("result", "differs"),
    *("our_fen", "their_fen", "our_discount_fen", "their_discount_fen"),
)


def _moved(item: ReconciliationItem, verdict: Verdict) -> bool:
    return any(getattr(item, name) != value for name, value in _figures(verdict).items())


def _event(item: ReconciliationItem, state: str, note: str) -> ReconciliationEvent:
    return event(item.id, state=state, note=note, actor=ITSELF, at=clock.now())


def event(item_id: int, *, state: str, note: str, actor: str, at: datetime) -> ReconciliationEvent:
    """Build one step of a difference's history."""
    return ReconciliationEvent(item_id=item_id, at=at, actor=actor, state=state, note=note)


def _batches(found: Iterable[T]) -> Iterator[list[T]]:
    rows = iter(found)
    while batch := list(islice(rows, BATCH)):
        yield batch
