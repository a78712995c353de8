"""Drill: Valkey is at its maxmemory in a rush, and evicts nothing.

Claims are refused honestly, none is half done (a script is refused at its first write or not at
all), what was promised stays, and claims go on when there is memory again. The writer, which only
removes, goes on all the time.
"""

import time
from collections.abc import Iterator

from backend.domain.campaigns import CampaignTerms
from backend.extensions import redis_handle
from backend.services import campaigns
from tests.drills import Outcome, play
from tests.factories import MAY
from tests.load.callers import Rush
from tests.load.counts import in_one_moment
from tests.load.proofs import differences, most_held, vouchers
from tests.load.stack import city

UNITS = 60_000
ROOM_BYTES = 300_000
FULL_S = 2.0
TIMES = 3


def drill() -> Iterator[Outcome]:
    """Fill, look, free, and again; then drain and count."""
    broken, granted_full, stuck = 0, 0, 0
    with city(units={1: UNITS}, residents=UNITS) as stack, stack.web() as web:
        terms, client = campaigns.terms(MAY), redis_handle.client
        with Rush(web.url, stack.token, range(1, UNITS + 1)) as rush:
            for _ in range(TIMES):
                rush.await_told(len(rush.told) + 500)
                refused = rush.refused["quota_unavailable"]
                used = int(client.info("memory")["used_memory"])
                client.config_set("maxmemory", used + ROOM_BYTES)
                while rush.refused["quota_unavailable"] < refused + 100:
                    time.sleep(0.01)
                told = len(rush.told)
                time.sleep(FULL_S)
                granted_full += len(rush.told) - told
                broken += not whole(terms)
                client.config_set("maxmemory", 0)
                told = len(rush.told)
                time.sleep(1.0)
                stuck += len(rush.told) - told < 100
        client.config_set("maxmemory", int(client.info("memory")["used_memory"]))
        stack.drain()  # what only removes needs no room
        client.config_set("maxmemory", 0)
        written, differing, most = vouchers(), differences(), most_held()
    told_of = {claim.voucher_id: claim.resident_id for claim in rush.told}
    lost = sum(written.get(number) != resident for number, resident in told_of.items())
    others = set(rush.refused) - {"quota_unavailable"}
    passed = not others and (broken, stuck, lost, differing, most) == (0, 0, 0, 0, 1)
    yield (
        passed,
        {
            "times_full": TIMES,
            "answered_503": rush.refused["quota_unavailable"],
            "other_refusals": ",".join(sorted(others)) or 0,
            "half_done": broken,
            "acknowledged": len(told_of),
            "of_them_while_full": granted_full,
            "lost": lost,
            "did_not_go_on": stuck,
            "vouchers": len(written),
            "differences": differing,
        },
    )


def whole(campaign: CampaignTerms) -> bool:
    """Whether every unit issued has a holder and an entry, and none is gone: in one moment."""
    now = in_one_moment(redis_handle.client, campaign.id)
    issued = now.following - 1
    return now.left + issued == UNITS and now.holders == now.waiting == issued


if __name__ == "__main__":
    play("memory_full", drill)
