"""What a form of the console says, read whole or refused with the names of its wrong fields."""

from typing import Annotated, Self

from flask import request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from backend.domain.errors import InvalidRequest


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("NUL")
    return text


Text = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_storable)]
Reason = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_storable)]


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
