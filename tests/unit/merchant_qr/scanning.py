"""A phone's eye for the tests: a real decoder, and the blur of a cheap camera."""

import io

import pypdfium2
import zxingcpp
from PIL import Image, ImageFilter


def scan(picture: Image.Image) -> list[str]:
    """Return the texts of all codes on the picture."""
    return [code.text for code in zxingcpp.read_barcodes(picture.convert("L"))]


def blurred(picture: Image.Image, *, module_px: float) -> Image.Image:
    """Blur by a Gaussian whose radius is a fifth of a module."""
    return picture.convert("L").filter(ImageFilter.GaussianBlur(0.2 * module_px))


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def rendered(pdf: bytes, *, dpi: int) -> Image.Image:
    """Return the only page of the PDF as a picture."""
    document = pypdfium2.PdfDocument(pdf)
    assert len(document) == 1
    page: Image.Image = document[0].render(scale=dpi / 72).to_pil()
    return page
