"""Drill: Sentinel with two replicas; one is cut off in a rush, then the primary dies.

No acknowledged claim may be lost: each is asked again after the failover and must be told the same
voucher. The claims come through the lane's own code, without HTTP.
"""

import asyncio
import signal
import sys
import tempfile
import time
from pathlib import Path

from backend.services import health, quota_checks
from tests.factories import MAY, City, drain
from tests.integration.storage.conftest import city_on
from tests.lane_rush import Rush, add_residents
from tests.valkey_nodes import Sentinels, sentinels, wait_until

CALLERS = 60
PAUSE_S = 0.1
AROUND_S = 1.0
FAILOVER_LIMIT_S = 30.0


async def _rush(city: City, service: Sentinels) -> tuple[Rush, int, float]:
    rush = Rush(city, (MAY,), pause_s=PAUSE_S)
    rush.start(CALLERS)
    await asyncio.sleep(AROUND_S)
    service.replicas[0].signal(signal.SIGSTOP)  # it lags from here on
    await asyncio.sleep(AROUND_S)
    service.primary.kill()
    killed_s = time.monotonic()
    await asyncio.sleep(AROUND_S)
    # Back before the election is over: it has less than the other, and must not be chosen.
    service.replicas[0].signal(signal.SIGCONT)
    while rush.taken_at_s[MAY][-1] < killed_s + AROUND_S:
        if time.monotonic() > killed_s + FAILOVER_LIMIT_S:
            break
        await asyncio.sleep(0.05)
    back_s = next((at for at in rush.taken_at_s[MAY] if at > killed_s + AROUND_S), 0) - killed_s
    await asyncio.sleep(AROUND_S)
    await rush.end()
    wrong = await rush.again()
    await rush.lane.close()
    return rush, wrong, back_s


def main() -> int:
    """Play it; print one line, exit status 1 when it fails."""
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="hq-drill-") as made:
        folder = Path(made)
        with (
            sentinels(folder / "sentinels", replicas=2) as service,
            city_on(service.url, folder) as city,
        ):
            add_residents()
            rush, wrong, back_s = asyncio.run(_rush(city, service))
            wait_until(lambda: health.readiness().faults == ())
            written = drain()
            check = quota_checks.check()
    oversold = sum(tier.issued > tier.count for tier in check.tiers)
    lost = wrong + max(len(rush.told) - written, 0)
    passed = not lost and not oversold and not check.differences and back_s > 0
    print(
        f"drill sentinel_failover {'pass' if passed else 'fail'} acknowledged={len(rush.told)} "
        f"lost={lost} oversold={oversold} differences={len(check.differences)} "
        f"answered_503={sum(n for c, n in rush.refused.items() if c in UNKNOWN)} "
        f"claims_again_after_s={back_s:.1f} seconds={time.monotonic() - began_s:.0f}",
        flush=True,
    )
    return 0 if passed else 1


UNKNOWN = ("quota_unavailable", "claim_unconfirmed")

if __name__ == "__main__":
    sys.exit(main())
