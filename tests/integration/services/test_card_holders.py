"""A claim that wants a card: the lane and the view alike, within a second, without a look-up."""

import time
from typing import Any

import pytest
from sqlalchemy import event

from backend.extensions import db
from backend.services import card_holders, cards
from tests.factories import City, Person, new_request
from tests.integration.services.claim_rules import code, with_terms
from tests.integration.services.test_cards import notice
from tests.integration.services.test_claim_windows import by_lane, by_view


def held_by(*people: Person) -> list[bool]:
    holders = card_holders.SNAPSHOTS.read(card_holders.ALL)
    db.session.rollback()
    return [person.id in holders for person in people]


@pytest.mark.parametrize("way", [by_view, by_lane])
def test_without_a_card_a_claim_is_refused_and_with_one_it_is_taken(city: City, way: Any) -> None:
    with_terms(card_required=True)
    person, other = city.resident(), city.resident()
    cards.bind(person.id, notice(), actor="bank")
    body = {"tier_position": 1, "request_id": new_request()}
    status, answer = way(city, other, body)
    assert (status, answer["error"]["code"]) == (403, "card_required")
    assert way(city, person, body)[0] == 201


@pytest.mark.parametrize("way", [by_view, by_lane])
def test_who_has_just_bound_a_card_can_claim_within_a_second(city: City, way: Any) -> None:
    with_terms(card_required=True)
    person = city.resident()
    body = {"tier_position": 1, "request_id": new_request()}
    assert way(city, person, body)[0] == 403
    cards.bind(person.id, notice(), actor="bank")
    time.sleep(1.0)
    assert way(city, person, body)[0] == 201


def test_a_replay_is_answered_also_after_the_card_was_unbound(city: City) -> None:
    with_terms(card_required=True)
    person, first = city.resident(), new_request()
    cards.bind(person.id, notice(), actor="bank")
    assert code(city, person.id, 1, first) == "taken"
    cards.unbind(person.id, notice(), actor="bank")
    card_holders.SNAPSHOTS.forget()
    assert code(city, person.id, 1, first) == "replayed"
    assert code(city, person.id, 2, new_request()) == "card_required"


def test_changes_are_read_alone_and_end_in_what_sql_says(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(card_holders, "OVERLAP", 2)
    people = [city.resident() for _ in range(6)]
    for number, person in enumerate(people[:4]):
        cards.bind(person.id, notice(f"tok-{number}"), actor="bank")
    assert held_by(*people) == [True] * 4 + [False] * 2
    cards.bind(people[3].id, notice("tok-second"), actor="bank")
    cards.unbind(people[3].id, notice("tok-3"), actor="bank")
    cards.unbind(people[2].id, notice("tok-2"), actor="bank")
    cards.bind(people[4].id, notice("tok-4"), actor="bank")
    statements: list[str] = []

    def listen(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    event.listen(db.engine, "before_cursor_execute", listen)
    assert held_by(*people) == [True, True, False, True, True, False]
    event.remove(db.engine, "before_cursor_execute", listen)
    readings = [s for s in statements if "FROM resident_identities" in s]
    assert readings
    assert all("FROM card_acts" in s for s in readings)  # nobody else is read again


def test_once_a_minute_everybody_is_read(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    person = city.resident()
    assert held_by(person) == [False]
    monkeypatch.setattr(card_holders, "OVERLAP", -1_000_000)  # what no overlap would find
    cards.bind(person.id, notice(), actor="bank")
    assert held_by(person) == [False]
    monkeypatch.setattr(card_holders, "WHOLE_EVERY_S", 0.0)
    assert held_by(person) == [True]
