"""Outside files that never came (未收到的对账文件), of days on which money went through a party.

A day without a payment owes no file: an installation that has just begun, or a bank whose tills
rest, raises no alarm.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from flask import current_app
from sqlalchemy import select

from backend import clock
from backend.domain.reconciliation import (
    FILE_KINDS,
    LATE_AFTER_DAYS,
    FileKind,
    bounds_of_file,
)
from backend.extensions import db
from backend.settings import Settings
from backend.storage.models.partners import Partner
from backend.storage.models.reconciliation import OutsideFile
from backend.storage.queries import missing_files as queries

LOOK_BACK_DAYS = 31  # what nobody brought in a month, nobody waits for any more


@dataclass(frozen=True, kw_only=True)
class MissingFile:
    """A file that a party owes; `late_since` is the first day on which it is late."""

    kind: FileKind
    party: str
    day: date
    late_since: date


@dataclass(frozen=True, kw_only=True)
class Source:
    """A party from which files of a kind come, and those that it owes, the oldest first."""

    kind: FileKind
    party: str
    missing: Sequence[MissingFile]


def sources() -> Sequence[Source]:
    """Return each party that we get files from, with what is missing of the last 31 days."""
    return [
        Source(kind=kind, party=party, missing=list(_missing(kind, party)))
        for kind in FILE_KINDS
        for party in _parties(kind)
    ]


def list_missing() -> Sequence[MissingFile]:
    """Return every file that is late and was not taken, the oldest day first."""
    found = [file for source in sources() for file in source.missing]
    return sorted(found, key=lambda file: (file.day, file.kind, file.party))


def is_expected(kind: FileKind, party: str, day: date) -> bool:
    """Tell whether a party owes a file of a day: whether money went through it."""
    start, end = bounds_of_file(kind, day)
    return queries.is_expected(db.session(), kind, party, start=start, end=end)


def party_of(kind: FileKind) -> str:
    """Return our number at the provider whose bills are of a kind; empty without the provider."""
    settings: Settings = current_app.extensions["settings"]
    numbers = {
        "wechat_bill": settings.wechat_pay_mchid,
        "unionpay_zm": settings.unionpay_merchant_number,
    }
    return numbers[kind] or ""


def _parties(kind: FileKind) -> Sequence[str]:
    if kind == "bank_detail":
        return db.session.scalars(select(Partner.id).order_by(Partner.id)).all()
    return [party] if (party := party_of(kind)) else []


def _missing(kind: FileKind, party: str) -> Iterator[MissingFile]:
    in_time = timedelta(days=LATE_AFTER_DAYS[kind])
    today = clock.today()
    last = today - in_time - timedelta(days=1)
    days = [last - timedelta(days=n) for n in range(LOOK_BACK_DAYS - 1, -1, -1)]
    taken = set(
        db.session.scalars(
            select(OutsideFile.day).where(
                OutsideFile.kind == kind,
                OutsideFile.party == party,
                OutsideFile.day >= days[0],
            )
        )
    )
    for day in days:
        if day not in taken and is_expected(kind, party, day):
            late_since = day + in_time + timedelta(days=1)
            yield MissingFile(kind=kind, party=party, day=day, late_since=late_since)
