"""A line to an outside party that can be cut: passes on, keeps silent, or answers 502."""

import asyncio
import threading
from contextlib import suppress
from types import TracebackType
from typing import Literal, Self
from urllib.parse import urlsplit

Mode = Literal["pass", "silent", "502"]
BAD_GATEWAY = (
    b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\n"
    b"Content-Length: 20\r\nConnection: close\r\n\r\n<h1>Bad Gateway</h1>"
)


class Line:
    """Listens on a port of loopback for the upstream's callers, in a thread of its own.

    :ivar mode: how it treats connections; changing it by `turn` cuts those that are open
    :ivar met: how many connections came in each mode
    """

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.upstream = ""
        self.mode: Mode = "pass"
        self.met = {"pass": 0, "silent": 0, "502": 0}
        self._port = port
        self._loop = asyncio.new_event_loop()
        self._open: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def turn(self, mode: Mode) -> None:
        """Treat connections so from now on; open ones are cut."""
        self.mode = mode
        self._loop.call_soon_threadsafe(self._cut)

    def _cut(self) -> None:
        for task in self._open:
            task.cancel()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._met, "127.0.0.1", self._port)

    async def _end(self) -> None:
        self._server.close()
        self._cut()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        self.met[self.mode] += 1
        try:
            await self._treat(reader, writer)
        except (OSError, EOFError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            self._open.discard(task)

    async def _treat(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mode == "silent":
            await asyncio.Event().wait()
        if self.mode == "502":
            await reader.readuntil(b"\r\n\r\n")
            writer.write(BAD_GATEWAY)
            await writer.drain()
            writer.close()
            return
        parts = urlsplit(self.upstream)
        theirs, to_them = await asyncio.open_connection(parts.hostname, parts.port)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_pipe(reader, to_them))
                group.create_task(_pipe(theirs, writer))
        finally:
            to_them.close()
            writer.close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while chunk := await reader.read(65_536):
            writer.write(chunk)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
