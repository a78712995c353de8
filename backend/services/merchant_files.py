"""Papers and photos about merchants (凭证): judged by content, sealed, named by their digest."""

import hashlib
from contextlib import suppress
from pathlib import Path

from flask import current_app

from backend.domain.errors import NotFound
from backend.extensions import db
from backend.services import audit
from backend.services.evidence_pictures import cleaned
from backend.services.personal_data import vault
from backend.settings import Settings
from backend.storage import files
from backend.storage.queries import onboarding as queries
from backend.storage.sql import transaction

FOLDER = "merchants"


def keep(content: bytes | None) -> str | None:
    """Keep a picture or PDF and return the SHA-256 of what is kept; None for none.

    The same file again is the same digest. On the disk before any row names it.
    Raises EvidenceRefused.
    """
    if content is None:
        return None
    _, kept = cleaned(content)
    digest = hashlib.sha256(kept).hexdigest()
    with suppress(FileExistsError):
        files.write_new(_path_of(digest), vault().seal(kept))
    return digest


def read(digest: str, *, merchant_id: str, actor: str) -> tuple[str, bytes]:
    """Return (media type, bytes) of a merchant's paper; who looked at it is written down.

    Raises NotFound, also for what belongs to another merchant.
    """
    if not queries.has_paper(db.session(), merchant_id, digest):
        raise NotFound(f"file {digest[:16]!r} of {merchant_id}")
    try:
        content = vault().open(_path_of(digest).read_bytes())
    except FileNotFoundError as error:
        raise NotFound(f"file {digest[:16]!r}") from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise ValueError(f"file {digest} is not what was kept")
    with transaction() as session:
        audit.record(
            session, actor=actor, action="merchant.read_file", subject=merchant_id, digest=digest
        )
    return ("application/pdf" if content.startswith(b"%PDF-") else "image/jpeg"), content


def drop(digest: str) -> None:
    """Remove a file that nothing needs any longer; one that is gone already is no fault."""
    _path_of(digest).unlink(missing_ok=True)


def _path_of(digest: str) -> Path:
    settings: Settings = current_app.extensions["settings"]
    return files.where(settings.files_dir / FOLDER, digest)
