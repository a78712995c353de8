"""Every refusal the system can give: a stable code, a Chinese sentence, a category.

The sentence says why and what to do next; `str(error)` is for the log and holds no personal data.
The HTTP status of a category lives in `backend/edge/errors.py`, nowhere else.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

Category = Literal[
    "invalid",  # the request itself is wrong
    "unauthenticated",  # nobody is signed in
    "forbidden",  # signed in, but not allowed
    "not_found",  # absent, or somebody else's: the two answer alike
    "conflict",  # right request, wrong moment or state
    "rule",  # a rule of the programme refuses
    "too_many",  # slower, please
    "unavailable",  # ask again with the same request
]


class HuiquanError(Exception):
    """Base of all refusals. `code` is for programs, `message` for people."""

    code: ClassVar[str] = "internal_error"
    message: ClassVar[str] = "系统出错了，请稍后再试"
    category: ClassVar[Category] = "unavailable"
    retry_after_s: int | None = None  # None: asking again changes nothing

    def __init__(
        self,
        log: str = "",
        *,
        details: Mapping[str, object] | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(log or self.code)
        self.details: dict[str, object] = dict(details or {})
        if retry_after_s is not None:  # known only now, such as the time until the opening
            self.retry_after_s = retry_after_s


class InvalidRequest(HuiquanError):
    code = "invalid_request"
    message = "请求内容有误，请检查后重试"
    category = "invalid"


class NotFound(HuiquanError):
    code = "not_found"
    message = "没有找到您要的内容，请刷新后重试"
    category = "not_found"


class Unavailable(HuiquanError):
    code = "unavailable"
    message = "系统繁忙，请稍后用同一请求重试"
    category = "unavailable"
    retry_after_s = 2


class TooManyRequests(HuiquanError):
    code = "too_many_requests"
    message = "操作太频繁，请稍后再试"
    category = "too_many"
    retry_after_s = 2
