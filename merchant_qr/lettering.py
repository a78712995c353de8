"""Chinese text on a PDF page: which face draws which character, and how a text fits its box.

Faces, tried in turn. The caller's TrueType font, if any, is embedded, so the page looks the same
everywhere. Helvetica draws Latin-1, and Times its `·` (U+00B7): PDF viewers draw a box for that one
in the Chinese face. `STSong-Light` draws the rest. It is a name only, the viewer supplies the
shapes, and it holds what Adobe-GB1 holds: GBK and the rare characters of Unicode's Extension A.

Lengths are in points (1/72 inch), y grows upwards, as ReportLab has it.
"""

import hashlib
import io
import re
import struct
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby

from reportlab.lib.colors import Color
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.pdfdoc import PDFError
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

CHINESE_FACE = "STSong-Light"
LATIN_FACE, LATIN_BOLD_FACE, DOT_FACE = "Helvetica", "Helvetica-Bold", "Times-Bold"
LEADING = 1.28  # baseline to baseline, in sizes
MISSING = "〓"  # the printers' mark for a letter no face has: it shows, where a blank would hide
_CENTRE = 0.37  # from the baseline up to the middle of a Chinese character, in sizes
_BOLD_STROKE = 0.028  # outline that thickens a face without a bold cut, in sizes
_DOT_CELL = 0.5  # room for `·` between two parts of a name, in sizes
_BOLD_CUTS = frozenset([LATIN_BOLD_FACE, DOT_FACE])
_NEVER_FIRST = frozenset("，。、；：？！·）》〉」』】〕”’…%),.;:?!")
_WORDS = re.compile(r"[0-9A-Za-z\u00c0-\u024f\u0400-\u04ff.'&_-]+|.")


def tidy(text: str, *, max_chars: int) -> str:
    """Return the text on one line, without control, format and private characters.

    Longer texts end in `…` at max_chars. Composed form (NFC), so that one letter is one character.
    """
    composed = unicodedata.normalize("NFC", " ".join(text.split()))
    kept = "".join(c for c in composed if unicodedata.category(c)[0] != "C")
    return kept if len(kept) <= max_chars else kept[: max_chars - 1] + "…"


