"""Drill: a cluster of three, one node dead for 3 s in a rush of claims on all three.

No acknowledged claim may be lost, nothing oversold, and the other nodes' campaigns go on. The
claims come through the lane's own code, without HTTP.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from backend.services import quota_checks
from tests.factories import MAY, City, drain
from tests.integration.storage.conftest import city_on
from tests.lane_rush import Rush, add_residents
from tests.valkey_nodes import Node, cluster, cluster_url, wait_until

CAMPAIGNS = ("Q4-HARV", MAY, "Q3-NIGHT")  # one on each node
CALLERS = 60  # a campaign
PAUSE_S = 0.15  # so that the units last for the whole rush
DOWN_S = 3.0
AROUND_S = 1.0
SETTLED_AFTER_S = 0.3


async def _rush(city: City, nodes: list[Node]) -> tuple[Rush, int, dict[str, int]]:
    rush = Rush(city, CAMPAIGNS, pause_s=PAUSE_S)
    rush.start(CALLERS)
    await asyncio.sleep(AROUND_S)
    nodes[0].kill()
    down_s = time.monotonic()
    await asyncio.sleep(DOWN_S)
    # Answers that had left the node before its end are read a moment later.
    since_s = down_s + SETTLED_AFTER_S
    meanwhile = {name: sum(at > since_s for at in times) for name, times in rush.taken_at_s.items()}
    nodes[0].start()
    await asyncio.sleep(AROUND_S)
    await rush.end()
    wrong = await rush.again()
    await rush.lane.close()
    return rush, wrong, meanwhile


def main() -> int:
    """Play it; print one line, exit status 1 when it fails."""
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="hq-drill-") as made:
        folder = Path(made)
        others = tuple(name for name in CAMPAIGNS if name != MAY)
        with (
            cluster(folder / "cluster") as nodes,
            city_on(cluster_url(nodes), folder, also=others) as city,
        ):
            add_residents()
            rush, wrong, meanwhile = asyncio.run(_rush(city, nodes))
            wait_until(nodes[0].answers)
            written = drain()
            check = quota_checks.check()
    oversold = sum(tier.issued > tier.count for tier in check.tiers)
    went_on = min(meanwhile[name] for name in others[1:] + (MAY,))
    lost = wrong + max(len(rush.told) - written, 0)
    passed = not lost and not oversold and not check.differences and went_on > 0
    passed = passed and meanwhile[CAMPAIGNS[0]] == 0
    print(
        f"drill cluster_node_down {'pass' if passed else 'fail'} acknowledged={len(rush.told)} "
        f"lost={lost} oversold={oversold} differences={len(check.differences)} "
        f"others_while_down_min={went_on} own_while_down={meanwhile[CAMPAIGNS[0]]} "
        f"answered_503={rush.refused['quota_unavailable']} "
        f"seconds={time.monotonic() - began_s:.0f}",
        flush=True,
    )
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
