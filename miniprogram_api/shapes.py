"""Fields that many requests and answers share, with their bounds."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

RequestId = Annotated[
    str,
    Field(
        pattern=r"^[0-9A-Za-z_-]{8,64}$",
        description="客户端生成的请求号；重试须用同一号，结果相同",
    ),
]
AmountFen = Annotated[int, Field(ge=1, le=100_000_000, description="金额，单位分")]
DiscountFen = Annotated[int, Field(ge=0, le=100_000_000, description="金额，单位分")]
# A code from wx.login or getPhoneNumber: WeChat's own text, opaque to us.
WeChatCode = Annotated[str, Field(pattern=r"^[0-9A-Za-z_.+/=-]{1,512}$")]
Base64Text = Annotated[str, Field(pattern=r"^[0-9A-Za-z+/=]{1,4096}$")]


class Request(BaseModel):
    """A body: exact types, and nothing that is not asked for."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Query(BaseModel):
    """A query string: text that must read as the type, and nothing that is not asked for."""

    model_config = ConfigDict(extra="forbid")
