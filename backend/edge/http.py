"""What every request must be before a view sees it, and what every answer carries."""

import json
import math
import re
import secrets
import time
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import structlog
from flask import Flask, Request, Response, g, request
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import LengthRequired, RequestEntityTooLarge

from backend import clock, metrics
from backend.domain.errors import InvalidRequest

log = structlog.get_logger("access")
REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
View = TypeVar("View", bound=Callable[..., Any])
MAX_DEPTH = 20
_FILE_BOUND = "huiquan_file_bound"
DISCARD_MAX_BYTES = 16 * 1024 * 1024
SURROGATE_OR_NUL = re.compile("[\x00\ud800-\udfff]")


def strict_json(text: str) -> Any:
    """Parse a text that means one thing; raise InvalidRequest, ValueError or RecursionError."""
    if text.count("{") + text.count("[") > MAX_DEPTH:  # fewer cannot be deeper
        _refuse_depth(text)
    value = _DECODER.decode(text)
    # JSON holds NUL, and UTF-8 half a character, only as an escape.
    if "\\u" in text or not text.isascii():
        _refuse_unstorable(value)
    return value


class StrictJSON(DefaultJSONProvider):
    """JSON that means one thing: no NaN, no duplicate keys, no depth, no text SQL cannot hold."""

    ensure_ascii = False
    sort_keys = False

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Parse a body, or raise InvalidRequest."""
        try:
            return strict_json(s.decode("utf-8") if isinstance(s, bytes) else s)
        except InvalidRequest:
            raise
        except (ValueError, RecursionError) as error:
            raise InvalidRequest(f"not JSON: {type(error).__name__}") from error


class StrictRequest(Request):
    """A request whose JSON is read only when it says that it is JSON."""

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """Parse the body; another content type is a 415, although the framework asks by force.

        A page of another site can post text/plain without asking, but not application/json.
        """
        return super().get_json(force=False, silent=silent, cache=cache)


def takes_files(max_bytes: int) -> Callable[[View], View]:
    """Let one view take a file for its body, up to its own bound; all others keep the general one.

    Put it above what else decorates the view, and below its route.
    """

    def mark(view: View) -> View:
        setattr(view, _FILE_BOUND, max_bytes)
        return view

    return mark


def file_bound(app: Flask, endpoint: str | None) -> int | None:
    """Return how large a file an endpoint takes, in bytes, or None when it takes none."""
    bound: int | None = getattr(app.view_functions.get(endpoint or ""), _FILE_BOUND, None)
    return bound


def init_app(app: Flask, *, body_max_bytes: int) -> None:
    """Install the limits, the request's id and the access log."""
    app.json = StrictJSON(app)
    app.request_class = StrictRequest
    app.config["MAX_CONTENT_LENGTH"] = body_max_bytes

    @app.before_request
    def begin() -> None:
        g.started_s = time.perf_counter()
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(16)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)
        # A chunked body has no length to check: it would be cut silently at the limit.
        if "Transfer-Encoding" in request.headers:
            _discard_body()
            raise LengthRequired
        bound = file_bound(app, request.endpoint) or body_max_bytes
        request.max_content_length = bound
        if (request.content_length or 0) > bound:
            _discard_body()
            raise RequestEntityTooLarge
        _refuse_second_values()

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.request_id
        response.headers["X-Server-Time-Ms"] = str(clock.now_ms())
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Cache-Control", "no-store")
        route = str(request.url_rule or "none")  # the pattern: a path may hold a placard's code
        seconds = time.perf_counter() - g.started_s
        log.info(
            "request",
            method=request.method,
            route=route,
            status=response.status_code,
            ms=round(seconds * 1000, 1),
        )
        metrics.request_answered(
            route=route, method=request.method, status=response.status_code, seconds=seconds
        )
        return response


def _discard_body() -> None:
    """Read a refused body away, up to a limit: closing on unread bytes destroys the answer."""
    body = request.environ["wsgi.input"]
    left_bytes = DISCARD_MAX_BYTES
    while left_bytes > 0 and (read := body.read(min(left_bytes, 65_536))):
        left_bytes -= len(read)


def _refuse_second_values() -> None:
    """Two values of one name mean two things; of them the framework would silently take the first.

    Addresses outside the API are for people: whoever passes such a link on may add to it.
    """
    is_api = request.path.startswith(("/api/", "/bank/"))
    if is_api and any(len(v) > 1 for _, v in request.args.lists()):
        raise InvalidRequest("a query parameter appears twice")


def _refuse_depth(text: str) -> None:
    """Count brackets before parsing: deep nesting exhausts the parser's stack."""
    depth = 0
    in_string = escaped = False
    for char in text:
        if in_string:
            in_string = escaped or char != '"'
            escaped = not escaped and char == "\\"
        elif char == '"':
            in_string = True
        elif char in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise InvalidRequest("nested too deeply")
        elif char in "]}":
            depth -= 1


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise InvalidRequest("a key appears twice")
        found[key] = value
    return found


def _refuse_unstorable(value: Any) -> None:
    """Look into every text, those in lists and keys too; the depth is known to be small."""
    if isinstance(value, str) and SURROGATE_OR_NUL.search(value):
        raise InvalidRequest("text holds NUL or half a character")
    if isinstance(value, dict):
        _refuse_unstorable(list(value))
        _refuse_unstorable(list(value.values()))
    elif isinstance(value, list):
        for item in value:
            _refuse_unstorable(item)


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidRequest(f"{name} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise InvalidRequest("a number is out of range")
    return number


_DECODER = json.JSONDecoder(
    parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_unique_keys
)
