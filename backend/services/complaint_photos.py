"""Photos of complaints: judged by content, drawn anew, kept sealed, for staff alone."""

import hashlib
import uuid
from dataclasses import dataclass
from pathlib import Path

from flask import current_app

from backend.domain.complaints import MAX_PHOTO_BYTES, ComplaintInvalid
from backend.domain.subsidies import EvidenceRefused
from backend.services.evidence_pictures import cleaned
from backend.services.personal_data import vault
from backend.settings import Settings
from backend.storage import files

FOLDER = "complaints"


@dataclass(frozen=True)
class Photo:
    """A kept photo: its random id, and the SHA-256 of the JPEG that was sealed."""

    id: str
    digest: str


def keep(content: bytes) -> Photo:
    """Keep a picture as JPEG without what a camera wrote into it; ComplaintInvalid for others."""
    try:
        media_type, picture = cleaned(content)
    except EvidenceRefused as error:
        raise _refused(str(error)) from error
    if media_type != "image/jpeg":
        raise _refused(media_type)
    photo = Photo(uuid.uuid4().hex, hashlib.sha256(picture).hexdigest())
    files.write_new(_path(photo), vault().seal(picture))
    return photo


def drop(photo: Photo) -> None:
    """Remove a photo that no complaint names."""
    _path(photo).unlink(missing_ok=True)


def read(photo: Photo) -> bytes:
    """Return a kept photo's JPEG; ValueError when it is not what was kept."""
    content = vault().open(_path(photo).read_bytes())
    if hashlib.sha256(content).hexdigest() != photo.digest:
        raise ValueError(f"photo {photo.id} is not what was kept")
    return content


def _path(photo: Photo) -> Path:
    settings: Settings = current_app.extensions["settings"]
    return settings.files_dir / FOLDER / photo.id[:2] / photo.id


def _refused(why: str) -> ComplaintInvalid:
    sentence = f"请用 JPEG 或 PNG 照片，不超过 {MAX_PHOTO_BYTES // 1024 // 1024} MB"
    return ComplaintInvalid(f"photo: {why}", details={"fields": {"photo": sentence}})
