"""Fields that requests of phones, tills and partners share, with their bounds."""

import datetime as dt
import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from backend.domain.money import MAX_AMOUNT_FEN

RequestId = Annotated[
    str,
    Field(
        pattern=r"^[0-9A-Za-z_-]{8,64}$",
        description="客户端生成的请求号；重试须用同一号，结果相同",
    ),
]
AmountFen = Annotated[int, Field(ge=1, le=MAX_AMOUNT_FEN, description="金额，单位分")]
DiscountFen = Annotated[int, Field(ge=0, le=MAX_AMOUNT_FEN, description="金额，单位分")]


def _written_as(pattern: str) -> BeforeValidator:
    """Take a query text of one spelling only; a default, which is no text, passes."""

    def check(value: Any) -> Any:
        if isinstance(value, str) and not re.fullmatch(pattern, value):
            raise ValueError("is not written as the documentation says")
        return value

    return BeforeValidator(check)


# Left alone, a query would take '1.0', ' 1' and '1_0' for numbers, and '86400' for a day.
Digits = _written_as("[0-9]{1,10}")
Day = Annotated[dt.date, _written_as("[0-9]{4}-[0-9]{2}-[0-9]{2}")]


class Request(BaseModel):
    """A body: exact types, and nothing that is not asked for."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Query(BaseModel):
    """A query string: text that must read as the type, and nothing that is not asked for."""

    model_config = ConfigDict(extra="forbid")
