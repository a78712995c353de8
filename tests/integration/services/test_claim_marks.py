"""A mark goes with its claim into SQL, and refuses nothing."""

from datetime import timedelta
from typing import Any

import pytest

from backend import metrics
from backend.domain import claim_marks as domain
from backend.domain.vouchers import voucher_id
from backend.extensions import db, redis_handle
from backend.services import campaigns, claim_marks, claims, tickets
from backend.services.claims import ClaimedVoucher
from backend.storage.models.residents import ResidentIdentity
from backend.storage.models.vouchers import Voucher
from backend.storage.redis import quota, rebuild, stream
from backend.workers import jobs
from tests.conftest import OPENING
from tests.factories import MAY, City, MovableClock, Person, drain, held_claims, new_request, rows
from tests.integration.services.claim_rules import rebuild as rebuild_quota


def page_ticket(person: Person, moment: MovableClock) -> str:
    """Open the campaign's page, and take a person's time over it."""
    text = tickets.issue(campaign_id=MAY, resident_id=person.id).text
    moment.move(seconds=2)
    return text


def claim(
    person: Person, ticket: str | None, *, tier: int = 1, request_id: str = "", address: str = ""
) -> ClaimedVoucher:
    return claims.claim_voucher(
        campaign_id=MAY,
        tier_position=tier,
        resident_id=person.id,
        request_id=request_id or new_request(),
        ticket=ticket,
        address=address,
    )


def marks() -> dict[int, list[str]]:
    drain()
    return {voucher.id: domain.names(voucher.marks) for voucher in rows(Voucher)}


def test_a_ticket_is_good_once_and_the_second_claim_with_it_is_taken_and_marked(
    city: City, moment: MovableClock
) -> None:
    person = city.resident()
    ticket = page_ticket(person, moment)
    first, second = claim(person, ticket), claim(person, ticket, tier=2)
    third = claim(person, page_ticket(person, moment), tier=3)
    assert marks() == {
        first.voucher_id: [],
        second.voucher_id: ["ticket_reused"],
        third.voucher_id: [],
    }


def test_the_same_request_again_is_a_replay_and_no_second_use(
    city: City, moment: MovableClock
) -> None:
    person = city.resident()
    ticket = page_ticket(person, moment)
    first = claim(person, ticket, request_id="request-once")
    again = claim(person, ticket, request_id="request-once")
    without = claim(person, None, request_id="request-once")
    assert (again.voucher_id, again.replayed) == (first.voucher_id, True)
    assert (without.voucher_id, without.replayed) == (first.voucher_id, True)
    assert marks() == {first.voucher_id: []}


def test_a_refused_claim_uses_no_ticket(city: City, moment: MovableClock) -> None:
    person = city.resident()
    claim(person, page_ticket(person, moment))
    ticket = page_ticket(person, moment)
    with pytest.raises(Exception, match="campaign"):
        claim(person, ticket)  # one of each tier
    second = claim(person, ticket, tier=2)
    assert marks()[second.voucher_id] == []


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda _text, _moment: None, ["ticket_missing"]),
        (lambda text, _moment: text[:-1], ["ticket_forged"]),
        (lambda text, moment: [moment.move(seconds=3598), text][1], ["ticket_expired"]),
        (lambda text, moment: [moment.move(seconds=3597), text][1], []),
    ],
)
def test_whatever_the_ticket_the_claim_is_taken(
    city: City, moment: MovableClock, spoil: Any, expected: list[str]
) -> None:
    person = city.resident()
    text = spoil(page_ticket(person, moment), moment)
    voucher = claim(person, text)
    assert marks() == {voucher.voucher_id: expected}


def test_another_ones_ticket_is_marked(city: City, moment: MovableClock) -> None:
    owner, other = city.resident(), city.resident()
    ticket = page_ticket(owner, moment)
    stolen, own = claim(other, ticket), claim(owner, ticket)
    assert marks() == {stolen.voucher_id: ["ticket_foreign"], own.voucher_id: []}


def test_who_pays_before_the_writer_comes_keeps_his_marks(city: City) -> None:
    person = city.resident()
    voucher = claim(person, None)
    claims.record_promised(person.id)
    assert [v.marks for v in rows(Voucher)] == [0]
    assert marks() == {voucher.voucher_id: ["ticket_missing"]}
    assert claim_marks.counts() == {MAY: {"ticket_missing": 1}}


def test_an_entry_delivered_twice_leaves_the_marks_as_they_are(
    city: City, moment: MovableClock
) -> None:
    moment.set(OPENING)
    voucher = claim(city.resident(), None, address="8.8.4.4")
    entries = next(stream.waiting(redis_handle.client, MAY))
    for _ in range(2):
        claims.record(entries)
        [row] = rows(Voucher)
        assert domain.names(row.marks) == ["ticket_missing", "fast_after_opening"]
        assert row.claim_range == entries[0].address_range > 0
    assert row.id == voucher.voucher_id


def test_a_claim_restored_or_rebuilt_has_no_tag_and_takes_its_holders_next_one(
    city: City, moment: MovableClock
) -> None:
    person = city.resident()
    ticket = page_ticket(person, moment)
    first = claim(person, ticket)
    drain()
    rebuild_quota()
    again = claim(person, ticket)  # perhaps the same request, repeated: it gets the same voucher
    assert (again.voucher_id, again.replayed) == (first.voucher_id, True)
    second = claim(person, ticket, tier=2)
    assert marks()[second.voucher_id] == ["ticket_reused"]


