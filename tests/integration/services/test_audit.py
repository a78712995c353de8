"""What staff did is written in the same transaction as the act."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from backend.domain.campaigns import ActNotPossible
from backend.extensions import db
from backend.services import campaigns
from backend.storage.models.audit import AuditEntry
from tests.factories import MAY, City, rows


def test_an_act_names_its_actor_and_a_refused_act_leaves_no_entry(city: City) -> None:
    before = len(rows(AuditEntry))
    campaigns.pause(MAY, actor="李科长", reason="试")
    with pytest.raises(ActNotPossible):
        campaigns.pause(MAY, actor="李科长", reason="试")
    entries = rows(AuditEntry)[before:]
    assert [(e.actor, e.action, e.subject) for e in entries] == [("李科长", "campaign.pause", MAY)]


def test_an_entry_can_be_neither_changed_nor_deleted(city: City) -> None:
    for statement in ("UPDATE audit_entries SET actor = 'x'", "DELETE FROM audit_entries"):
        with pytest.raises(DatabaseError, match="never changed"):
            db.session.execute(text(statement))
        db.session.rollback()
