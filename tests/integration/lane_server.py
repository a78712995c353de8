"""The claim lane as it is served, on a socket: uvicorn's parser, our protocol, the application."""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from a2wsgi import WSGIMiddleware
from uvicorn import Config
from uvicorn.server import ServerState

from backend.edge.web_worker import BoundedProtocol, LaneWorker
from backend.services.claim_lane import ClaimLane
from miniprogram_api.lane_application import LaneApplication
from tests.factories import City

Result = TypeVar("Result")


@dataclass(frozen=True)
class Answer:
    """A status, headers by lower-case name, and the body's bytes."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Serving:
    """A lane that listens on a port of this machine."""

    port: int


async def call(
    serving: Serving,
    method: str,
    path: str,
    *,
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
    query: bytes = b"",
    parts: int = 1,
) -> Answer:
    """Send one request, its body in so many parts, and return the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", serving.port)
    target = path.encode() + (b"?" + query if query else b"")
    lines = [b"%b: %b\r\n" % (name.encode(), value.encode()) for name, value in headers]
    writer.write(
        b"%b %b HTTP/1.1\r\nHost: x\r\n%b\r\n" % (method.encode(), target, b"".join(lines))
    )
    if any(line.lower().startswith(b"transfer-encoding") for line in lines):
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    size = max(1, -(-len(body) // parts))
    for at in range(0, len(body), size):
        await writer.drain()
        await asyncio.sleep(0.001 if parts > 1 else 0)  # so that the parts arrive as parts
        writer.write(body[at : at + size])
    try:
        return await _answer(reader)
    finally:
        writer.close()


async def _answer(reader: asyncio.StreamReader) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    status, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Answer(int(status.split()[1]), headers, body)


def with_lane(
    city: City, use: Callable[[Serving], Awaitable[Result]], redis_url: str = ""
) -> Result:
    """Run `use` on an event loop with a lane, outside the test's own application context."""

    async def main() -> Result:
        settings = replace(city.settings, redis_url=redis_url or city.settings.redis_url)
        lane = ClaimLane(settings, in_context=city.app.app_context)
        flask = WSGIMiddleware(city.app, workers=2)
        config = Config(
            LaneApplication(lane=lane, settings=city.settings, flask_application=flask),
            log_config=None,
            **LaneWorker.CONFIG_KWARGS,
        )
        config.load()
        state = ServerState()
        server = await asyncio.get_running_loop().create_server(
            lambda: BoundedProtocol(config=config, server_state=state, app_state={}),
            "127.0.0.1",
            0,
        )
        try:
            return await use(Serving(server.sockets[0].getsockname()[1]))
        finally:
            server.close()
            while state.tasks:
                await asyncio.wait(state.tasks)
            await lane.close()
            for connection in list(state.connections):
                connection.transport.close()
            await asyncio.sleep(0)
            flask.executor.shutdown()

    return contextvars.Context().run(asyncio.run, main())
