"""Reading the audit log: for those who look at it, and where a service decides by what was done."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from backend.storage.models.audit import AuditEntry


def acts_since(
    session: Session, subject: str, actions: Sequence[str], *, since: datetime
) -> list[AuditEntry]:
    """Return the entries of a subject from a moment on, in their order."""
    return list(
        session.scalars(
            select(AuditEntry)
            .where(
                AuditEntry.subject == subject,
                AuditEntry.action.in_(actions),
                AuditEntry.at >= since,
            )
            .order_by(AuditEntry.id)
        )
    )


def list_of_subject(session: Session, *, subject: str, noun: str) -> list[AuditEntry]:
    """Return the entries of one thing whose actions begin with a noun, in their order."""
    wanted = select(AuditEntry).where(
        AuditEntry.subject == subject, AuditEntry.action.startswith(f"{noun}.")
    )
    return list(session.scalars(wanted.order_by(AuditEntry.id)))


def find(
    *,
    since: datetime | None,
    until: datetime | None,
    actor: str,
    action: str,
    subject: str,
) -> Select[AuditEntry]:
    """Return the entries of [since, until) with exactly these texts, in no order.

    The empty text is no wish.
    """
    found = select(AuditEntry)
    if since:
        found = found.where(AuditEntry.at >= since)
    if until:
        found = found.where(AuditEntry.at < until)
    exactly = {"actor": actor, "action": action, "subject": subject}
    return found.filter_by(**{name: text for name, text in exactly.items() if text})


def list_actions(session: Session) -> Sequence[str]:
    """Return each action that was ever taken."""
    return session.scalars(select(AuditEntry.action).distinct().order_by(AuditEntry.action)).all()


def count_by_bounds(
    session: Session, bounds: Mapping[date, tuple[datetime, datetime]]
) -> Sequence[tuple[date, int]]:
    """Return how many entries lie in each of some half-open intervals."""
    counts = [
        func.count().filter(AuditEntry.at >= since, AuditEntry.at < until)
        for since, until in bounds.values()
    ]
    since = min(since for since, _ in bounds.values())
    found = session.execute(select(*counts).where(AuditEntry.at >= since)).one()
    return list(zip(bounds, found, strict=True))
