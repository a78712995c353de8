"""Drill: one person's script calls 10,000 times, from before the opening on, with wrong clocks.

Nothing is granted before the opening, and never more than the limit. What a caller says of the
time, in whatever header or field, changes nothing.
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import Iterator
from email.utils import formatdate

from backend import clock
from backend.storage.models.vouchers import Voucher
from tests.conftest import OPENING
from tests.drills import Outcome, play
from tests.factories import rows
from tests.load.callers import Answer, Connection
from tests.load.proofs import differences
from tests.load.stack import CLAIMS, city

CALLS = 10_000
CONNECTIONS = 100
BEFORE_S = 6.0  # the opening, after the set-up of the city
RESIDENT = 1
TIERS = (1, 2, 3)
OPENING_MS = clock.to_ms(OPENING)


class Script:
    """The calls of one person, and what came of them."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._token = url, token
        self._numbers = itertools.count()
        self.granted: dict[int, int] = {}  # voucher: tier
        self.early = 0
        self.answers: Counter[str] = Counter()
        self.before_opening = 0

    async def run(self) -> None:
        """Call on many connections at once, half of the calls before the opening."""
        async with asyncio.TaskGroup() as group:
            for _ in range(CONNECTIONS):
                group.create_task(self._call_on(Connection(self._url)))

    async def _call_on(self, connection: Connection) -> None:
        for n in self._numbers:
            if n >= CALLS:
                break
            while n >= CALLS // 2 and clock.to_ms(clock.now()) < OPENING_MS - 50:
                await asyncio.sleep(0.01)
            tier = TIERS[n % len(TIERS)]
            body: dict[str, object] = {"tier_position": tier, "request_id": f"script-{n // 2:06d}"}
            if n % 10 == 9:
                body["claimed_at_ms"] = OPENING_MS + 1000
            headers = wrong_clock(n)
            answer = await connection.ask(
                "POST", CLAIMS, token=self._token, body=body, headers=headers
            )
            self._note(tier, answer)
        connection.close()

    def _note(self, tier: int, answer: Answer) -> None:
        now_ms = int(answer.headers["x-server-time-ms"])
        self.answers[answer.code or "granted"] += 1
        self.before_opening += now_ms < OPENING_MS
        if answer.status == 201:
            self.granted[answer.json["voucher_id"]] = tier
            self.early += now_ms < OPENING_MS


def wrong_clock(n: int) -> str:
    """Return headers of a caller whose clock is hours away, one way or the other."""
    wrong_s = OPENING.timestamp() + (n % 7 - 3) * 3600
    date = formatdate(wrong_s, usegmt=True)
    return f"Date: {date}\r\nX-Server-Time-Ms: {int(wrong_s * 1000)}\r\n"


def drill() -> Iterator[Outcome]:
    """Call, and look what one person got."""
    with city(opened_s=-60.0, residents=1) as stack:
        # The city's set-up took some of the minute: move all its clocks to shortly before 10:00.
        stack.offset_s += (OPENING - clock.now()).total_seconds() - BEFORE_S
        clock.use(clock.Clock(stack.offset_s))
        with stack.web() as web:
            script = Script(web.url, stack.token(RESIDENT))
            asyncio.run(script.run())
        stack.drain()
        written = [voucher.claimed_at for voucher in rows(Voucher)]
        differing = differences()
    per_tier = Counter(script.granted.values())
    early = script.early + sum(claimed_at < OPENING for claimed_at in written)
    passed = (
        early == 0
        and script.before_opening >= CALLS // 4
        and max(per_tier.values(), default=0) == 1
        and len(written) == len(script.granted) == len(TIERS)
        and differing == 0
    )
    yield (
        passed,
        {
            "calls": script.answers.total(),
            "before_opening": script.before_opening,
            "granted_before_opening": early,
            "vouchers": len(written),
            "most_of_one_tier": max(per_tier.values(), default=0),
            **dict(sorted(script.answers.items())),
        },
    )


if __name__ == "__main__":
    play("scripted", drill)
