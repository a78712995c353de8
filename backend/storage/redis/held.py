"""Held claims as Valkey keeps them: small text, 64 residents to a hash.

A resident's claims of a campaign stand in one field, parted by commas, each as

    tier.serial.at.tag      such as 1.9c4.1d4c0.Zk3_aQ

with the serial and the milliseconds since the campaign's opening in hexadecimal digits (Lua and
Python both read and write them) and the tag of the request that took it; the tag is empty for a
claim that was loaded from SQL or restored by its receipt. A hash of 64 short fields is one block
of memory in Valkey (a listpack), so a claim takes some 30 bytes instead of 80.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from backend import clock
from backend.domain.campaigns import CampaignTerms

# Below hash-max-listpack-entries of every server in use (128 on Redis 7, 512 on Valkey).
RESIDENTS_PER_BUCKET = 64


class HeldClaim(NamedTuple):
    """A unit that a resident holds: its serial within the tier, and when it was claimed."""

    tier_position: int
    serial: int
    claimed_at: datetime


def place(resident_id: int) -> tuple[int, int]:
    """Return (bucket, field) of a resident."""
    return divmod(resident_id, RESIDENTS_PER_BUCKET)


def since_opening(campaign: CampaignTerms, at_ms: int) -> str:
    """Return a moment as a claim's text has it; nothing is claimed before the opening."""
    return f"{max(at_ms - campaign.opens_at_ms, 0):x}"


def text_of(campaign: CampaignTerms, claim: HeldClaim) -> str:
    """Return a claim's text without a tag."""
    at_ms = clock.to_ms(claim.claimed_at) - campaign.opens_at_ms
    return untagged(claim.tier_position, claim.serial, at_ms)


def untagged(tier_position: int, serial: int, since_opening_ms: int) -> str:
    """Return the same from plain numbers; see `since_opening`."""
    return f"{tier_position}.{serial:x}.{max(since_opening_ms, 0):x}."


def parse(campaign: CampaignTerms, text: str) -> HeldClaim:
    """Return what the text of one claim says."""
    tier_position, serial, at, _tag = text.split(".")
    return HeldClaim(
        tier_position=int(tier_position),
        serial=int(serial, 16),
        claimed_at=clock.from_ms(campaign.opens_at_ms + int(at, 16)),
    )


def parse_all(campaign: CampaignTerms, text: str | None) -> Iterator[HeldClaim]:
    """Yield the claims of a resident's field; none for an absent one."""
    for claim in text.split(",") if text else ():
        yield parse(campaign, claim)
