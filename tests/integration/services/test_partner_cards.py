"""Card notices of partners."""

from typing import Any

import pytest

from backend import clock
from backend.domain.errors import HuiquanError
from backend.services import cards, partner_cards
from tests.bank_parts import enter
from tests.factories import City, Person


def notice(person: Person, number: str, act: str = "bind", **changed: Any) -> dict[str, Any]:
    given = {
        "partner_id": "BANK01",
        "phone": person.phone,
        "card_token": "tok-1",
        "last4": "0048",
        "happened_at": clock.now(),
        **changed,
    }
    return partner_cards.take(request_number=number, act=act, **given)  # type: ignore[arg-type]


def test_a_card_is_bound_and_unbound_by_the_phone_of_its_holder_each_notice_once(
    city: City,
) -> None:
    enter()
    person = city.resident()
    for _ in range(2):
        assert notice(person, "notice-01")["last4"] == "0048"
    assert cards.last4_of(person.id) == ["0048"]
    notice(person, "notice-02", "unbind")
    notice(person, "notice-01")  # again, and late: it changes nothing
    assert cards.last4_of(person.id) == []


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"phone": "13999999999"}, "not_found"),
        ({"card_token": "6226090000000048"}, "card_number_refused"),
    ],
)
def test_an_unknown_phone_and_a_full_card_number_are_refused(
    city: City, changed: dict[str, str], code: str
) -> None:
    enter()
    for _ in range(2):
        with pytest.raises(HuiquanError) as refused:
            notice(city.resident(phone="13812345678"), "notice-03", **changed)
        assert refused.value.code == code


def test_another_residents_card_is_refused(city: City) -> None:
    enter()
    notice(city.resident(), "notice-04")
    with pytest.raises(HuiquanError) as refused:
        notice(city.resident(), "notice-05")
    assert refused.value.code == "card_of_another_resident"
