"""The audit log as files: JSON lines, by which the chain is proved elsewhere, and a workbook."""

import json
from collections.abc import Iterator
from datetime import date
from typing import IO

from sqlalchemy import select

from backend import clock
from backend.domain import audit_chain
from backend.domain.audit_chain import Entry, Seal
from backend.extensions import db
from backend.services import audit, workbooks
from backend.services.audit_seals import entry_of, seal_of
from backend.storage.models.audit import AuditEntry, AuditSeal
from backend.storage.sql import transaction

_PAGE = 2000
_HEAD = (
    "编号",
    "时间",
    "操作人",
    "操作",
    "对象",
    "详情",
    "链位",
    "封存时间",
    "前一校验码",
    "校验码",
)
_WIDTHS = (10, 20, 18, 26, 24, 50, 10, 20, 30, 30)


def note(first: date, last: date, *, actor: str) -> None:
    """Write down that somebody takes the log of these days out."""
    with transaction() as session:
        audit.record(session, actor=actor, action="audit.export", subject=f"{first}/{last}")


def write_lines(file: IO[bytes], first: date, last: date) -> int:
    """Write the entries of business days `first` … `last`, a JSON object a line; return how many.

    Each line has what its hash was computed over, and `hash`. What waits for its seal has neither
    `position` nor `hash`.
    """
    count = 0
    for entry, seal in _between(first, last):
        shown = audit_chain.as_json(entry) | (audit_chain.seal_as_json(seal) if seal else {})
        file.write(audit_chain.canonical(shown) + b"\n")
        count += 1
    return count


def write_workbook(file: IO[bytes], first: date, last: date) -> None:
    """Write the same as a workbook, times in China, details as JSON."""
    with workbooks.workbook(file, title="审计日志") as book:
        page = workbooks.Page(book, "审计日志", _WIDTHS)
        page.row(*_HEAD, bold=True)
        for entry, seal in _between(first, last):
            shown = (entry.id, f"{entry.at:%Y-%m-%d %H:%M:%S}", entry.actor, entry.action)
            details = json.dumps(entry.details, ensure_ascii=False, sort_keys=True)
            page.row(*shown, entry.subject, details, *_seal_cells(seal))


def _seal_cells(seal: Seal | None) -> tuple[str | int | None, ...]:
    if seal is None:
        return ()
    return (
        seal.position,
        f"{seal.sealed_at:%Y-%m-%d %H:%M:%S}",
        seal.previous_hash,
        seal.hash,
    )


def _between(first: date, last: date) -> Iterator[tuple[Entry, Seal | None]]:
    since, until = clock.day_bounds(first)[0], clock.day_bounds(last)[1]
    session = db.session()
    after = 0
    while True:
        rows = session.execute(
            select(AuditEntry, AuditSeal)
            .outerjoin(AuditSeal, AuditSeal.entry_id == AuditEntry.id)
            .where(AuditEntry.at >= since, AuditEntry.at < until, AuditEntry.id > after)
            .order_by(AuditEntry.id)
            .limit(_PAGE)
        ).all()
        for entry_row, seal_row in rows:
            yield entry_of(entry_row), None if seal_row is None else seal_of(seal_row)
            after = entry_row.id
        session.expunge_all()
        if len(rows) < _PAGE:
            return