class Lettering:
    """Draws text on one canvas.

    :param cjk_font: bytes of a TrueType font or collection (its first face), or None
    Raises ValueError when ReportLab cannot embed the font; it refuses PostScript (CFF) outlines.
    """

    def __init__(self, canvas: Canvas, *, cjk_font: bytes | None) -> None:
        self._canvas = canvas
        self._embedded = None if cjk_font is None else _embeddable(cjk_font)
        self._ems: dict[tuple[str, str], float] = {}
        _register_chinese_face()

    def tidy(self, text: str, *, max_chars: int) -> str:
        """Like the function `tidy`, and only what a face can draw.

        A letter no face has becomes `〓`; an emoji or a mark no face has is left out.
        """
        shown = (self._drawable(c) for c in tidy(text, max_chars=max_chars))
        return " ".join("".join(shown).split())

    def draw(
        self,
        x_middle: float,
        y_middle: float,
        text: str,
        *,
        size: float,
        colour: Color,
        bold: bool = False,
    ) -> None:
        """Draw one line centred on the point."""
        canvas = self._canvas
        x = x_middle - self.width(text, size, bold=bold) / 2
        for face, run in self._runs(text, bold=bold):
            width = sum(self._em(c, face) for c in run) * size
            # Only `·` is given more room than its glyph; half of the rest goes to its left.
            spare = width - pdfmetrics.stringWidth(run, face, size)
            pen = canvas.beginText(x + spare / 2, y_middle - _CENTRE * size)
            pen.setFont(face, size)
            pen.setFillColor(colour)
            pen.setStrokeColor(colour)
            canvas.setLineWidth(_BOLD_STROKE * size)
            if bold and face not in _BOLD_CUTS:
                pen.setTextRenderMode(2)
            pen.textOut(run)
            pen.setTextRenderMode(0)  # it would last beyond this text
            canvas.drawText(pen)
            x += width

    def width(self, text: str, size: float, *, bold: bool = False) -> float:
        """Return the width of one line, in points."""
        return size * sum(self._em(char, self._face(char, bold=bold)) for char in text)

    def fit(
        self, text: str, *, width: float, height: float, largest: int, smallest: int
    ) -> tuple[int, list[str]]:
        """Return the largest size at which the bold text fits the box, and its lines, evenly full.

        At the smallest size, lines that still do not fit are left out and the last ends in `…`.
        """
        words = [(word, self.width(word, 1, bold=True)) for word in _WORDS.findall(text)]
        for size in range(largest, smallest - 1, -1):
            lines = self._wrap(words, width / size)
            if len(lines) * LEADING * size <= height:
                return size, self._even(words, lines, width / size)
        room = max(1, int(height // (LEADING * smallest)))
        lines = self._wrap(words, width / smallest)
        return smallest, [*lines[: room - 1], lines[room - 1][:-1] + "…"]

    def _even(self, words: list[tuple[str, float]], lines: list[str], ems: float) -> list[str]:
        """Narrow the lines as long as their number stays, so that none is left nearly empty."""
        while len(lines) > 1 and ems > 1:
            ems -= 0.5
            narrower = self._wrap(words, ems)
            if len(narrower) > len(lines):
                break
            lines = narrower
        return lines

    def _wrap(self, words: list[tuple[str, float]], ems: float) -> list[str]:
        """Break into lines of at most so many ems: around Chinese characters, between words."""
        line, used, lines = "", 0.0, []
        for piece, width in self._pieces(words, ems):
            if line and used + width > ems:
                # A closing mark takes the character before it to the next line.
                carried = line[-1] if piece in _NEVER_FIRST and len(line) > 1 else ""
                lines.append(line[: len(line) - len(carried)])
                line, used = carried, self.width(carried, 1, bold=True)
            line, used = line + piece, used + width
        return [kept for kept in (line.strip() for line in [*lines, line]) if kept]

    def _pieces(self, words: list[tuple[str, float]], ems: float) -> Iterator[tuple[str, float]]:
        for word, width in words:
            if width <= ems:
                yield word, width
            else:  # a word longer than a line breaks anywhere
                yield from ((char, self.width(char, 1, bold=True)) for char in word)

    def _runs(self, text: str, *, bold: bool) -> Iterator[tuple[str, str]]:
        # The middle dot is a run of its own: it is placed in a wider cell.
        for (face, _), chars in groupby(text, key=lambda c: (self._face(c, bold=bold), c == "·")):
            yield face, "".join(chars)

    def _em(self, char: str, face: str) -> float:
        """Width of one character in sizes; all these faces add widths without kerning."""
        em = self._ems.get((char, face))
        if em is None:
            em = pdfmetrics.stringWidth(char, face, 1)
            if char == "·":
                em = max(em, _DOT_CELL)
            self._ems[char, face] = em
        return em

    def _face(self, char: str, *, bold: bool) -> str:
        if self._embedded is not None and ord(char) in self._embedded.face.charToGlyph:
            return str(self._embedded.fontName)
        if char == "·":
            return DOT_FACE  # round, where Helvetica's is a square
        if char <= "\xff":
            return LATIN_BOLD_FACE if bold else LATIN_FACE
        return CHINESE_FACE

    def _drawable(self, char: str) -> str:
        if self._face(char, bold=False) != CHINESE_FACE or _in_adobe_gb1(char):
            return char
        return MISSING if unicodedata.category(char)[0] in "LN" else ""


def _in_adobe_gb1(char: str) -> bool:
    if "\u3400" <= char <= "\u4db5":  # Extension A, e.g. 䶮
        return True
    try:
        char.encode("gbk")
    except UnicodeEncodeError:
        return False
    return True


@lru_cache(maxsize=1)
def _register_chinese_face() -> None:
    pdfmetrics.registerFont(UnicodeCIDFont(CHINESE_FACE))


@lru_cache(maxsize=2)  # reading a Chinese font takes far longer than drawing a page
def _embeddable(font: bytes) -> TTFont:
    name = f"cjk-{hashlib.sha256(font).hexdigest()[:16]}"
    try:
        face = TTFont(name, io.BytesIO(font))
    except (PDFError, struct.error, ValueError, LookupError) as error:
        raise ValueError("the Chinese font is not a TrueType font that can be embedded") from error
    pdfmetrics.registerFont(face)
    return face
