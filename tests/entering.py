"""Builders of what tests of entry waivers need: a gate at work, visitors, a month's entries."""

from backend.domain.entries import month_of
from backend.services import campaigns, entries, entry_statements, payment_codes
from backend.storage.models.entries import Entry, EntryStatement
from tests.factories import City, MovableClock, Person, approve, new_request

GATE, SPOT = "GATE-JJK", "TJ0005"
TICKET_FEN = 3_500


def gate(city: City) -> Person:
    """Let the sample's entry waiver run; return a clerk of its gate."""
    if campaigns.terms(GATE).state == "draft":
        approve(GATE, actor="test")
        campaigns.run(GATE, actor="test")
    return city.clerk(SPOT)


def enter(clerk: Person, visitor: Person, *, free: bool = False, request: str = "") -> Entry:
    """Record a visitor's entry by a fresh code."""
    return entries.record(
        clerk_id=clerk.id,
        merchant_id=SPOT,
        request_id=request or new_request(),
        code=payment_codes.issue(visitor.id).code,
        already_free=free,
    )


def undo_one(city: City) -> None:
    """Record one entry and undo it."""
    entry = enter(gate(city), city.resident())
    entries.undo(entry_id=entry.id, reason="扫错了人", actor="test")


def stated(city: City, moment: MovableClock, *, visitors: int = 2) -> EntryStatement:
    """Let visitors in, one of them free by another rule, and state the month when it is over."""
    clerk = gate(city)
    month = month_of(enter(clerk, city.resident(), free=True).business_day)
    for _ in range(visitors):
        enter(clerk, city.resident())
    moment.move(days=4)  # from 28 April into May
    return entry_statements.make(campaign_id=GATE, month=month, actor="文旅局甲")
