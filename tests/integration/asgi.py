"""Calling an ASGI application as a server does, without one."""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from a2wsgi import WSGIMiddleware

from backend.services.claim_lane import ClaimLane
from miniprogram_api.claim_lane import ClaimLaneApplication
from tests.factories import City

Result = TypeVar("Result")


@dataclass(frozen=True)
class Answer:
    """A status, headers by lower-case name, and the body's bytes."""

    status: int
    headers: dict[str, str]
    body: bytes


async def call(
    application: Any,
    method: str,
    path: str,
    *,
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
    query: bytes = b"",
    parts: int = 1,
) -> Answer:
    """Send one request, its body in so many parts, and return the answer."""
    size = max(1, -(-len(body) // parts))
    waiting = [body[at : at + size] for at in range(0, len(body), size)] or [b""]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
        "scheme": "http", "path": path, "raw_path": path.encode(), "query_string": query,
        "root_path": "", "server": ("127.0.0.1", 8000), "client": ("127.0.0.1", 5000),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
    }  # fmt: skip
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        part = waiting.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(waiting)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await application(scope, receive, send)
    return Answer(
        status=sent[0]["status"],
        headers={name.decode().lower(): value.decode() for name, value in sent[0]["headers"]},
        body=b"".join(message.get("body", b"") for message in sent[1:]),
    )


def with_lane(
    city: City, use: Callable[[ClaimLaneApplication], Awaitable[Result]], redis_url: str = ""
) -> Result:
    """Run `use` on an event loop with a lane, outside the test's own application context."""

    async def main() -> Result:
        settings = replace(city.settings, redis_url=redis_url or city.settings.redis_url)
        lane = ClaimLane(settings, in_context=city.app.app_context)
        flask = WSGIMiddleware(city.app, workers=2)
        try:
            return await use(
                ClaimLaneApplication(lane=lane, settings=city.settings, flask_application=flask)
            )
        finally:
            await lane.close()
            flask.executor.shutdown()

    return contextvars.Context().run(asyncio.run, main())
