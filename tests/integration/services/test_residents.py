"""One person by phone, however many WeChat users; by card: test_cards.py."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from backend.domain import refusals
from backend.domain.errors import InvalidRequest
from backend.services import residents, vouchers
from backend.storage.models.residents import Resident, ResidentIdentity
from tests.factories import City, rows, wechat_user

PHONE = "13812345678"


def test_100_wechat_users_with_one_phone_are_one_person_with_one_voucher(city: City) -> None:
    people = [city.resident(PHONE) for _ in range(100)]
    assert len({person.id for person in people}) == 1
    city.claim(people[0])
    for person in people[1:]:
        with pytest.raises(refusals.ClaimLimitReached):
            city.claim(person)
    assert len(vouchers.wallet(people[99].id).vouchers) == 1


def test_two_users_binding_one_new_phone_at_once_become_one_person(city: City) -> None:
    users = [wechat_user().id for _ in range(8)]

    def bind(user_id: int) -> int:
        with city.app.app_context():
            return residents.bind_phone(wechat_user_id=user_id, phone=PHONE)

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(bind, users))) == 1
    assert len(rows(Resident)) == 1


def test_a_resident_may_add_a_phone_but_not_another_residents(city: City) -> None:
    person, other = city.resident(), city.resident()
    assert residents.bind_phone(wechat_user_id=person.wechat_user_id, phone=PHONE) == person.id
    assert residents.shown_phone(person.id) == "138****5678"
    with pytest.raises(refusals.PhoneOfAnotherResident):
        residents.bind_phone(wechat_user_id=person.wechat_user_id, phone=other.phone)


def test_phones_are_not_stored_in_clear(city: City) -> None:
    person = city.resident(PHONE)
    stored = repr([vars(row) for row in (*rows(Resident), *rows(ResidentIdentity))])
    assert PHONE not in stored
    assert residents.shown_phone(person.id) == "138****5678"


@pytest.mark.parametrize("phone", ["12800138000", "1380013800", "+8613800138000", "138001380001"])
def test_what_is_no_mainland_mobile_number_is_not_bound(city: City, phone: str) -> None:
    with pytest.raises(InvalidRequest):
        residents.bind_phone(wechat_user_id=wechat_user().id, phone=phone)
