"""Placards of many merchants in one file: a PDF with a page each, or a ZIP of single PDFs.

The same placards give the same bytes, and memory stays flat: rows are read a thousand at a time.
"""

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import IO, Any, Literal

from flask import current_app

from backend.services import placards
from backend.services.listings import Listing
from backend.settings import Settings
from backend.storage.queries import placard_batches as queries
from merchant_qr import sheet
from merchant_qr.sheet import PlacardText, Size

Form = Literal["pdf", "zip"]
_EPOCH = (1980, 1, 1, 0, 0, 0)  # of ZIP: a file's own time would make other bytes of the same


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which published merchants: of a domain, of an area, or those named; empty wishes nothing."""

    domain_id: str = ""
    area: str = ""
    merchant_ids: tuple[str, ...] = ()


def write(
    out: IO[bytes],
    selection: Selection,
    *,
    form: Form,
    size: Size,
    progress: Callable[[int], None] = lambda _: None,
) -> int:
    """Write the newest placards of a selection, by merchant number; return how many.

    A merchant without a placard that counts is left out: see `missing`.
    :param progress: is told the count after each placard
    """
    settings: Settings = current_app.extensions["settings"]
    font = settings.pdf_cjk_font
    texts = _texts(selection, progress)
    if form == "pdf":
        return sheet.placards_pdf(out, texts, title="码牌", size=size, cjk_font=font)
    count = 0
    with zipfile.ZipFile(out, "w") as archive:
        for text in texts:
            count += 1
            entry = zipfile.ZipInfo(f"{text.merchant_id}-{text.serial}.pdf", _EPOCH)
            archive.writestr(entry, sheet.placard_pdf(**asdict(text), size=size, cjk_font=font))
    return count


def count(selection: Selection) -> int:
    """Return how many placards `write` would write."""
    return sum(row.serial is not None for row in _rows(selection))


def missing(selection: Selection) -> list[str]:
    """Return the numbers of the selected merchants that have no placard that counts."""
    return [row.id for row in _rows(selection) if row.serial is None]


def issue_missing(selection: Selection, *, actor: str) -> int:
    """Issue a placard to each selected merchant that has none; return how many."""
    without = missing(selection)
    for merchant_id in without:
        placards.issue(merchant_id, actor=actor)
    return len(without)


def _texts(selection: Selection, progress: Callable[[int], None]) -> Iterator[PlacardText]:
    done = 0
    for row in _rows(selection):
        if row.serial is None:
            continue
        yield PlacardText(
            merchant_name=row.name,
            merchant_id=row.id,
            serial=row.serial,
            programme_name=row.programme_name,
            url=placards.link(row.id, row.serial),
        )
        done += 1
        progress(done)


def _rows(selection: Selection) -> Iterator[Any]:
    return Listing(queries.find(**asdict(selection)), read=lambda row: row).each()
