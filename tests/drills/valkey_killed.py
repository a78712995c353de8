"""Drill: Valkey is killed (-9) again and again in a rush, and started again on its files.

No acknowledged claim may be missing, and units left + units issued are the tier's count each time.
A kill leaves the kernel's page cache: what a power cut would take is told by `appendfsync always`,
which the drill `unsafe_settings` holds.
"""

import time
from collections.abc import Iterator

from backend.domain.campaigns import CampaignTerms
from backend.domain.vouchers import SERIALS_PER_TIER, first_serial
from backend.extensions import redis_handle
from backend.services import campaigns
from backend.storage.redis import rebuild
from tests.drills import Outcome, options, play
from tests.factories import MAY
from tests.load.callers import Rush, Told
from tests.load.counts import in_one_moment
from tests.load.proofs import differences, most_held, vouchers
from tests.load.stack import city

UNITS = 150_000
RUSH_S = 0.4  # between a start and the next kill


def drill() -> Iterator[Outcome]:
    """Kill, start, count; then drain and count in SQL."""
    rounds = options().rounds
    with city(units={1: UNITS}, residents=UNITS) as stack, stack.web() as web, stack.writer():
        terms = campaigns.terms(MAY)
        lost, broken = set[int](), 0
        with Rush(web.url, stack.token, range(1, UNITS + 1)) as rush:
            for _ in range(rounds):
                told = len(rush.told)
                rush.await_told(told + 50)
                time.sleep(RUSH_S)
                told = len(rush.told)
                stack.kill()
                lost |= missing(terms, rush.told[:told])
                broken += not conserved(terms)
        stack.await_drained()
        written = vouchers()
        lost |= {t.voucher_id for t in rush.told if written.get(t.voucher_id) != t.resident_id}
        differing, most = differences(), most_held()
    passed = not lost and broken == 0 and differing == 0 and most == 1
    yield (
        passed,
        {
            "kills": rounds,
            "acknowledged": len(rush.told),
            "lost": len(lost),
            "not_conserved": broken,
            "answered_503": rush.refused["quota_unavailable"],
            "unanswered": rush.cut.total(),
            "vouchers": len(written),
            "most_of_one_person": most,
            "differences": differing,
        },
    )


def missing(campaign: CampaignTerms, told: list[Told]) -> set[int]:
    """Return the acknowledged vouchers that Valkey does not know to be their holder's."""
    everybody = rebuild.all_held(redis_handle.client, campaign)
    held = {(resident_id, claim.serial) for resident_id, claim in everybody}
    return {
        claim.voucher_id
        for claim in told
        if (claim.resident_id, claim.voucher_id % SERIALS_PER_TIER) not in held
    }


def conserved(campaign: CampaignTerms) -> bool:
    """Whether left + issued = the count and everybody issued a unit holds it, in one moment."""
    now = in_one_moment(redis_handle.client, campaign.id)
    issued = now.following - first_serial(campaign.epoch) + now.given
    return now.left + issued == UNITS and now.holders == issued


if __name__ == "__main__":
    play("valkey_killed", drill)
