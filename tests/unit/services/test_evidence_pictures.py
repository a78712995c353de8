"""What is kept of hostile files: nothing, or a picture drawn anew."""

import io
import struct
import zlib

import pytest
from PIL import Image

from backend.domain.subsidies import MAX_FILE_BYTES, EvidenceRefused
from backend.services.evidence_pictures import cleaned
from tests.subsidising import picture

PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, data: bytes) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def test_where_and_by_what_a_picture_was_taken_is_not_kept() -> None:
    out, exif = io.BytesIO(), Image.Exif()
    exif[0x010F] = "CAMERA"
    exif.get_ifd(0x8825)[2] = (47.0, 38.0, 30.0)
    exif[0x0112] = 6  # turned by a quarter
    Image.new("RGB", (40, 20)).save(out, "JPEG", exif=exif, comment=b"SECRET")
    assert b"CAMERA" in out.getvalue()
    media_type, kept = cleaned(out.getvalue())
    assert media_type == "image/jpeg"
    assert b"CAMERA" not in kept
    assert b"SECRET" not in kept
    drawn = Image.open(io.BytesIO(kept))
    assert dict(drawn.getexif()) == {}
    assert drawn.size == (20, 40)  # upright, since nothing says any more that it is not


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_what_hides_behind_a_picture_is_gone(kind: str) -> None:
    hidden = b"<script>alert(1)</script>PK\x03\x04<?php evil(); ?>"
    _, kept = cleaned(picture(kind=kind) + hidden)
    assert b"script" not in kept
    assert b"PK\x03\x04" not in kept


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a" + b"\x00" * 100,
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"<html><script>alert(1)</script>",
        b"PK\x03\x04" + b"\x00" * 100,
        b"MZ\x90",
        b"\xff\xd8\xff\xe0" + b"\x00" * 500,
        picture()[:200],
        b"\x89PNG\r\n\x1a\n" + b"\x00" * 500,
        b" " + PDF,
        PDF + b"<html>",
        PDF.replace(b"/Catalog", b"/Catalog/OpenAction<</S/JavaScript/JS(x)>>"),
        PDF.replace(b"/Catalog", b"/Catalog/AA<</S/J#61vaScript>>"),
        PDF.replace(b"/Catalog", b"/Catalog/EmbeddedFiles 2 0 R"),
        b"%PDF-1.7 no end",
    ],
)
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(EvidenceRefused):
        cleaned(content)


def test_a_picture_that_would_unfold_is_refused_before_it_does() -> None:
    """30,000 × 30,000 in some kilobytes: 2.7 GB when drawn."""
    bomb = png(30_000, 30_000, zlib.compress(b"\x00" * 3_000_000, 9))
    assert len(bomb) < 10_000
    with pytest.raises(EvidenceRefused):
        cleaned(bomb)
    for width, height in ((9_000, 9_000), (5_001, 5_000)):
        with pytest.raises(EvidenceRefused, match=f"{width}x{height}"):
            cleaned(png(width, height, zlib.compress(b"\x00" * 1_000, 9)))


def test_a_file_may_have_5_mb_and_not_one_byte_more() -> None:
    filling = b"\n%" + b"x" * (MAX_FILE_BYTES - len(PDF) - 2) + b"\ntrailer"
    whole = PDF.replace(b"\ntrailer", filling)
    assert len(whole) == MAX_FILE_BYTES
    assert cleaned(whole) == ("application/pdf", whole)
    with pytest.raises(EvidenceRefused):
        cleaned(whole + b"\n")
