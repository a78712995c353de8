"""Drill: the claim writer is killed at five points while claims go on, on both databases.

Nothing that was acknowledged is missing from SQL, nothing is there twice.
"""

import signal
import subprocess
import sys
from collections.abc import Iterator

from backend.devstack.paths import PROJECT_ROOT
from tests.conftest import DATABASES
from tests.drills import Outcome, play
from tests.integration.workers.test_claim_writer import POINTS
from tests.load.callers import Rush
from tests.load.proofs import differences, most_held, vouchers
from tests.load.stack import Stack, city

UNITS = 40_000
MORE = 1200  # claims between two deaths: more than a batch


def drill() -> Iterator[Outcome]:
    """Play on each database."""
    for database in DATABASES:
        with city(database=database, units={1: UNITS}, residents=UNITS) as stack:
            yield play_on(stack, database)


def play_on(stack: Stack, database: str) -> Outcome:
    """Let five writers die in a rush, then a living one write the rest."""
    deaths = 0
    with stack.web() as web, Rush(web.url, stack.token, range(1, UNITS + 1)) as rush:
        for point in POINTS:
            rush.await_told(len(rush.told) + MORE)
            deaths += die(stack, point)
    with stack.writer():
        stack.await_drained()
    written = vouchers()
    told = {claim.voucher_id: claim.resident_id for claim in rush.told}
    lost = sum(written.get(number) != resident for number, resident in told.items())
    differing, most = differences(), most_held()
    passed = deaths == len(POINTS) and (lost, differing, most) == (0, 0, 1)
    return passed, {
        "database": database,
        "deaths": deaths,
        "acknowledged": len(told),
        "missing": lost,
        "duplicate": len(written) - len(set(written)),
        "vouchers": len(written),
        "most_of_one_person": most,
        "differences": differing,
    }


def die(stack: Stack, point: str) -> bool:
    """Run a writer that kills itself at a point; whether it died there."""
    command = [sys.executable, "-m", "tests.integration.workers.dying_writer", point]
    command += [stack.database_url, stack.valkey.url]
    died = subprocess.run(command, check=False, cwd=PROJECT_ROOT, capture_output=True, timeout=60)
    return died.returncode == -signal.SIGKILL


if __name__ == "__main__":
    play("writer_killed", drill)
