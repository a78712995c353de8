"""Structured logs: one JSON line an event, with the request's id and without personal data."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

# Never written, whatever passes them: the log is read by more people than the data.
SECRET_NAMES = re.compile(
    r"token|secret|session_key|openid|unionid|password|phone|card|authorization|cookie|js_code|code$",
    re.IGNORECASE,
)
HARMLESS_NAMES = frozenset({"code", "errcode", "error_code", "status_code", "mini_program_code"})
PHONE = re.compile(r"(?<!\d)(1[3-9]\d)\d{4}(\d{4})(?!\d)")
CARD = re.compile(r"(?<!\d)(\d{6})\d{6,9}(\d{4})(?!\d)")


def configure(*, level: int = logging.INFO) -> None:
    """Send structlog's and the standard library's events through one JSON renderer."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
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
    return {name: "***" if _is_secret(name) else _masked(value) for name, value in event.items()}


def _is_secret(name: str) -> bool:
    return name not in HARMLESS_NAMES and SECRET_NAMES.search(name) is not None


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return CARD.sub(r"\1******\2", PHONE.sub(r"\1****\2", value))
    if isinstance(value, dict):
        return {k: "***" if _is_secret(str(k)) else _masked(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(item) for item in value]
    return value
