"""Writing down what staff did, in the same transaction as the act itself, and reading it back."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy.orm import Session

from backend import clock
from backend.extensions import db
from backend.services.listings import Key, KeyedListing, Listing
from backend.storage.models.audit import AuditEntry
from backend.storage.queries import audit as queries


def record(session: Session, *, actor: str, action: str, subject: str, **details: Any) -> None:
    """Add one entry. `details` holds no personal data."""
    session.add(
        AuditEntry(at=clock.now(), actor=actor, action=action, subject=subject, details=details)
    )


def entries(
    *,
    since: date | None = None,
    through: date | None = None,
    actor: str = "",
    action: str = "",
    subject: str = "",
    oldest_first: bool = False,
) -> Listing[AuditEntry]:
    """Return the log, or what of it a filter wants: China's days, both included; texts exactly."""
    return KeyedListing(
        queries.find(
            since=clock.day_bounds(since)[0] if since else None,
            until=clock.day_bounds(through)[1] if through else None,
            actor=actor,
            action=action,
            subject=subject,
        ),
        key=Key((AuditEntry.id,), lambda entry: entry.id, falling=not oldest_first),
    )


def of_subject(subject: str, *, noun: str) -> Sequence[AuditEntry]:
    """Return what was done with one thing, the first act first; `noun` as actions begin."""
    return queries.list_of_subject(db.session(), subject=subject, noun=noun)


def actions() -> Sequence[str]:
    """Return every kind of act that the log knows, in the order of its letters."""
    return queries.list_actions(db.session())


def by_day(*, last: int) -> Sequence[tuple[date, int]]:
    """Return how many acts each of the last days had, today included, the oldest first."""
    today = clock.today()
    days = [today - timedelta(days=back) for back in range(last - 1, -1, -1)]
    return queries.count_by_bounds(db.session(), {day: clock.day_bounds(day) for day in days})
