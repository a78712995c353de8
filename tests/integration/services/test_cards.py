"""Cards: bound and unbound by numbered notices, one person's only, wanted where a campaign says."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from backend import clock
from backend.domain import refusals
from backend.domain.cards import CardNumberRefused, CardRequired
from backend.domain.errors import HuiquanError, NotFound
from backend.extensions import db
from backend.services import cards, orders, payment_codes
from backend.services.cards import Notice
from backend.services.orders import Amounts
from backend.storage.models.audit import AuditEntry
from backend.storage.models.campaigns import Campaign
from backend.storage.models.residents import CardAct, ResidentIdentity
from backend.storage.sql import transaction
from tests.factories import SUPERMARKET, City, MovableClock, Person, new_request, rows
from tests.integration.services.claim_rules import with_terms

NUMBER = "6216261000000000018"


def notice(card: str = "tok-1", number: str = "", **more: object) -> Notice:
    return Notice(
        partner_id="bank",
        request_number=number or new_request(),
        card_token=card,
        last4="0018",
        **more,  # type: ignore[arg-type]
    )


def test_a_card_is_one_residents_only_also_after_it_was_unbound(city: City) -> None:
    person, other = city.resident(), city.resident()
    for _ in range(2):
        cards.bind(person.id, notice(), actor="bank")
    assert cards.last4_of(person.id) == ["0018"]
    assert cards.owner("tok-1") == person.id
    cards.unbind(person.id, notice(), actor="bank")
    assert cards.last4_of(person.id) == []
    with pytest.raises(CardRequired):
        cards.owner("tok-1")
    with pytest.raises(refusals.CardOfAnotherResident):
        cards.bind(other.id, notice(), actor="bank")
    with pytest.raises(NotFound):
        cards.unbind(other.id, notice(), actor="bank")
    cards.bind(person.id, notice(), actor="bank")
    assert cards.last4_of(person.id) == ["0018"]
    with pytest.raises(NotFound):
        cards.bind(9_999_999, notice("tok-2"), actor="bank")


def test_the_same_request_number_acts_once_and_another_notice_under_it_is_refused(
    city: City,
) -> None:
    person = city.resident()
    first = notice(number="notice-1")
    cards.bind(person.id, first, actor="bank")
    cards.unbind(person.id, notice(number="notice-2"), actor="bank")
    cards.bind(person.id, first, actor="bank")  # sent once more: it is over
    assert cards.last4_of(person.id) == []
    with pytest.raises(refusals.RequestReused):
        cards.bind(person.id, notice("tok-2", number="notice-1"), actor="bank")
    with pytest.raises(refusals.RequestReused):
        cards.unbind(person.id, notice(number="notice-1"), actor="bank")
    assert len(rows(CardAct)) == 2


def test_notices_that_come_late_and_out_of_order_end_in_what_happened_last(
    city: City, moment: MovableClock
) -> None:
    person = city.resident()
    at = [clock.now() + timedelta(minutes=minute) for minute in range(4)]
    moment.move(minutes=10)
    cards.bind(person.id, notice(happened_at=at[0]), actor="bank")
    cards.unbind(person.id, notice(happened_at=at[2]), actor="bank")
    cards.bind(person.id, notice(happened_at=at[1]), actor="bank")
    assert cards.last4_of(person.id) == []
    cards.bind(person.id, notice(happened_at=at[3]), actor="bank")
    cards.unbind(person.id, notice(happened_at=at[1]), actor="bank")
    assert cards.last4_of(person.id) == ["0018"]
    assert len(rows(CardAct)) == 5


def test_twenty_people_binding_one_card_at_once_make_it_one_persons(city: City) -> None:
    people = [city.resident() for _ in range(20)]

    def bind(person: Person) -> str:
        with city.app.app_context():
            try:
                cards.bind(person.id, notice("tok-9"), actor="bank")
            except HuiquanError as refused:
                return refused.code
            return "bound"

    with ThreadPoolExecutor(20) as pool:
        found = sorted(pool.map(bind, people))
    assert found == ["bound", *["card_of_another_resident"] * 19]
    assert len([row for row in rows(ResidentIdentity) if row.kind == "card"]) == 1


def test_neither_a_number_nor_a_token_is_stored(city: City) -> None:
    person = city.resident()
    with pytest.raises(CardNumberRefused):
        cards.bind(person.id, notice(NUMBER), actor="bank")
    assert rows(CardAct) == []
    cards.bind(person.id, notice("tok-secret"), actor="bank")
    kept = [vars(row) for kind in (CardAct, ResidentIdentity, AuditEntry) for row in rows(kind)]
    assert len(kept) >= 4
    assert NUMBER not in repr(kept)
    assert "tok-secret" not in repr(kept)


def test_a_code_wants_a_card_while_a_campaign_goes_on_that_does(
    city: City, moment: MovableClock
) -> None:
    person = city.resident()
    assert payment_codes.issue(person.id).code
    with_terms(card_required=True)
    answer = city.post("/api/v1/resident/payment-codes", person)
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (403, "card_required")
    cards.bind(person.id, notice(), actor="bank")
    assert payment_codes.issue(person.id).code
    cards.unbind(person.id, notice(), actor="bank")
    with pytest.raises(CardRequired):
        payment_codes.issue(person.id)
    moment.move(days=13)  # 10 May, 24:00 is over
    assert payment_codes.issue(person.id).code


def test_who_holds_a_voucher_that_wants_no_card_shows_a_code_without_one(city: City) -> None:
    person, other = city.resident(), city.resident()
    city.claim(person)  # nothing has written it yet
    with transaction() as session:
        fuel = session.get_one(Campaign, "Q2-FUEL")
        fuel.card_required, fuel.state = True, "running"
        fuel.opens_at = clock.now() - timedelta(minutes=1)
    assert payment_codes.issue(person.id).code
    with pytest.raises(CardRequired):
        payment_codes.issue(other.id)


def test_a_gate_takes_codes_of_who_has_no_card(city: City) -> None:
    person = city.resident()
    with_terms(card_required=True)
    with transaction() as session:
        gate = session.get_one(Campaign, "GATE-JJK")
        gate.state, gate.opens_at = "running", clock.now() - timedelta(minutes=1)
    assert payment_codes.issue(person.id).code


def test_a_voucher_of_such_a_campaign_is_used_with_a_card_alone(city: City) -> None:
    with_terms(card_required=True)
    person = city.resident()
    cards.bind(person.id, notice(), actor="bank")
    city.claim(person)
    cards.unbind(person.id, notice(), actor="bank")

    def order() -> int:
        made = orders.create_at_placard(
            resident_id=person.id,
            request_id=new_request(),
            placard_code=city.placard[SUPERMARKET],
            amounts=Amounts(order_amount_fen=20_000),
        )
        return made.discount_fen

    with pytest.raises(refusals.NoEligibleVoucher) as refused:
        order()
    reasons = refused.value.details["reasons"]
    assert [reason["code"] for reason in reasons] == ["card_required"]  # type: ignore[attr-defined]
    cards.bind(person.id, notice(), actor="bank")
    assert order() == 1000


def test_me_shows_the_last_four_digits_alone(city: City) -> None:
    person = city.resident()
    cards.bind(person.id, notice(), actor="bank")
    assert city.get("/api/v1/resident/me", person).get_json()["cards"] == ["0018"]
    db.session.rollback()
