"""Files that a job writes (导出): large tables as Excel, placards of many shops, with progress.

A file is for who asked, and is kept for 7 days. A job that dies is run again by another, under a
lease; a third death is a failure, which the page tells.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import IO, Protocol, cast

import structlog
from flask import current_app
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend import clock
from backend.domain.errors import HuiquanError, NotFound
from backend.extensions import db
from backend.services import audit
from backend.settings import Settings
from backend.storage.models.exports import Export
from backend.storage.queries import exports as queries
from backend.storage.sql import transaction

log = structlog.get_logger()
KEPT_FOR = timedelta(days=7)
LEASE = timedelta(minutes=2)
ATTEMPTS = 3


class Exportable(Protocol):
    """What can be written as a file, most often a table as Excel; the console declares them."""

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def progress_rows(self) -> int:
        """After so many rows progress is told, and the writer's lease renewed."""

    def write(
        self, query: Mapping[str, str], file: IO[bytes], progress: Callable[[int], None]
    ) -> int:
        """Write all rows of a filter, telling the count after each; return how many."""


class ExportNotReady(HuiquanError):
    code = "export_not_ready"
    message = "文件还没有生成好或已超过 7 天被清除，请在“我的导出”查看"
    category = "conflict"


class _LeaseLost(Exception):
    """Another has taken the export over: this writer stops."""


def note_direct(table_name: str, *, rows: int, actor: str) -> None:
    """Write down that somebody took a table away at once. Its filter may name people: not kept."""
    with transaction() as session:
        audit.record(session, actor=actor, action="table.export", subject=table_name, rows=rows)


def ask(table: Exportable, query: Mapping[str, str], *, actor: str) -> str:
    """Have a job write a table; return the export's id, that of the one under way for a repeat."""
    text = json.dumps(dict(sorted(query.items())), ensure_ascii=False)
    digest = hashlib.sha256(text.encode()).hexdigest()
    wish = {"asked_by": actor, "table_name": table.name}
    try:
        with transaction() as session:
            made = Export(
                id=secrets.token_hex(16),
                **wish,
                title=table.title,
                query=dict(query),
                query_digest=digest,
                asked_at=clock.now(),
                state="queued",
                attempts=0,
                rows_done=0,
            )
            session.add(made)
            audit.record(session, actor=actor, action="export.ask", subject=table.name)
    except IntegrityError:
        found = queries.get_open(db.session(), digest=digest, **wish)
        if found is None:  # it has just ended: ask again
            return ask(table, query, actor=actor)
        return found.id
    return made.id


def list_of(actor: str) -> Sequence[Export]:
    """Return what somebody asked for, the newest 50 first."""
    return queries.list_of(db.session(), actor)


def count_ready(actor: str) -> int:
    """Return how many files somebody can fetch."""
    return sum(export.state == "done" for export in list_of(actor))


def file_of(export_id: str, *, actor: str) -> tuple[Export, Path]:
    """Return a finished export of this person and its file.

    Raises NotFound for another's, ExportNotReady while there is no file.
    """
    found = db.session.get(Export, export_id)
    if found is None or found.asked_by != actor:
        raise NotFound("export")
    path = _path(export_id)
    if found.state != "done" or not path.exists():
        raise ExportNotReady(f"state {found.state}")
    return found, path


def run_due() -> int:
    """Write what waits, one after another; return how many files were made."""
    done = 0
    for export_id in queries.list_due(db.session(), clock.now()):
        with transaction() as session:
            taken = queries.take(session, export_id, now=clock.now(), until=clock.now() + LEASE)
        if taken is not None:
            done += _write(taken)
    return done


def forget_due() -> int:
    """Remove files after 7 days; return how many."""
    old = queries.list_old(db.session(), clock.now() - KEPT_FOR)
    for export_id in old:
        _path(export_id).unlink(missing_ok=True)
        with transaction() as session:
            queries.forget(session, export_id)
    return len(old)


def _write(taken: Export) -> bool:
    """Write one file beside its place, then make it appear there whole."""
    if taken.attempts > ATTEMPTS:
        return _end(taken, "failed", 0)
    tables = cast("Mapping[str, Exportable]", current_app.extensions["exportable"])
    path = _path(taken.id)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = path.with_suffix(f".{taken.attempts}.part")
    try:
        with beside.open("wb") as file:
            table = tables[taken.table_name]
            rows = table.write(taken.query, file, _progress(taken, table.progress_rows))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        return _end(taken, "done", rows)
    except _LeaseLost:
        return False
    except Exception:
        log.exception("export_failed", table=taken.table_name, attempt=taken.attempts)
        if taken.attempts == ATTEMPTS:
            _end(taken, "failed", 0)
        return False
    finally:
        beside.unlink(missing_ok=True)
        db.session.close()


def _progress(taken: Export, every_rows: int) -> Callable[[int], None]:
    """Return what a writer calls after each row; on a connection of its own, as rows are read."""

    def tell(rows_done: int) -> None:
        if rows_done % every_rows:
            return
        with _apart() as session, session.begin():
            until = clock.now() + LEASE
            if not queries.keep_on(session, taken, rows_done=rows_done, until=until):
                raise _LeaseLost

    return tell


def _apart() -> Session:
    return Session(db.engine.execution_options(huiquan_writes=True))


def _end(taken: Export, state: str, rows: int) -> bool:
    with transaction() as session:
        return queries.finish(session, taken, state=state, rows_done=rows, at=clock.now())


def _path(export_id: str) -> Path:
    settings: Settings = current_app.extensions["settings"]
    return settings.files_dir / "exports" / f"{export_id}.file"
