"""Drill: 300 slow connections hold the web server, and ordinary requests go on.

A third sends its headers a byte at a time, a third its body, a third asks and never reads. Claims
and pages that Flask answers are timed meanwhile: at least 99 of 100 within a second.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

from tests.drills import Outcome, options, play
from tests.load.callers import Connection, Cut
from tests.load.stack import CLAIMS, city

SLOW = 300
BYTE_EVERY_S = 1.0
ORDINARY = 8  # connections that ask one request after the other
EVERY_S = 0.05
LIMIT_S = 1.0
PAGES = ("/api/v1/time", "/merchants", "/api/v1/merchants", "/openapi.json")


class Slow:
    """Connections that take their time; how many were closed by the server, and after how long."""

    def __init__(self, url: str, token: str) -> None:
        self._token = token
        parts = urlsplit(url)
        self._host, self._port = str(parts.hostname), int(parts.port or 80)
        self.closed: Counter[str] = Counter()
        self.open: Counter[str] = Counter()
        self.first_closed_s: dict[str, float] = {}

    async def hold(self, kind: str) -> None:
        """Hold one connection of a kind until cancelled or closed."""
        reader, writer = await asyncio.open_connection(self._host, self._port, limit=1024)
        began_s = time.monotonic()
        self.open[kind] += 1
        try:
            with suppress(OSError):
                if kind == "unread":
                    await self._never_read(writer)
                else:
                    await self._trickle(kind, reader, writer)
            self.closed[kind] += 1
            self.first_closed_s.setdefault(kind, time.monotonic() - began_s)
        finally:
            self.open[kind] -= 1
            writer.close()

    async def _trickle(
        self, kind: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        head = f"POST {CLAIMS} HTTP/1.1\r\nHost: slow\r\n"
        if kind == "body":
            head += f"Authorization: Bearer {self._token}\r\n"
            head += "Content-Type: application/json\r\nContent-Length: 4000\r\n\r\n"
            head += '{"tier_position":1,'
        else:
            head += "X-Slow: "
        writer.write(head.encode())
        while not reader.at_eof():
            writer.write(b"a")
            await writer.drain()
            with suppress(TimeoutError):
                await asyncio.wait_for(reader.read(1024), BYTE_EVERY_S * random.uniform(0.5, 1.5))

    async def _never_read(self, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # of a socket's transport
        ask = b"GET /openapi.json HTTP/1.1\r\nHost: slow\r\n\r\n"
        for _ in range(20):  # their answers fill every buffer on the way
            writer.write(ask)
        while not writer.is_closing():
            await asyncio.sleep(BYTE_EVERY_S)


async def ordinary(url: str, token_of: Iterator[str], until_s: float) -> list[float]:
    """Ask claims and pages one after the other; return how long each took."""
    connection, took = Connection(url), []
    n = 0
    while time.monotonic() < until_s:
        began_s = time.monotonic()
        try:
            if n % 2:
                await connection.ask("GET", PAGES[n // 2 % len(PAGES)])
            else:
                body = {"tier_position": 1, "request_id": f"ordinary-{n:06d}"}
                await connection.ask("POST", CLAIMS, token=next(token_of), body=body)
            took.append(time.monotonic() - began_s)
        except (Cut, OSError):
            took.append(float("inf"))
        n += 1
        await asyncio.sleep(EVERY_S)
    connection.close()
    return took


async def load(url: str, token_of: Iterator[str], seconds: float) -> tuple[Slow, list[float], int]:
    """Hold the slow ones, ask the ordinary ones; return both, and how many slow ones were open."""
    slow = Slow(url, next(token_of))
    async with asyncio.TaskGroup() as group:
        kinds = ("headers", "body", "unread")
        held = [group.create_task(slow.hold(kinds[n % 3])) for n in range(SLOW)]
        await asyncio.sleep(1.0)
        until_s = time.monotonic() + seconds
        asking = [ordinary(url, token_of, until_s) for _ in range(ORDINARY)]
        took = [one for times in await asyncio.gather(*asking) for one in times]
        still_open = slow.open.total()
        for task in held:
            task.cancel()
    return slow, took, still_open


def drill() -> Iterator[Outcome]:
    """Time ordinary requests beside the slow ones."""
    seconds = options().seconds
    with city(residents=2000) as stack, stack.web() as web:
        tokens = (stack.token(n % 2000 + 1) for n in range(10**9))
        slow, took, still_open = asyncio.run(load(web.url, tokens, seconds))
    took.sort()
    within = sum(one < LIMIT_S for one in took) / len(took)
    yield (
        within >= 0.99,
        {
            "slow": SLOW,
            "ordinary": len(took),
            "within_1_s_percent": f"{100 * within:.2f}",
            "p50_ms": f"{1000 * took[len(took) // 2]:.0f}",
            "p99_ms": f"{1000 * took[len(took) * 99 // 100]:.0f}",
            "slow_closed_by_server": slow.closed.total(),
            **{f"{kind}_closed_after_s": f"{s:.0f}" for kind, s in slow.first_closed_s.items()},
            "slow_still_open": still_open,
        },
    )


if __name__ == "__main__":
    play("slow_connections", drill)
