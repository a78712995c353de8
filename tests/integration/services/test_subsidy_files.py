"""Evidence: encrypted under a random name, six at most, the owner's alone."""

import io

import pytest
from PIL import Image
from sqlalchemy import select

from backend.domain import subsidies as rules
from backend.domain.errors import NotFound
from backend.extensions import db
from backend.services import subsidies, subsidy_files
from backend.storage.models.audit import AuditEntry
from backend.storage.models.subsidies import SubsidyFile
from tests.factories import City, rows
from tests.integration.services.test_entries import at_once
from tests.subsidising import car, drafted, picture, submitted


def test_a_file_is_kept_encrypted_and_read_back_by_its_owner_alone(city: City) -> None:
    car(city)
    person = city.resident()
    made = drafted(person)
    media_type, content = subsidy_files.read(
        subsidy_id=made.id, name="photo", resident_id=person.id
    )
    assert media_type == "image/jpeg"
    assert Image.open(io.BytesIO(content)).size == (64, 48)
    (file,) = rows(SubsidyFile)
    place = subsidy_files.path_of(file.id)
    assert city.settings.files_dir in place.parents
    assert content[:20] not in place.read_bytes()
    assert place.stat().st_mode & 0o077 == 0
    for resident_id, name in ((city.resident().id, "photo"), (person.id, "photo-2")):
        with pytest.raises(NotFound):
            subsidy_files.read(subsidy_id=made.id, name=name, resident_id=resident_id)
    subsidy_files.read_as_staff(subsidy_id=made.id, name="photo", actor="商务局甲")
    acts = list(db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))
    assert "subsidy.read_file" in acts
    place.write_bytes(place.read_bytes()[:-1] + b"A")
    with pytest.raises(ValueError, match="altered"):
        subsidy_files.read(subsidy_id=made.id, name="photo", resident_id=person.id)


def test_a_replaced_file_of_a_draft_is_gone(city: City) -> None:
    car(city)
    person = city.resident()
    made = drafted(person)
    (old,) = rows(SubsidyFile)
    subsidy_files.put(
        subsidy_id=made.id, resident_id=person.id, name="photo", content=picture((10, 10))
    )
    assert not subsidy_files.path_of(old.id).exists()
    assert [file.name for file in subsidies.files(made.id)] == ["photo"]


def test_six_files_and_of_wanted_kinds_only(city: City) -> None:
    car(city)
    person = city.resident()
    made = drafted(person)
    for name in (*(f"photo-{n}" for n in range(2, 6)), "vin"):
        subsidy_files.put(subsidy_id=made.id, resident_id=person.id, name=name, content=picture())
    asked = {"subsidy_id": made.id, "resident_id": person.id, "content": picture()}
    with pytest.raises(rules.EvidenceFull):
        subsidy_files.put(**asked, name="photo-6")
    with pytest.raises(rules.EvidenceKindUnknown):
        subsidy_files.put(**asked, name="passport")
    subsidy_files.put(**asked, name="photo")  # replaces, so there is room
    kept = {file.id for file in rows(SubsidyFile) if file.replaced_at is None}
    on_disk = [row for row in rows(SubsidyFile) if subsidy_files.path_of(row.id).exists()]
    assert {row.id for row in on_disk} == kept
    assert len(kept) == 6


def test_ten_uploads_at_once_leave_six_files_at_most(city: City) -> None:
    car(city)
    person = city.resident()
    made = drafted(person)
    names = ["photo-2", "photo-3", "photo-4", "photo-5", "photo-6", "vin", "vin-2", "vin-3"]

    def put(number: int) -> None:
        subsidy_files.put(
            subsidy_id=made.id, resident_id=person.id, name=names[number], content=picture()
        )

    assert sorted(at_once(city.app, 8, put)) == ["evidence_full"] * 3 + ["ok"] * 5
    assert len(subsidies.files(made.id)) == 6


def test_what_is_handed_in_is_not_changed_any_more(city: City) -> None:
    car(city)
    person = city.resident()
    made = submitted(person)
    asked = {"subsidy_id": made.id, "resident_id": person.id, "name": "photo"}
    with pytest.raises(rules.SubsidyStepNotPossible):
        subsidy_files.put(**asked, content=picture())
    with pytest.raises(rules.EvidenceRefused):
        subsidy_files.put(**asked | {"subsidy_id": drafted(person, 2).id}, content=b"GIF89a")
