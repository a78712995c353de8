"""Evidence files (申请材料): judged by content, kept encrypted, for owner and reviewers alone."""

import hashlib
import re
import uuid
from pathlib import Path

from flask import current_app

from backend import clock
from backend.domain import subsidies as rules
from backend.domain.errors import NotFound
from backend.extensions import db
from backend.services import audit, subsidies
from backend.services.evidence_pictures import cleaned
from backend.services.personal_data import vault
from backend.settings import Settings
from backend.storage import files
from backend.storage.models.subsidies import SubsidyFile
from backend.storage.queries import subsidies as queries
from backend.storage.sql import transaction

FOLDER = "subsidies"


def put(*, subsidy_id: str, resident_id: int, name: str, content: bytes) -> SubsidyFile:
    """Keep a file of an application that is not handed in; another of its name is replaced.

    Raises EvidenceRefused, EvidenceKindUnknown, EvidenceFull, SubsidyStepNotPossible, NotFound.
    """
    subsidy = subsidies.of_resident(subsidy_id, resident_id)
    if rules.kind_of(name) not in subsidies.evidence_of(subsidy.campaign):
        raise rules.EvidenceKindUnknown(f"{name} for {subsidy.campaign_id}")
    subsidies.refuse_unless(subsidy, ("draft", "refused"))
    db.session.close()
    media_type, kept = cleaned(content)
    file_id = uuid.uuid4().hex
    place = path_of(file_id)
    files.write_new(place, vault().seal(kept))
    try:
        with transaction() as session:
            subsidy = subsidies.held(session, subsidy_id, resident_id)
            subsidies.refuse_unless(subsidy, ("draft", "refused"))
            current = {file.name: file for file in queries.list_files(session, subsidy_id)}
            taken = {file.slot for file in current.values()}
            if old := current.get(name):
                old.replaced_at = clock.now()
                session.flush()
                taken.discard(old.slot)
            slot = next((n for n in range(1, rules.MAX_FILES + 1) if n not in taken), None)
            if slot is None:
                raise rules.EvidenceFull(subsidy_id)
            file = SubsidyFile(
                id=file_id,
                subsidy_id=subsidy_id,
                name=name,
                slot=slot,
                media_type=media_type,
                size_bytes=len(kept),
                digest=hashlib.sha256(kept).hexdigest(),
                uploaded_at=clock.now(),
            )
            session.add(file)
            session.flush()
            never_seen = old is not None and subsidy.state == "draft"
    except (Exception, KeyboardInterrupt):
        place.unlink(missing_ok=True)
        raise
    if old is not None and never_seen:  # no reviewer has looked at it: less is kept of a person
        path_of(old.id).unlink(missing_ok=True)
    return file


def read(*, subsidy_id: str, name: str, resident_id: int | None = None) -> tuple[str, bytes]:
    """Return (media type, bytes) of a current file; NotFound for another's as for an absent one."""
    subsidies.of_resident(subsidy_id, resident_id)
    for file in queries.list_files(db.session(), subsidy_id):
        if file.name == name:
            content = vault().open(path_of(file.id).read_bytes())
            if hashlib.sha256(content).hexdigest() != file.digest:
                raise ValueError(f"file {file.id} is not what was uploaded")
            return file.media_type, content
    raise NotFound(f"file {name[:32]!r} of {subsidy_id}")


def read_as_staff(*, subsidy_id: str, name: str, actor: str) -> tuple[str, bytes]:
    """Return a file to a reviewer; who looked at it is written down."""
    found = read(subsidy_id=subsidy_id, name=name)
    with transaction() as session:
        audit.record(
            session, actor=actor, action="subsidy.read_file", subject=subsidy_id, name=name
        )
    return found


def path_of(file_id: str) -> Path:
    """Return where a file is kept: by its random id, below FILES_DIR, which nothing serves."""
    settings: Settings = current_app.extensions["settings"]
    if not re.fullmatch("[0-9a-f]{32}", file_id):
        raise ValueError("no id of ours")
    return settings.files_dir / FOLDER / file_id[:2] / file_id
