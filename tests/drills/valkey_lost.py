"""Drill: Valkey's directory is gone in a rush, on both databases.

Nothing is granted until the jobs have rebuilt the quota, nothing is oversold, entries of the old
epoch are refused; and 100,000 vouchers are rebuilt within five seconds. While newcomers go on
pressing, phones send their receipts as they learn of the loss, one in ten only after the sell-out;
every receipt is honoured.
"""

import asyncio
import random
import shutil
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any

from sqlalchemy import insert

from backend import clock
from backend.domain.postings import campaign_posting
from backend.domain.vouchers import voucher_id
from backend.extensions import redis_handle
from backend.services import campaigns, quota_rebuilds
from backend.storage.models.vouchers import Voucher
from backend.storage.queries import campaigns as campaign_queries
from backend.storage.queries import ledger as ledger_queries
from backend.storage.redis import keys
from backend.storage.sql import transaction
from tests.conftest import DATABASES
from tests.drills import Outcome, options, play
from tests.factories import MAY
from tests.load.callers import ASK_AGAIN_S, Answer, Connection, Rush, Told
from tests.load.proofs import differences, most_held, vouchers
from tests.load.stack import Stack, Web, await_answer, city

TIER = 3
UNITS = 4_000
PEOPLE = 6_000
REBUILD_LIMIT_S = 5.0  # for 100,000 vouchers
ROWS_AT_ONCE = 5000
GRACE_S = 60  # as deployed
LATE = 10  # one in so many sends his receipt after the sell-out
OTHERS = 500  # who send a receipt although nothing of theirs was lost


def drill() -> Iterator[Outcome]:
    """Play on each database."""
    rows = options().rows
    for database in DATABASES:
        units, people = {1: 2 * rows, TIER: UNITS}, max(rows, PEOPLE)
        with city(database=database, units=units, residents=people) as stack:
            yield play_on(stack, database, rows)


def play_on(stack: Stack, database: str, rows: int) -> Outcome:
    """Lose everything, let the jobs rebuild, send the receipts; then time a large rebuild."""
    with stack.web() as web, Rush(web.url, stack.token, range(1, PEOPLE + 1), tier=TIER) as rush:
        stale, emptied_s, back_s = lose(stack, web, rush)
        written_stale = drained_of(stack, stale)  # claims wait: these are all entries there are
        lost, kept = lost_of(rush)
        began_s = time.monotonic()
        late_count = len(lost) // LATE
        answers = asyncio.run(honour(web.url, stack, lost[late_count:] + kept[:OTHERS]))
        receipts_s = time.monotonic() - began_s
        rush.join()
        stack.drain()
        late = asyncio.run(honour(web.url, stack, lost[:late_count]))
    stack.drain()
    written = vouchers()
    granted = [claim for claim in rush.told if claim.receipt.split(".")[5] == "1"]
    before = sum(emptied_s + 0.5 < claim.answered_s for claim in granted)
    agreed, most = differences(), most_held()
    rebuild_s, cpu_s = (seconds * 100_000 / rows for seconds in timed_rebuild(rows))
    figures = {
        "database": database,
        "told": len(rush.told),
        "lost_with_valkey": len(lost),
        "granted_before_rebuild": before,
        "stale_entries": len(stale),
        "stale_written": written_stale,
        "honoured": answers["same"],
        "honoured_after_sellout": late["same"],
        "refused": sum((answers + late).values()) - (answers + late)["same"],
        "receipts_s": f"{receipts_s:.1f}",
        "vouchers": len(written),
        "unsold": UNITS - len(written),
        "oversold": max(len(written) - UNITS, 0),
        "most_of_one_person": most,
        "differences": agreed + differences(),
        "closed_s": f"{back_s:.1f}",
        "answered_503": rush.refused["quota_unavailable"],
        "waited_503": rush.refused["quota_restoring"],
        "rebuild_s_per_100k": f"{rebuild_s:.2f}",
        "rebuild_own_cpu_s_per_100k": f"{cpu_s:.2f}",
    }
    wanted_zero = (
        "granted_before_rebuild",
        "stale_written",
        "refused",
        "unsold",
        "oversold",
        "differences",
    )
    passed = len(lost) > 0 and most == 1 and not any(figures[name] for name in wanted_zero)
    return passed and rebuild_s < REBUILD_LIMIT_S, figures


