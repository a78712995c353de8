"""The bank's form of payout and return files, read from YAML: PAYOUT_LAYOUT, or the sample."""

from pathlib import Path
from typing import Any, Literal

from flask import current_app
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from backend.domain.payouts import (
    Column,
    Encoding,
    FileFormat,
    Layout,
    PayoutField,
    PayoutLayoutInvalid,
    ReturnField,
    ReturnLayout,
    frame_faults,
)
from backend.services.programme_files import where
from backend.services.programme_yaml import read_document
from backend.settings import Settings

SAMPLE = Path(__file__).parent / "layouts" / "sample_payout.yaml"
_LINE_ENDS = {"crlf": "\r\n", "lf": "\n"}


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Column(_Shape):
    field: PayoutField
    title: str = Field(default="", max_length=40)
    width: int = Field(default=0, ge=0, le=500)
    align: Literal["left", "right"] = "left"
    pad: str = Field(default=" ", pattern="^[ -~]$")


class _Answer(_Shape):
    format: Literal["delimited", "xlsx"]
    encoding: Encoding = "gbk"
    delimiter: str = Field(default="|", pattern="^[\t!-~]$")
    skip_first: int = Field(default=0, ge=0, le=20)
    skip_last: int = Field(default=0, ge=0, le=20)
    columns: list[ReturnField] = Field(min_length=4, max_length=40)
    paid: list[str] = Field(min_length=1)
    failed: list[str] = Field(min_length=1)
    day_format: str = Field(default="%Y%m%d", max_length=20)


class _Layout(_Shape):
    name: str = Field(min_length=1, max_length=60)
    format: FileFormat
    encoding: Encoding = "gbk"
    delimiter: str = Field(default="|", pattern="^[\t!-~]$")
    line_end: Literal["crlf", "lf"] = "crlf"
    titles: bool = False
    header: str | None = None
    footer: str | None = None
    remark: str = ""
    columns: list[_Column] = Field(min_length=3, max_length=40)
    answer: _Answer


def current() -> Layout:
    """Return the layout in use; PayoutLayoutInvalid names every fault of its file."""
    settings: Settings = current_app.extensions["settings"]
    given = settings.payout_layout
    return read(SAMPLE.read_bytes() if given is None else given)


def read(content: bytes) -> Layout:
    """Return the layout that a YAML text in UTF-8 states."""
    document = read_document(content.decode("utf-8", "surrogateescape"))
    faults = [f"line {f.line} {where(f.path)}: {f.reason}" for f in document.faults]
    try:
        shape = None if faults else _Layout.model_validate(document.value)
    except ValidationError as error:
        shape = None
        for found in error.errors(include_url=False, include_input=False):
            path = tuple(found["loc"])
            faults.append(f"line {document.line_of(path)} {where(path)}: {found['msg']}")
    layout = None if shape is None else _layout(shape)
    if layout is not None:
        faults = [*_column_faults(layout), *frame_faults(layout)]
    if layout is None or faults:
        raise PayoutLayoutInvalid("; ".join(faults)[:500], details={"layout_faults": faults})
    return layout


def _layout(shape: _Layout) -> Layout:
    told: dict[str, Any] = shape.answer.model_dump()
    for name in ("columns", "paid", "failed"):
        told[name] = tuple(told[name])
    return Layout(
        name=shape.name,
        format=shape.format,
        encoding=shape.encoding,
        delimiter=shape.delimiter,
        line_end=_LINE_ENDS[shape.line_end],
        titles=shape.titles,
        header=shape.header,
        footer=shape.footer,
        remark=shape.remark,
        columns=tuple(Column(**column.model_dump()) for column in shape.columns),
        answer=ReturnLayout(**told),
    )


def _column_faults(layout: Layout) -> list[str]:
    """A bank must know whom to pay what, and we must know what it answers of which line."""
    sent = {column.field for column in layout.columns}
    said = set(layout.answer.columns)
    wanted = {
        "columns: account_number": "account_number" in sent,
        "columns: holder": "holder" in sent,
        "columns: amount_yuan or amount_fen": bool(sent & {"amount_yuan", "amount_fen"}),
        "columns: line_number": "line_number" in sent,
        "columns: a width for each": layout.format != "fixed"
        or all(column.width for column in layout.columns),
        "answer.columns: line_number": "line_number" in said,
        "answer.columns: outcome": "outcome" in said,
        "answer.columns: amount_yuan or amount_fen": bool(said & {"amount_yuan", "amount_fen"}),
        "answer.columns: serial": "serial" in said,
        "answer.columns: day": "day" in said,
        "answer: words that mean either paid or failed": not (
            set(layout.answer.paid) & set(layout.answer.failed)
        ),
    }
    return [f"wants {what}" for what, there in wanted.items() if not there]
