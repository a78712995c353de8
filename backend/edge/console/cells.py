"""What stands in a cell of a table: one value says how it is shown and how it is exported."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from flask import url_for

from backend.domain.china import CHINA
from backend.domain.money import yuan_grouped
from backend.services import workbooks

Tone = Literal["good", "busy", "bad", "plain"]


@dataclass(frozen=True)
class Money:
    """An amount in fen, shown in yuan with two decimals."""

    amount_fen: int

    def __str__(self) -> str:
        return yuan_grouped(self.amount_fen)


@dataclass(frozen=True)
class Ratio:
    """A part of a whole, times `scale`: 100 for per cent. Of nothing it is a dash."""

    part: int
    whole: int
    scale: int = 1

    @property
    def value(self) -> Decimal | None:
        """It with two decimals, rounded half to even."""
        if not self.whole:
            return None
        return (Decimal(self.part * self.scale) / self.whole).quantize(Decimal("0.01"))

    def __str__(self) -> str:
        return "—" if self.value is None else f"{self.value:,}"


@dataclass(frozen=True)
class Badge:
    """A state: its word says it, the tone only underlines it."""

    text: str
    tone: Tone = "plain"

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Link:
    """Words that lead to a page of ours, by its endpoint: a file has the words alone."""

    text: str
    endpoint: str
    values: Mapping[str, object] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Its address, while a page is answered."""
        return url_for(self.endpoint, **self.values)  # type: ignore[arg-type]  # any is a value

    def __str__(self) -> str:
        return self.text


Cell = str | int | datetime | date | Money | Ratio | Badge | Link | None


def shown(cell: Cell) -> str:
    """Return a cell as people read it; nothing is a dash."""
    if cell is None or cell == "":
        return "—"
    if isinstance(cell, datetime):
        return f"{cell.astimezone(CHINA):%Y-%m-%d %H:%M:%S}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def exported(cell: Cell) -> str | int | Decimal | None:
    """Return a cell as a spreadsheet keeps it: amounts and counts as numbers, the rest as text."""
    if isinstance(cell, Money):
        return workbooks.yuan(cell.amount_fen)
    if isinstance(cell, Ratio):
        return cell.value
    return cell if cell is None or isinstance(cell, int) else shown(cell)


def is_number(cell: Cell) -> bool:
    """Tell what stands at the right of its column."""
    return isinstance(cell, Money | Ratio | int)
