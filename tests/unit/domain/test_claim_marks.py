"""What is unusual about a claim, at both sides of every boundary."""

from typing import Any

import pytest

from backend.domain import claim_marks, tickets
from backend.domain.claim_marks import Origin, names

KEY = bytes(range(32))
NOW_MS = 1_682_647_260_000
TTL_S = 3600


def ticket(age_ms: int = 60_000, **changes: Any) -> str:
    values = {"campaign_id": "Q2-MAY", "resident_id": 71, "token_key": KEY, **changes}
    return tickets.issue(now_ms=NOW_MS - age_ms, random_bytes=b"abc", **values)


def judged(text: str | None, *, since_opening_ms: int = 60_000, address: str = "") -> Origin:
    return claim_marks.judge(
        ticket=text, address=address, campaign_id="Q2-MAY", resident_id=71,
        since_opening_ms=since_opening_ms, now_ms=NOW_MS, ticket_ttl_s=TTL_S, token_key=KEY,
    )  # fmt: skip


def test_a_claim_from_the_page_has_no_mark_and_its_tickets_nonce() -> None:
    assert judged(ticket()) == Origin(marks=0, ticket_tag="YWJj", address_range=0)


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        (None, "ticket_missing"),
        ("x", "ticket_forged"),
        (ticket(token_key=bytes(32)), "ticket_forged"),
        (ticket(resident_id=72), "ticket_foreign"),
        (ticket(campaign_id="Q3-NIGHT"), "ticket_elsewhere"),
    ],
)
def test_a_ticket_that_is_not_his_own_for_this_campaign_is_a_mark(
    text: str | None, mark: str
) -> None:
    found = judged(text)
    assert names(found.marks) == [mark]
    assert found.ticket_tag == ""


@pytest.mark.parametrize(
    ("age_ms", "expected"),
    [
        (-5_000, ["fast_after_ticket"]),  # another machine's clock runs ahead
        (299, ["fast_after_ticket"]),
        (300, []),
        (TTL_S * 1000 - 1, []),
        (TTL_S * 1000, ["ticket_expired"]),
    ],
)
def test_a_ticket_is_good_from_300_ms_until_its_end(age_ms: int, expected: list[str]) -> None:
    assert names(judged(ticket(age_ms)).marks) == expected


@pytest.mark.parametrize(
    ("since_ms", "expected"),
    [(-1, []), (0, ["fast_after_opening"]), (99, ["fast_after_opening"]), (100, [])],
)
def test_nobody_reacts_within_100_ms(since_ms: int, expected: list[str]) -> None:
    assert names(judged(ticket(), since_opening_ms=since_ms).marks) == expected


def test_the_range_is_kept_for_the_first_ten_seconds_alone() -> None:
    for since_ms, kept in ((-1, False), (0, True), (9_999, True), (10_000, False)):
        found = judged(ticket(), since_opening_ms=since_ms, address="8.8.4.4")
        assert (found.address_range > 0) == kept, since_ms


def test_a_range_is_a_keyed_number_that_differs_by_campaign() -> None:
    number = claim_marks.range_number("8.8.4.4", "Q2-MAY", KEY)
    assert 0 < number < 2**48
    assert claim_marks.range_number("8.8.4.200", "Q2-MAY", KEY) == number
    others = (("8.8.5.4", "Q2-MAY", KEY), ("8.8.4.4", "Q3-NIGHT", KEY), ("8.8.4.4", "Q2-MAY", b""))
    for other in others:
        assert claim_marks.range_number(*other) != number
    for inner in ("127.0.0.1", "10.0.0.7", "::1", "", "unix:"):
        assert claim_marks.range_number(inner, "Q2-MAY", KEY) == 0


def test_every_mark_is_a_bit_of_its_own_with_a_name_of_its_own() -> None:
    bits = list(claim_marks.NAMES)
    assert bits == [1 << n for n in range(len(bits))]
    assert len(set(claim_marks.NAMES.values())) == len(bits)
    assert names(sum(bits)) == list(claim_marks.NAMES.values())
