"""Phones and photos of complaints that are long closed go; what was said and answered stays.

Source: personal data is deleted once its purpose is fulfilled (个人信息保护法, article 47).
"""

from datetime import timedelta

from flask import current_app
from sqlalchemy import select, update

from backend import clock
from backend.extensions import db
from backend.services import audit, complaint_photos
from backend.services.complaint_photos import Photo
from backend.settings import Settings
from backend.storage.models.complaints import Complaint, ComplaintStep
from backend.storage.sql import transaction

BATCH = 500  # a run


def clear_due() -> int:
    """Clear complaints that were closed `retention_days` ago or earlier; return how many."""
    settings: Settings = current_app.extensions["settings"]
    until = clock.now() - timedelta(days=settings.retention_days)
    closed = select(ComplaintStep.number).where(
        ComplaintStep.act == "close", ComplaintStep.at <= until
    )
    due = db.session.execute(
        select(Complaint.number, Complaint.photo_id, Complaint.photo_digest)
        .where(
            Complaint.state == "closed",
            Complaint.cleared_at.is_(None),
            Complaint.number.in_(closed),
        )
        .order_by(Complaint.number)
        .limit(BATCH)
    ).all()
    return sum(
        _clear(number, Photo(photo_id, digest) if photo_id and digest else None)
        for number, photo_id, digest in due
    )


def _clear(number: str, photo: Photo | None) -> bool:
    """Remove the photo before the row forgets its name: no file is left that nobody knows."""
    if photo is not None:
        complaint_photos.drop(photo)
    with transaction() as session:
        cleared = session.scalar(
            update(Complaint)
            .where(Complaint.number == number, Complaint.cleared_at.is_(None))
            .values(
                cleared_at=clock.now(),
                phone_hash=number,
                phone_encrypted=b"",
                phone_last4="",
                photo_id=None,
                photo_digest=None,
                form_digest="",  # a keyed hash, but of the phone too
            )
            .returning(Complaint.number)
        )
        if cleared is None:  # another run was faster
            return False
        audit.record(session, actor="jobs", action="complaint.clear", subject=number)
    return True
