"""What may be kept as evidence: pictures, drawn anew, and PDFs without active content.

A picture is decoded and encoded again as JPEG: position and camera go (they are personal data),
and with them whatever else the bytes could be read as. A PDF stays as it is, so it must begin and
end as one and name no script, action or attachment in plain; inside compressed parts nothing is
looked for, which is why it is only ever handed out as a download.
"""

import io
import re

from PIL import Image, ImageOps

from backend.domain.subsidies import MAX_FILE_BYTES, EvidenceRefused

MAX_PIXELS = 25_000_000
_ACTIVE = re.compile(
    rb"/(?:JavaScript|JS|Launch|EmbeddedFiles?|RichMedia|SubmitForm|ImportData|XFA)\b"
)
_QUALITIES = (88, 70, 50)


def cleaned(content: bytes) -> tuple[str, bytes]:
    """Return (media type, bytes to keep) of what was sent, judged by its content alone.

    Raises EvidenceRefused for anything else, too large, or broken.
    """
    if not 0 < len(content) <= MAX_FILE_BYTES:
        raise EvidenceRefused(f"{len(content)} bytes")
    if content.startswith(b"%PDF-"):
        return "application/pdf", _plain_pdf(content)
    if content.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")):
        return "image/jpeg", _redrawn(content)
    raise EvidenceRefused("neither picture nor PDF")


def _plain_pdf(content: bytes) -> bytes:
    if not content.rstrip(b"\r\n\t \x00").endswith(b"%%EOF"):
        raise EvidenceRefused("a PDF with something behind its end")
    names = re.sub(rb"#([0-9A-Fa-f]{2})", lambda m: bytes([int(m[1], 16)]), content)
    if _ACTIVE.search(names):
        raise EvidenceRefused("a PDF with active content")
    return content


def _redrawn(content: bytes) -> bytes:
    try:
        picture = Image.open(io.BytesIO(content), formats=("JPEG", "PNG"))
        if picture.width * picture.height > MAX_PIXELS:
            raise EvidenceRefused(f"{picture.width}x{picture.height}")
        upright = ImageOps.exif_transpose(picture)
        flat = upright.convert("RGB")
    except EvidenceRefused:
        raise
    except Exception as error:  # a decoder fails in many ways on hostile bytes, and all mean this
        raise EvidenceRefused(type(error).__name__) from error
    for quality in _QUALITIES:
        out = io.BytesIO()
        Image.frombytes("RGB", flat.size, flat.tobytes()).save(out, "JPEG", quality=quality)
        if out.tell() <= MAX_FILE_BYTES:
            return out.getvalue()
    raise EvidenceRefused("too large when drawn anew")
