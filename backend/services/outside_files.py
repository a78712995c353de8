"""Taking an outside party's file of a day (收文件): whole or not at all, once, never over another.

A file is read twice: to find every fault, then to write its lines. So no line is kept of a file
that has one fault, and a file of any length takes the memory of a batch.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from typing import IO

import structlog
from flask import current_app
from sqlalchemy import or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend import clock
from backend.domain.errors import HuiquanError
from backend.domain.reconciliation import (
    MAX_FILE_BYTES,
    NEIGHBOURING_DAYS,
    DayNotOver,
    Fault,
    FileKind,
    OutsideFileExists,
    OutsideFileNotInForce,
    OutsideFileRefused,
    OutsideRecord,
    checked_reason,
    is_late,
)
from backend.extensions import db
from backend.gateways import bank_files, outside_bills
from backend.services import audit
from backend.settings import Settings
from backend.storage import files
from backend.storage.models.campaigns import Campaign
from backend.storage.models.reconciliation import OutsideFile
from backend.storage.queries import outside_lines as queries
from backend.storage.sql import transaction

log = structlog.get_logger()
WRITE_BATCH = 2000


class FilesDirUnusable(HuiquanError):
    code = "files_dir_unusable"
    message = "存放对方文件的目录不可写，请检查 FILES_DIR 后重试"
    category = "unavailable"


@dataclass(frozen=True, kw_only=True)
class Coming:
    """A file that somebody brings: whose it is said to be, and of which day."""

    kind: FileKind
    party: str
    day: date
    name: str
    replaces: int | None = None
    reason: str | None = None
    without_records: bool = False  # its party says that nothing happened on this day


@dataclass(frozen=True, kw_only=True)
class Taken:
    """The outcome: the file's row, and whether these bytes are new."""

    file: OutsideFile
    new: bool


def take(source: IO[bytes], coming: Coming, *, actor: str) -> Taken:
    """Keep a file's bytes and write its lines; the same bytes again are the same file.

    A corrected file names the one it replaces and says why; that one stays, marked as superseded
    with all its lines. Bytes that were superseded come back in force the same way: as a correction
    of what took their place. A late file is taken and marked.

    :raises OutsideFileRefused: with every fault and its line
    :raises OutsideFileExists: another file of this day is in force, and none is named to replace
    :raises OutsideFileNotInForce: the one to replace is not in force for this party and day
    :raises FilesDirUnusable: the disk does not take the bytes; nothing was written
    """
    if clock.today() <= coming.day:
        raise DayNotOver(f"{coming.day}")
    if coming.replaces is not None:
        checked_reason(coming.reason)
    folder = _folder()
    try:
        with files.receive(folder, source, max_bytes=MAX_FILE_BYTES) as received:
            return _take(folder, received, coming, actor=actor)
    except files.FileTooLarge:
        reason = f"超过 {MAX_FILE_BYTES // 1024 // 1024} MB"
        raise OutsideFileRefused([Fault(line=0, where="文件", reason=reason)]) from None
    except OSError as error:
        raise FilesDirUnusable(f"{folder}: {error.strerror}") from error


def _take(folder: Path, received: files.Received, coming: Coming, *, actor: str) -> Taken:
    if known := _known_or_refused(db.session(), coming, received.digest):
        return Taken(file=known, new=False)
    campaigns = frozenset(db.session.scalars(select(Campaign.id)))
    db.session.close()  # the reading takes seconds: no transaction waits for it
    read = READERS[coming.kind]
    count, sum_fen = 0, 0
    for record in read(received, coming, campaigns):
        count, sum_fen = count + 1, sum_fen + record.signed_fen
    files.keep(folder, received)
    try:
        with transaction() as session:
            _supersede(session, coming)
            file = _row(received, coming, count=count, sum_fen=sum_fen, actor=actor)
            session.add(file)
            session.flush()
            _write_lines(session, file.id, read(received, coming, campaigns))
            _record(session, file, actor=actor)
    except (IntegrityError, OutsideFileNotInForce):
        # Another process was faster: with the same file, or with another one.
        if known := _known_or_refused(db.session(), coming, received.digest):
            return Taken(file=known, new=False)
        raise
    log.info("outside_file_taken", file_id=file.id, kind=file.kind, lines=count, late=file.late)
    return Taken(file=file, new=True)


def path_of(file: OutsideFile) -> Path:
    """Return where a file's bytes are kept, as they came."""
    return files.where(_folder(), file.digest)


def _folder() -> Path:
    settings: Settings = current_app.extensions["settings"]
    return settings.files_dir