def lose(stack: Stack, web: Web, rush: Rush) -> tuple[list[dict[str, str]], float, float]:
    """Lose the directory in the rush and wait until the jobs have put the quota back.

    Return entries of the old epoch, now on the stream again, when Valkey was empty, and for how
    many seconds it had no quota.
    """
    with stack.writer():
        rush.await_told(UNITS // 8)
    rush.await_told(UNITS // 3)  # these are nowhere but in Valkey
    stale = [fields for _, fields in redis_handle.client.xrange(keys.claims(MAY))]
    stack.valkey.kill()
    shutil.rmtree(stack.valkey.directory / "appendonlydir")
    stack.valkey.start()
    emptied_s = time.monotonic()
    with stack.jobs(RECEIPT_GRACE_S=str(GRACE_S)):
        await_answer(web, "/readyz", within_s=40.0)
    back_s = time.monotonic() - emptied_s
    for fields in stale:
        redis_handle.client.xadd(
            keys.claims(MAY), fields
        )  # as a writer that was cut off holds them
    return stale, emptied_s, back_s


def lost_of(rush: Rush) -> tuple[list[Told], list[Told]]:
    """Return the claims that the loss took, and the others; in no order, as phones come."""
    there, told = vouchers(), list(rush.told)
    random.Random(1).shuffle(told)
    lost = [claim for claim in told if claim.voucher_id not in there]
    # The highest serial shows that all below it were given, so it must not come late.
    highest = max(lost, key=lambda claim: claim.voucher_id)
    lost.remove(highest)
    lost.insert(len(lost) // 2, highest)
    return lost, [claim for claim in told if claim.voucher_id in there]


def drained_of(stack: Stack, stale: list[dict[str, str]]) -> int:
    """Drain, and return how many entries of the old epoch were written as rows."""
    before = vouchers().keys()
    stack.drain()
    numbers = {voucher_id(int(f["tier_id"]), int(f["serial"])) for f in stale}
    return len(numbers & (vouchers().keys() - before))


async def honour(url: str, stack: Stack, told: list[Told]) -> Counter[str]:
    """Send receipts; count those answered with their voucher, and the refusals of others."""
    outcomes: Counter[str] = Counter()
    waiting = iter(told)

    async def send() -> None:
        connection = Connection(url)
        for claim in waiting:
            answer = await send_one(connection, stack, claim)
            while answer.status == 503:
                await asyncio.sleep(ASK_AGAIN_S)
                answer = await send_one(connection, stack, claim)
            same = answer.status < 300 and answer.json["voucher_id"] == claim.voucher_id
            outcomes["same" if same else answer.code or "another"] += 1
        connection.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(send())
    return outcomes


async def send_one(connection: Connection, stack: Stack, claim: Told) -> Answer:
    """Send a claim's receipt."""
    return await connection.ask(
        "POST",
        "/api/v1/resident/receipts",
        token=stack.token(claim.resident_id),
        body={"receipt": claim.receipt},
    )


def timed_rebuild(rows: int) -> tuple[float, float]:
    """Give vouchers of tier 1 to as many people, empty Valkey, rebuild.

    Return the seconds it took, and those of them in which this process was at work.
    """
    terms = campaigns.terms(MAY)
    tier, now = terms.tiers[0], clock.now()
    transfer = f"claim:{uuid.uuid4()}"
    same: dict[str, Any] = {
        "campaign_id": MAY,
        "tier_id": tier.id,
        "threshold_fen": tier.threshold_fen,
        "face_value_fen": tier.face_value_fen,
        "claimed_at": now,
        "valid_from": now,
        "valid_until": terms.ends_at,
        "status": "unused",
        "claim_transfer_id": transfer,
    }
    with transaction() as session:
        posting = campaign_posting("claim", MAY, rows * tier.face_value_fen, id=transfer)
        ledger_queries.add_transfer(session, posting, at=now)
        campaign_queries.add_claimed_counts(session, Counter({tier.id: rows}))
        for first in range(1, rows + 1, ROWS_AT_ONCE):
            numbers = range(first, min(first + ROWS_AT_ONCE, rows + 1))
            made = [{**same, "id": voucher_id(tier.id, n), "resident_id": n} for n in numbers]
            session.execute(insert(Voucher), made)
    redis_handle.client.flushall()
    began_s = time.process_time()
    took_s = quota_rebuilds.run(MAY, actor="drill").seconds
    return took_s, time.process_time() - began_s


if __name__ == "__main__":
    play("valkey_lost", drill)
