"""Photos of complaints: redrawn, sealed, for staff alone."""

import io
from pathlib import Path

import pytest
from apiflask import APIFlask
from PIL import Image

from backend.domain import complaints as rules
from backend.services import audit, complaints
from tests.complaining import file_one, words


def picture(form: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(out, form)
    return out.getvalue()


def kept(app: APIFlask) -> list[Path]:
    folder = app.extensions["settings"].files_dir / "complaints"
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_photo_is_kept_sealed_as_a_jpeg_and_who_looks_is_written_down(app: APIFlask) -> None:
    before = set(kept(app))
    number = complaints.file(words(), photo=picture()).number
    (path,) = set(kept(app)) - before
    assert b"JFIF" not in path.read_bytes()
    assert Image.open(io.BytesIO(complaints.photo_of(number, actor="jing.ban"))).format == "JPEG"
    assert [e.actor for e in audit.entries(action="complaint.read_file").each()] == ["jing.ban"]


@pytest.mark.parametrize(
    "content",
    [b"%PDF-1.7\n%%EOF", b"GIF89a", picture("BMP"), b"\xff\xd8\xffbroken", b"x" * 6_000_000],
)
def test_what_is_no_photo_is_refused_and_nothing_is_kept(app: APIFlask, content: bytes) -> None:
    before = kept(app)
    with pytest.raises(rules.ComplaintInvalid):
        complaints.file(words(), photo=content)
    assert kept(app) == before


def test_a_photo_of_a_complaint_that_is_refused_is_removed(app: APIFlask) -> None:
    for _ in range(rules.MAX_A_DAY):
        file_one()
    before = kept(app)
    with pytest.raises(rules.ComplaintTooMany):
        complaints.file(words(), photo=picture())
    assert kept(app) == before


def test_a_complaint_without_a_photo_has_none_to_show(app: APIFlask) -> None:
    with pytest.raises(rules.ComplaintNotFound):
        complaints.photo_of(file_one().number, actor="jing.ban")
