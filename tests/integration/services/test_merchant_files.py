"""Papers about merchants: sealed, named by what they hold."""

import hashlib

import pytest

from backend.domain.errors import NotFound
from backend.domain.subsidies import EvidenceRefused
from backend.services import merchant_files, standings
from backend.settings import Settings
from backend.storage import files
from backend.storage.models.audit import AuditEntry
from backend.storage.models.onboarding import MerchantStep
from tests.factories import RESTAURANT, SUPERMARKET, City, rows
from tests.subsidising import picture


def read(digest: str) -> tuple[str, bytes]:
    return merchant_files.read(digest, merchant_id=SUPERMARKET, actor="孙经办")


def test_a_file_is_kept_once_sealed_and_who_looks_is_noted(city: City) -> None:
    digest = merchant_files.keep(picture())
    assert digest is not None
    standings.suspend(SUPERMARKET, actor="李经办", reason="异常核销", evidence=picture())
    assert rows(MerchantStep)[-1].evidence_digest == digest
    media_type, content = read(digest)
    assert (media_type, hashlib.sha256(content).hexdigest()) == ("image/jpeg", digest)
    entry = rows(AuditEntry)[-1]
    assert (entry.action, entry.subject, entry.actor) == (
        "merchant.read_file",
        SUPERMARKET,
        "孙经办",
    )
    settings: Settings = city.app.extensions["settings"]
    kept = files.where(settings.files_dir / merchant_files.FOLDER, digest).read_bytes()
    assert content not in kept


def test_no_file_is_no_digest_and_what_is_neither_picture_nor_pdf_is_refused(city: City) -> None:
    assert merchant_files.keep(None) is None
    with pytest.raises(EvidenceRefused):
        merchant_files.keep(b"<script>")
    with pytest.raises(NotFound):
        read("0" * 64)


def test_a_paper_is_read_at_its_own_merchant_alone(city: City) -> None:
    standings.suspend(SUPERMARKET, actor="李经办", reason="异常核销", evidence=picture())
    digest = rows(MerchantStep)[-1].evidence_digest
    assert digest
    with pytest.raises(NotFound):
        merchant_files.read(digest, merchant_id=RESTAURANT, actor="孙经办")
    assert not [e for e in rows(AuditEntry) if e.action == "merchant.read_file"]