def test_five_residents_of_one_range_in_the_first_ten_seconds_are_marked_and_four_are_not(
    city: City, moment: MovableClock
) -> None:
    moment.set(OPENING + timedelta(seconds=9, milliseconds=999))
    crowd = [claim(city.resident(), None, address=f"8.8.4.{n}") for n in range(5)]
    four = [claim(city.resident(), None, address=f"8.8.5.{n}") for n in range(4)]
    inner = [claim(city.resident(), None, address="10.0.0.1") for _ in range(5)]
    moment.set(OPENING + timedelta(seconds=10))
    late = claim(city.resident(), None, address="8.8.5.77")
    drain()
    assert claim_marks.mark_crowded() == 5
    assert claim_marks.mark_crowded() == 0
    crowded = {number for number, names in marks().items() if "range_crowded" in names}
    assert crowded == {voucher.voucher_id for voucher in crowd}
    assert late.voucher_id not in crowded
    assert len(four) + len(inner) + 6 == len(marks())


def test_one_resident_claiming_five_times_is_no_crowd(city: City, moment: MovableClock) -> None:
    moment.set(OPENING + timedelta(seconds=1))
    people = [city.resident(), city.resident()]
    for person in people:
        for tier in (1, 2, 3):
            claim(person, None, tier=tier, address="8.8.4.4")
    drain()
    assert claim_marks.mark_crowded() == 0


def test_ranges_are_erased_a_day_after_the_opening(city: City, moment: MovableClock) -> None:
    moment.set(OPENING + timedelta(seconds=1))
    for n in range(5):
        claim(city.resident(), None, address=f"8.8.4.{n}")
    drain()
    moment.set(OPENING + timedelta(days=1) - timedelta(seconds=1))
    assert jobs.run_job(city.app, claim_marks.mark_crowded) == 5
    assert all(voucher.claim_range for voucher in rows(Voucher))
    moment.set(OPENING + timedelta(days=1))
    claim_marks.mark_crowded()
    assert [voucher.claim_range for voucher in rows(Voucher)] == [None] * 5
    assert claim_marks.counts()[MAY]["range_crowded"] == 5


def test_a_virtual_operators_number_is_marked_when_it_is_bound_and_not_refused(
    city: City, moment: MovableClock
) -> None:
    plain, virtual = city.resident("13800138000"), city.resident("17012345678")
    for person in (plain, virtual):
        claim(person, page_ticket(person, moment))
    drain()
    assert {i.last4: i.virtual_operator for i in rows(ResidentIdentity)} == {
        "8000": False,
        "5678": True,
    }
    assert claim_marks.counts(MAY) == {MAY: {"virtual_number": 1}}
    [shown] = claim_marks.marked(MAY, limit=10)
    assert (shown.phone, shown.marks) == ("170****5678", ("virtual_number",))


def test_staff_see_counts_by_mark_and_the_latest_vouchers(city: City, moment: MovableClock) -> None:
    people = [city.resident() for _ in range(3)]
    claim(people[0], "forged")
    claim(people[1], None)
    moment.move(seconds=1)
    last = claim(people[2], None)
    drain()
    assert claim_marks.counts() == {MAY: {"ticket_missing": 2, "ticket_forged": 1}}
    assert claim_marks.counts("Q3-NIGHT") == {}
    assert [v.voucher_id for v in claim_marks.marked(limit=1)] == [last.voucher_id]
    [forged] = claim_marks.marked(mark="ticket_forged", limit=10)
    assert forged.phone == f"{people[0].phone[:3]}****{people[0].phone[-4:]}"
    with pytest.raises(ValueError, match="no mark"):
        claim_marks.marked(mark="none_such", limit=1)


def test_marks_are_counted_for_prometheus_once_a_claim(city: City, moment: MovableClock) -> None:
    def counted(mark: str) -> float:
        metrics.flush()
        labels = {"campaign": MAY, "mark": mark}
        return metrics.REGISTRY.get_sample_value("huiquan_claim_marks_total", labels) or 0.0

    before = {name: counted(name) for name in domain.NAMES.values()}
    person = city.resident()
    ticket = page_ticket(person, moment)
    claim(person, ticket, request_id="request-counted")
    claim(person, ticket, request_id="request-counted")
    claim(person, ticket, tier=2)
    claim(person, None, tier=3)
    found = {name: counted(name) - before[name] for name in before}
    assert {name: n for name, n in found.items() if n} == {
        "ticket_reused": 1.0,
        "ticket_missing": 1.0,
    }


def test_the_nonce_of_a_ticket_costs_four_bytes_of_a_held_claim(
    city: City, moment: MovableClock
) -> None:
    with_ticket, without = city.resident(), city.resident()
    claim(with_ticket, page_ticket(with_ticket, moment))
    claim(without, None)
    campaign, client = campaigns.terms(MAY), redis_handle.client
    db.session.close()
    texts = []
    for person in (with_ticket, without):
        [held] = held_claims(person.id)
        bucket, field = divmod(person.id, 64)
        text = client.hget(quota.keys.held(MAY, bucket), str(field))
        assert str(text).startswith(f"1.{held.serial:x}.")
        texts.append(len(str(text)))
        assert voucher_id(campaign.tiers[0].id, held.serial)
    assert texts[0] - texts[1] == 4
    assert len(list(rebuild.all_held(client, campaign))) == 2
