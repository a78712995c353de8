"""What staff did (审计日志)."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Model
from backend.storage.sql import ChinaTime


class AuditEntry(Model):
    """One act of a member of staff: who, when, what, on what. Only ever added."""

    __tablename__ = "audit_entries"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(ChinaTime, index=True)
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    details: Mapped[dict[str, Any]] = mapped_column(JSON)
    __table_args__ = (Index("ix_audit_entries_subject_id", "subject", "id"),)


class AuditSeal(Model):
    """An entry's place in the hash chain (封存); docs/adr/0020-audit-seals.md. Only ever added."""

    __tablename__ = "audit_seals"
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # from 1, no gap
    entry_id: Mapped[int] = mapped_column(ForeignKey("audit_entries.id"), unique=True)
    sealed_at: Mapped[datetime] = mapped_column(ChinaTime)
    previous_hash: Mapped[str]  # of the position before; 64 zeros at the first
    hash: Mapped[str]  # SHA-256 in hex
    __table_args__ = (CheckConstraint("position >= 1", name="position_from_1"),)