def _known_or_refused(session: Session, coming: Coming, digest: str) -> OutsideFile | None:
    """Return the file of these bytes, None when they may be taken, or refuse them.

    Known are bytes that are in force, or that have replaced the file named already; a file that
    names none to replace is known however its bytes fared since. What is in force is asked first:
    a file that is taken in between is then known, not foreign.
    """
    of_the_day = (
        OutsideFile.kind == coming.kind,
        OutsideFile.party == coming.party,
        OutsideFile.day == coming.day,
    )
    in_force = session.scalar(
        select(OutsideFile.id).where(*of_the_day, OutsideFile.superseded_at.is_(None))
    )
    alike = select(OutsideFile).where(*of_the_day, OutsideFile.digest == digest)
    if coming.replaces is not None:
        alike = alike.where(
            or_(
                OutsideFile.superseded_at.is_(None),
                OutsideFile.replaces_id == coming.replaces,
            )
        )
    known = session.scalar(alike.order_by(OutsideFile.id.desc()).limit(1))
    if known is not None:
        return known
    if coming.replaces is not None and coming.replaces != in_force:
        raise OutsideFileNotInForce(f"{coming.replaces}, in force is {in_force}")
    if coming.replaces is None and in_force is not None:
        raise OutsideFileExists(f"file {in_force} is in force", details={"file_id": in_force})
    return None


def _supersede(session: Session, coming: Coming) -> None:
    if coming.replaces is None:
        return
    changed = session.execute(
        update(OutsideFile)
        .where(
            OutsideFile.id == coming.replaces,
            OutsideFile.kind == coming.kind,
            OutsideFile.party == coming.party,
            OutsideFile.day == coming.day,
            OutsideFile.superseded_at.is_(None),
        )
        .values(superseded_at=clock.now())
        .returning(OutsideFile.id)
    ).all()
    if not changed:
        raise OutsideFileNotInForce(f"{coming.replaces}")


def _row(
    received: files.Received, coming: Coming, *, count: int, sum_fen: int, actor: str
) -> OutsideFile:
    start, end = clock.day_bounds(coming.day)
    return OutsideFile(
        kind=coming.kind,
        party=coming.party,
        day=coming.day,
        name=coming.name,
        digest=received.digest,
        size_bytes=received.size_bytes,
        line_count=count,
        sum_fen=sum_fen,
        late=is_late(coming.kind, coming.day, taken=clock.today()),
        taken_at=clock.now(),
        taken_by=actor,
        ours_from=start - NEIGHBOURING_DAYS,
        ours_until=end + NEIGHBOURING_DAYS,
        replaces_id=coming.replaces,
        reason=checked_reason(coming.reason) if coming.replaces is not None else None,
    )


def _write_lines(session: Session, file_id: int, found: Iterable[OutsideRecord]) -> None:
    lines = (
        (
            *(file_id, record.line, record.type, record.our_number, record.outside_number),
            *(record.merchant_number, record.campaign_id, record.at),
            *(record.amount_fen, record.discount_fen),
        )
        for record in found
    )
    while batch := list(islice(lines, WRITE_BATCH)):
        queries.add_lines(session, batch)


def _record(session: Session, file: OutsideFile, *, actor: str) -> None:
    audit.record(
        session,
        actor=actor,
        action="reconciliation.take",
        subject=f"outside_file:{file.id}",
        kind=file.kind,
        party=file.party,
        day=file.day.isoformat(),
        digest=file.digest,
        lines=file.line_count,
        replaces=file.replaces_id,
        reason=file.reason,
    )


Campaigns = frozenset[str]
Reader = Callable[[files.Received, Coming, Campaigns], Iterator[OutsideRecord]]


def _read_bank(
    received: files.Received, coming: Coming, campaigns: Campaigns
) -> Iterator[OutsideRecord]:
    name = bank_files.read_name(coming.name)
    if name.party != coming.party:
        reason = f"是 {name.party} 的文件，不是 {coming.party} 的"
        raise OutsideFileRefused([Fault(line=0, where="文件名", reason=reason)])
    if name.day != coming.day:
        reason = f"是 {name.day} 的文件，不是 {coming.day} 的"
        raise OutsideFileRefused([Fault(line=0, where="文件名", reason=reason)])
    return bank_files.records(received.path, name=name, campaigns=campaigns)


def _read_trade_bill(
    received: files.Received, coming: Coming, campaigns: Campaigns
) -> Iterator[OutsideRecord]:
    if coming.without_records:
        return iter(())
    content = received.path.read_bytes()
    return outside_bills.of_trade_bill(content, party=coming.party, day=coming.day)


def _read_zm(
    received: files.Received, coming: Coming, campaigns: Campaigns
) -> Iterator[OutsideRecord]:
    if coming.without_records:
        return iter(())
    content = received.path.read_bytes()
    return outside_bills.of_zm(content, name=coming.name, party=coming.party, day=coming.day)


READERS: dict[FileKind, Reader] = {
    "wechat_bill": _read_trade_bill,
    "unionpay_zm": _read_zm,
    "bank_detail": _read_bank,
}
