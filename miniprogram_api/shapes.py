"""Fields that many requests and answers of phones share, with their bounds."""

from typing import Annotated

from pydantic import Field

from backend.edge.shapes import AmountFen, Day, Digits, DiscountFen, Query, Request, RequestId

__all__ = [
    "AmountFen",
    "Base64Text",
    "Day",
    "Digits",
    "DiscountFen",
    "Query",
    "Request",
    "RequestId",
    "WeChatCode",
]

# A code from wx.login or getPhoneNumber: WeChat's own text, opaque to us.
WeChatCode = Annotated[str, Field(pattern=r"^[0-9A-Za-z_.+/=-]{1,512}$")]
Base64Text = Annotated[str, Field(pattern=r"^[0-9A-Za-z+/=]{1,4096}$")]
