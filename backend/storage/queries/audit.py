"""Reading the audit log, where a service decides by what was done before."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
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
