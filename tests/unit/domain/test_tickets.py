"""Tickets: only what we signed is believed, and one is told from another."""

import pytest

from backend.domain import receipts, tickets, tokens
from backend.domain.tickets import Ticket, TicketRefused

KEY = bytes(range(32))
NOW_MS = 1_682_647_260_000


def issued(random_bytes: bytes = b"abc", campaign_id: str = "Q2-MAY") -> str:
    return tickets.issue(
        campaign_id=campaign_id, resident_id=123_456, now_ms=NOW_MS, random_bytes=random_bytes,
        token_key=KEY,
    )  # fmt: skip


def test_a_ticket_reads_as_it_was_issued_and_is_short() -> None:
    text = issued()
    assert tickets.read(text, token_key=KEY) == Ticket("Q2-MAY", 123_456, NOW_MS, "YWJj")
    assert len(text) < 60


def test_the_longest_ticket_fits_the_endpoints_bound() -> None:
    text = tickets.issue(
        campaign_id="Q" * 32, resident_id=2**53, now_ms=10**15, random_bytes=b"\xff\xff\xff",
        token_key=KEY,
    )  # fmt: skip
    assert len(text) <= 128
    assert tickets.read(text, token_key=KEY).resident_id == 2**53


def test_changing_any_one_character_forges_the_ticket() -> None:
    text = issued()
    for at, char in enumerate(text):
        forged = text[:at] + ("A" if char != "A" else "B") + text[at + 1 :]
        with pytest.raises(TicketRefused):
            tickets.read(forged, token_key=KEY)


@pytest.mark.parametrize("text", ["", ".", "x", "....", "Q2-MAY.1.1.YWJj.", "é.1.1.a.b"])
def test_what_is_no_ticket_is_refused(text: str) -> None:
    with pytest.raises(TicketRefused):
        tickets.read(text, token_key=KEY)


def test_no_other_text_signed_with_the_same_key_is_a_ticket() -> None:
    receipt = receipts.Receipt("Q2-MAY", 1, 1, 1, NOW_MS, 1)
    claims = tokens.Claims("resident", 1, 1, 1, NOW_MS)
    for text in (receipts.sign(receipt, token_key=KEY), tokens.issue(claims, key=KEY)):
        with pytest.raises(TicketRefused):
            tickets.read(text, token_key=KEY)
    with pytest.raises(TicketRefused):
        tickets.read(issued(), token_key=bytes(32))


def test_two_tickets_of_one_moment_differ_by_their_nonce() -> None:
    assert issued(b"abc") != issued(b"abd")
    with pytest.raises(ValueError, match="wants 3 bytes"):
        issued(b"ab")
