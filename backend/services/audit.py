"""Writing down what staff did, in the same transaction as the act itself."""

from typing import Any

from sqlalchemy.orm import Session

from backend import clock
from backend.storage.models.audit import AuditEntry


def record(session: Session, *, actor: str, action: str, subject: str, **details: Any) -> None:
    """Add one entry. `details` holds no personal data."""
    session.add(
        AuditEntry(at=clock.now(), actor=actor, action=action, subject=subject, details=details)
    )
