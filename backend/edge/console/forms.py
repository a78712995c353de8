"""What a form of the console says, read whole or refused with the names of its wrong fields."""

import secrets
from typing import Annotated, Self

from flask import request
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from werkzeug.datastructures import FileStorage

from backend import clock
from backend.domain.errors import InvalidRequest
from backend.domain.money import fen_of_yuan

YUAN_OR_NONE = r"^$|^(0|[1-9][0-9]{0,12})(\.[0-9]{1,2})?$"  # of a filter: text in the address


def _fen(text: object) -> int:
    amount_fen = fen_of_yuan(str(text).replace(",", "").strip())
    if amount_fen is None:
        raise ValueError("yuan, with at most two decimals")
    return amount_fen


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("NUL")
    return text


# An amount that people type in yuan, as fen.
Fen = Annotated[int, BeforeValidator(_fen)]
Text = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_storable)]
Reason = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_storable)]
# A number that the page made, so that a form that is sent twice acts once.
Number = Annotated[str, Field(pattern=r"^[0-9A-Za-z-]{8,32}$")]


class Form(BaseModel):
    """The fields of a form. What else was posted is ignored; a field left empty is not there."""

    model_config = ConfigDict(extra="ignore", frozen=True, str_strip_whitespace=True)

    @classmethod
    def read(cls) -> Self:
        """Return what was posted. Raises InvalidRequest with the names of wrong fields."""
        try:
            return cls.model_validate({k: v for k, v in request.form.items() if v.strip()})
        except ValidationError as error:
            fields = {".".join(map(str, fault["loc"])): fault["type"] for fault in error.errors()}
            raise InvalidRequest("form", details={"fields": fields}) from None


class WithReason(Form):
    """A dialog that asks why."""

    reason: Reason


def fresh_number(letter: str) -> str:
    """Return a number for what a form will make, such as 'T20230502-1015-3fa2c1'."""
    return f"{letter}{clock.now():%Y%m%d-%H%M}-{secrets.token_hex(3)}"


def fen_or_none(text: str) -> int | None:
    """Return an amount of a filter in fen; nothing for the empty text."""
    return fen_of_yuan(text) if text else None


def uploaded(name: str = "file") -> FileStorage:
    """Return the file of a form. Raises InvalidRequest when none was chosen."""
    found = request.files.get(name)
    if found is None or not found.filename:
        raise InvalidRequest("no file", details={"fields": {name: "missing"}})
    return found
