"""Structured logs: one JSON line an event, with the request's id and without personal data."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

# Never written, whatever passes them: the log is read by more people than the data.
SECRET_NAMES = re.compile(
    r"token|secret|session_key|openid|unionid|password|phone|card|authorization|cookie|js_code|code$",
    re.IGNORECASE,
)
HARMLESS_NAMES = frozenset({"code", "errcode", "error_code", "status_code", "mini_program_code"})
# Names end in their unit: a number under one of these is no phone, however it looks.
NUMBER_NAMES = re.compile(r"_(id|ms|s|fen|px|bytes)$|^(status|ms|entries|count)$")

# What free text, an exception's message above all, may carry: by look, since it has no name.
BY_LOOK: tuple[tuple[re.Pattern[str], str], ...] = (
    # name=value, "name": "value", Bearer value
    (
        re.compile(
            r"((?:token|secret|session_?key|openid|unionid|password|js_?code)[\"']?\s*[=:]\s*[\"']?"
            r"|\bBearer\s+)[^\s\"'&,;)}\]]+",
            re.IGNORECASE,
        ),
        r"\1***",
    ),
    (re.compile(r"\b(resident|clerk)(\.\d+){4}\.[\w-]+"), r"\1.***"),  # our access tokens
    (re.compile(r"(?<![\w-])(?=[\w-]*[A-Z0-9])[\w-]{43}(?![\w-])"), "***"),  # a refresh token
    (re.compile(r"(?<![\w-])o(?=[\w-]*[A-Z0-9])[\w-]{27}(?![\w-])"), "***"),  # an openid
    (re.compile(r"(?<![\w+/])[A-Za-z0-9+/]{22}=="), "***"),  # a session_key
    # +86 138-1234-5678 in any of its spellings
    (re.compile(r"(?<!\d)((?:\+?86|0086)?[- ]?1[3-9]\d)[- ]?\d{4}[- ]?(\d{4})(?!\d)"), r"\1****\2"),
    # cards, identity numbers, payment codes: 16 to 20 digits in one run or in groups of four
    (re.compile(r"(?<!\d)(\d{6})\d{6,10}(\d{4})(?!\d)"), r"\1******\2"),
    (re.compile(r"(?<!\d)(\d{4})(?:[- ]\d{4}){2}[- ]\d{4}(?:[- ]\d{1,4})?(?!\d)"), r"\1******"),
)


SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]
# One list for all calls of configure(): a logger keeps the one it met at its first use.
PROCESSORS: list[Any] = [*SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter]


def configure(*, level: int = logging.INFO) -> None:
    """Send structlog's and the standard library's events through one JSON renderer."""
    structlog.configure(
        processors=PROCESSORS,
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                without_personal_data,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)


def without_personal_data(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Mask by name and by look; the last step before a line is written."""
    return _masked_fields(event)


def masked_text(text: str) -> str:
    """Mask by look what a text from outside may carry."""
    return _masked_text(text)


def _masked_fields(fields: Mapping[Any, Any]) -> dict[str, Any]:
    return {_masked_text(str(k)): _masked_field(str(k), value) for k, value in fields.items()}


def _masked_field(name: str, value: Any) -> Any:
    if name not in HARMLESS_NAMES and SECRET_NAMES.search(name):
        return "***"
    if isinstance(value, int | float) and NUMBER_NAMES.search(name):
        return value
    return _masked(value)


def _masked(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        text = str(value)
        return value if _masked_text(text) == text else _masked_text(text)
    if isinstance(value, Mapping):
        return _masked_fields(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(item) for item in value]
    # Whatever else it is, the renderer would write its repr: exceptions, rows, bytes.
    return _masked_text(value if isinstance(value, str) else repr(value))


def _masked_text(text: str) -> str:
    for look, mask in BY_LOOK:
        text = look.sub(mask, text)
    return text
