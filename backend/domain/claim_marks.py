"""Marks (可疑标记): what is unusual about a claim, for rules against fraud. None refuses anything.

A mark is one bit of a number that goes with the claim into SQL.
"""

import functools
import hmac
from typing import NamedTuple

from backend.domain import addresses, tickets

# Of the ticket: none; not ours; somebody else's; of another campaign; too old; used before. The
# last is found by the claim script, which knows what its resident holds.
TICKET_MISSING = 1
TICKET_FORGED = 2
TICKET_FOREIGN = 4
TICKET_ELSEWHERE = 8
TICKET_EXPIRED = 16
TICKET_REUSED = 32
FAST_AFTER_TICKET = 64
FAST_AFTER_OPENING = 128
RANGE_CROWDED = 256  # found in SQL, when all claims of the first seconds are there

NAMES = {
    TICKET_MISSING: "ticket_missing",
    TICKET_FORGED: "ticket_forged",
    TICKET_FOREIGN: "ticket_foreign",
    TICKET_ELSEWHERE: "ticket_elsewhere",
    TICKET_EXPIRED: "ticket_expired",
    TICKET_REUSED: "ticket_reused",
    FAST_AFTER_TICKET: "fast_after_ticket",
    FAST_AFTER_OPENING: "fast_after_opening",
    RANGE_CROWDED: "range_crowded",
}

# No city publishes its thresholds; these are defaults. 100 ms is what athletics takes for the least
# time in which a person reacts to a start. After a page was sent it must still arrive, be drawn,
# be read and be pressed.
FASTEST_AFTER_OPENING_MS = 100
FASTEST_AFTER_TICKET_MS = 300
# Rule R7 against fraud: so many residents of one /24 or /64 within the first ten seconds.
CROWD_WINDOW_MS = 10_000
CROWD_RESIDENTS = 5


class Origin(NamedTuple):
    """How a claim came: its marks, the nonce of its good ticket, and its range of addresses.

    The range is a keyed hash, another one in each campaign, and 0 after the first seconds.
    """

    marks: int = 0
    ticket_tag: str = ""
    address_range: int = 0


UNKNOWN = Origin()


def judge(
    *,
    ticket: str | None,
    address: str,
    campaign_id: str,
    resident_id: int,
    since_opening_ms: int,
    now_ms: int,
    ticket_ttl_s: int,
    token_key: bytes,
) -> Origin:
    """Return how a claim came: at most one MAC, and within the first seconds one hash."""
    marks, tag, number = 0, "", 0
    if ticket is None:
        marks = TICKET_MISSING
    else:
        marks, tag = _judge_ticket(
            ticket, campaign_id, resident_id, now_ms, ticket_ttl_s, token_key
        )
    if 0 <= since_opening_ms < CROWD_WINDOW_MS:
        if since_opening_ms < FASTEST_AFTER_OPENING_MS:
            marks |= FAST_AFTER_OPENING
        number = range_number(address, campaign_id, token_key)
    return Origin(marks, tag, number)


def _judge_ticket(
    text: str, campaign_id: str, resident_id: int, now_ms: int, ttl_s: int, token_key: bytes
) -> tuple[int, str]:
    try:
        ticket = tickets.read(text, token_key=token_key)
    except tickets.TicketRefused:
        return TICKET_FORGED, ""
    if ticket.resident_id != resident_id:
        return TICKET_FOREIGN, ""
    if ticket.campaign_id != campaign_id:
        return TICKET_ELSEWHERE, ""
    age_ms = now_ms - ticket.issued_ms
    if age_ms >= ttl_s * 1000:
        return TICKET_EXPIRED, ""
    return (FAST_AFTER_TICKET if age_ms < FASTEST_AFTER_TICKET_MS else 0), ticket.nonce


def names(marks: int) -> list[str]:
    """Return the names of marks, in the order of their bits."""
    return [name for bit, name in NAMES.items() if marks & bit]


def range_number(address: str, campaign_id: str, token_key: bytes) -> int:
    """Return the keyed number of an address's range in a campaign, from 1 below 2^48; 0 for none.

    An inner address is a proxy's or our own and says nothing about who claims.
    """
    if ":" not in address:  # all of an IPv4 range share one reckoning: it costs more than a claim
        address = address[: address.rfind(".") + 1] + "0"
    return _range_number(address, campaign_id, token_key)


@functools.lru_cache(maxsize=65_536)
def _range_number(address: str, campaign_id: str, token_key: bytes) -> int:
    found = addresses.parse(address)
    if found is None or not found.is_global:
        return 0
    text = f"{campaign_id}:{addresses.range_of(found)}"
    key = hmac.digest(token_key, b"claim-range", "sha256")
    digest = hmac.digest(key, text.encode(), "sha256")[:6]
    return int.from_bytes(digest, "big") or 1
