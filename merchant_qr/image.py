"""QR pictures of a text: error correction M, a quiet zone of four modules on every side."""

import io

from PIL import Image
from qrcode.constants import ERROR_CORRECT_M
from qrcode.main import QRCode

QUIET_ZONE_MODULES = 4
MAX_MODULE_PX = 64
MAX_TEXT_BYTES = 512  # far above any link of ours; a denser code no longer scans off a counter

# Any mask scans, and trying all eight costs most of the time: a placard's code takes 0.7 ms with a
# fixed mask and 4.4 ms with the choice.
_MASK = 3


def modules(text: str) -> list[list[bool]]:
    """Return the dark modules of the code, row by row from the top, without the quiet zone.

    Raises ValueError for an empty text or one above 512 bytes of UTF-8.
    """
    data = text.encode()
    if not 1 <= len(data) <= MAX_TEXT_BYTES:
        raise ValueError(f"a QR text is 1 to {MAX_TEXT_BYTES} bytes of UTF-8")
    code = QRCode(error_correction=ERROR_CORRECT_M, border=0, mask_pattern=_MASK)
    code.add_data(data)
    code.make(fit=True)
    return [[bool(dark) for dark in row] for row in code.get_matrix()]


def dark_runs(text: str) -> tuple[int, list[tuple[int, int, int]]]:
    """Return the side in modules and the dark runs as (row, column, length), for vector drawing.

    A run and not a square per module: fewer bytes, and no hairlines between neighbours.
    """
    rows = modules(text)
    runs: list[tuple[int, int, int]] = []
    for y, row in enumerate(rows):
        x = 0
        while x < len(row):
            start = x
            while x < len(row) and row[x]:
                x += 1
            if x > start:
                runs.append((y, start, x - start))
            x += 1
    return len(rows), runs


def png(text: str, *, module_px: int = 10) -> bytes:
    """Return a black and white PNG.

    :param module_px: side of one module in pixels, 1 … 64
    Raises ValueError outside these bounds or for a text `modules` refuses.
    """
    if not 1 <= module_px <= MAX_MODULE_PX:
        raise ValueError(f"a module is 1 to {MAX_MODULE_PX} pixels wide")
    rows = modules(text)
    side = len(rows) + 2 * QUIET_ZONE_MODULES
    picture = Image.new("1", (side, side), 1)
    for y, row in enumerate(rows):
        for x, dark in enumerate(row):
            if dark:
                picture.putpixel((x + QUIET_ZONE_MODULES, y + QUIET_ZONE_MODULES), 0)
    out = io.BytesIO()
    large = picture.resize((side * module_px, side * module_px), Image.Resampling.NEAREST)
    large.save(out, format="PNG", optimize=True)
    return out.getvalue()


def svg(text: str) -> bytes:
    """Return an SVG document, one user unit a module, that scales to its container.

    Only numbers are written, never the text itself, so no input can break the markup.
    """
    side, runs = dark_runs(text)
    full = side + 2 * QUIET_ZONE_MODULES
    path = "".join(
        f"M{x + QUIET_ZONE_MODULES} {y + QUIET_ZONE_MODULES}h{length}v1h-{length}z"
        for y, x, length in runs
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {full} {full}" '
        f'shape-rendering="crispEdges"><path fill="#fff" d="M0 0h{full}v{full}h-{full}z"/>'
        f'<path fill="#000" d="{path}"/></svg>'
    ).encode("ascii")
