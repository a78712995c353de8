"""Drill: a million attempts, one in twenty of them sent twice, on a quota of a tenth of that.

Granted is the quota exactly, nobody holds two, no number is given twice; and when the writer has
drained, Valkey, SQL and the ledger agree.
"""

import json
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from backend.domain.vouchers import voucher_id
from backend.extensions import redis_handle
from backend.services import campaigns
from backend.storage.redis import keys
from tests.drills import Outcome, options, play
from tests.factories import MAY
from tests.load import stack as load
from tests.load.proofs import differences, most_held, vouchers
from tests.load.stack import CLAIMS, Stack, city

THREADS = 2
CONNECTIONS = 256
REPLAYS_PERCENT = 5
LIMIT_S = 540.0
SCRIPT = Path(load.__file__).with_name("attempts.lua")


def drill() -> Iterator[Outcome]:
    """Press, drain, count."""
    attempts = options().attempts
    units, people = attempts // 10, attempts * 3 // 10
    with city(units={1: units}, residents=people) as stack:
        with stack.web() as web:
            answered, refused, receipts, took_s = press(stack, web.url, attempts, people)
        backlog = int(redis_handle.client.xlen(keys.claims(MAY)))
        drained_s = stack.drain()
        written, differing, most = vouchers(), differences(), most_held()
        claims = set(map(read, receipts))
        told = dict(claims)
    holders = [resident for _, resident in claims]
    over_limit = sum(count > 1 for count in Counter(holders).values())
    doubled = len(claims) - len(told)
    passed = (
        answered == attempts
        and len(told) == len(written) == units
        and told == written
        and (over_limit, doubled, differing, most) == (0, 0, 0, 1)
    )
    yield (
        passed,
        {
            "attempts": answered,
            "quota": units,
            "granted": len(told),
            "answered_again": len(receipts) - len(told),
            "over_limit": over_limit,
            "duplicate_ids": doubled,
            "vouchers": len(written),
            "differences": differing,
            **dict(sorted(refused.items())),
            "attempts_per_s": f"{answered / took_s:.0f}",
            "drained_per_s": f"{backlog / max(drained_s, 0.001):.0f}",
        },
    )


def press(
    stack: Stack, url: str, attempts: int, people: int
) -> tuple[int, Counter[str], list[str], float]:
    """Send all attempts; return the answers, refusals by code, receipts, and the seconds."""
    token_file = stack.folder / "tokens"
    token_file.write_text("".join(f"{stack.token(n)}\n" for n in range(1, people + 1)))
    folder = Path(tempfile.mkdtemp(dir=stack.folder))
    command = ["wrk", f"-t{THREADS}", f"-c{CONNECTIONS}", f"-d{LIMIT_S:.0f}s", "--timeout", "20s"]
    command += ["-s", str(SCRIPT), url, "--", str(token_file), str(THREADS), CLAIMS]
    command += [str(attempts), str(REPLAYS_PERCENT), str(folder)]
    began_s = time.monotonic()
    wrk = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    while len(list(folder.glob("*.json"))) < THREADS:
        if wrk.poll() is not None or time.monotonic() - began_s > LIMIT_S:
            wrk.kill()
            raise TimeoutError("not every attempt was answered")
        time.sleep(0.1)
    took_s = time.monotonic() - began_s
    wrk.send_signal(signal.SIGINT)
    wrk.communicate()
    told = [json.loads(file.read_text()) for file in folder.glob("*.json")]
    refused = sum((Counter(found["refused"]) for found in told), Counter[str]())
    receipts = [line for file in folder.glob("*.receipts") for line in file.read_text().split()]
    return sum(found["answered"] for found in told), refused, receipts, took_s


def read(receipt: str) -> tuple[int, int]:
    """Return (voucher_id, resident_id) of a receipt."""
    _, position, serial, resident_id, *_ = receipt.split(".")
    return voucher_id(tier_id(int(position)), int(serial)), int(resident_id)


@cache
def tier_id(position: int) -> int:
    """Return a tier's id."""
    return next(tier.id for tier in campaigns.terms(MAY).tiers if tier.position == position)


if __name__ == "__main__":
    play("million", drill)
