"""Photos of placement checks go in time: people may be on them. What was seen stays written down.

Source: personal data is deleted once its purpose is fulfilled (个人信息保护法, article 47).
"""

from datetime import timedelta

from flask import current_app
from sqlalchemy.exc import IntegrityError

from backend import clock
from backend.extensions import db
from backend.services import audit, merchant_files
from backend.settings import Settings
from backend.storage.models.onboarding import PlacementClearing
from backend.storage.queries import onboarding as queries
from backend.storage.sql import transaction

BATCH = 500  # a run


def clear_due() -> int:
    """Remove photos of checks recorded `retention_days` ago or earlier; return how many checks."""
    settings: Settings = current_app.extensions["settings"]
    until = clock.now() - timedelta(days=settings.retention_days)
    due = queries.list_photos_due(db.session(), until=until, limit=BATCH)
    return sum(_clear(*check) for check in due)


def _clear(check_id: str, merchant_id: str, digest: str) -> bool:
    """Remove the file, unless another paper is the same file, before it counts as removed."""
    if not queries.is_named_beside(db.session(), digest, check_id=check_id):
        merchant_files.drop(digest)
    try:
        with transaction() as session:
            session.add(PlacementClearing(check_id=check_id, cleared_at=clock.now()))
            session.flush()
            audit.record(
                session,
                actor="jobs",
                action="placement.clear",
                subject=merchant_id,
                check_id=check_id,
            )
    except IntegrityError:  # another run was faster
        return False
    return True
