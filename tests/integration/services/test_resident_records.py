"""Residents as staff see them: masked, found by little, unmasked for a reason and not too often."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from backend.domain.errors import NotFound
from backend.domain.staff import Role
from backend.domain.unmasking import UNMASKS_A_DAY, UnmaskLimitReached
from backend.extensions import db
from backend.services import blocks, resident_records, unmasking
from backend.storage.models.audit import AuditEntry
from tests.factories import City, MovableClock, drain, rows

LIMIT = UNMASKS_A_DAY[Role.BUREAU_OPERATOR]


def look(resident_id: int, *, actor: str = "li.wei", role: Role = Role.BUREAU_OPERATOR) -> str:
    return unmasking.of_resident(resident_id, reason="核实投诉", actor=actor, role=role)


def looks() -> list[AuditEntry]:
    return [entry for entry in rows(AuditEntry) if entry.action == "resident.unmask"]


def test_a_resident_is_found_by_last_digits_number_voucher_and_block(city: City) -> None:
    one, two = city.resident("13800001111"), city.resident("13900002222")
    voucher_id = city.claim(one).voucher_id
    drain()
    blocks.block(two.id, reason="刷券", actor="li.wei")
    for wanted, found in (
        ({}, [two.id, one.id]),
        ({"last4": "1111"}, [one.id]),
        ({"last4": "0000"}, []),
        ({"resident_id": two.id}, [two.id]),
        ({"voucher_id": voucher_id}, [one.id]),
        ({"voucher_id": 1}, []),
        ({"blocked": True}, [two.id]),
        ({"blocked": False}, [one.id]),
    ):
        assert [r.id for r in resident_records.find(**wanted).each()] == found, wanted  # type: ignore[arg-type]  # as above


def test_a_record_holds_vouchers_cards_and_acts_and_no_whole_number(city: City) -> None:
    person = city.resident("13800001111")
    city.bind_card(person)
    voucher_id = city.claim(person).voucher_id
    blocks.block(person.id, reason="刷券", actor="li.wei")
    record = resident_records.get(person.id)
    assert record.resident.is_blocked
    assert [(i.kind, i.last4) for i in record.identities] == [("phone", "1111"), ("card", "0018")]
    assert [v.voucher_id for v in record.wallet.vouchers] == [voucher_id]
    assert [a.action for a in record.acts] == ["resident.bind_card", "resident.block"]
    assert "13800001111" not in str(record)


@pytest.mark.parametrize("resident_id", [999_999_999, 2**31, 10**18])
def test_nobodys_number_is_not_found(city: City, resident_id: int) -> None:
    with pytest.raises(NotFound):
        resident_records.get(resident_id)
    with pytest.raises(NotFound):
        look(resident_id)
    assert looks() == []


def test_who_saw_a_whole_number_and_why_is_written_down(city: City) -> None:
    person = city.resident("13800001111")
    assert look(person.id) == "13800001111"
    (entry,) = looks()
    assert (entry.actor, entry.subject) == ("li.wei", str(person.id))
    assert entry.details == {"reason": "核实投诉"}


def test_a_days_looks_are_counted_for_each_person(city: City, moment: MovableClock) -> None:
    person = city.resident()
    for _ in range(LIMIT):
        look(person.id)
    with pytest.raises(UnmaskLimitReached):
        look(person.id)
    assert len(looks()) == LIMIT
    look(person.id, actor="wang.fang")
    moment.move(days=1)
    look(person.id)


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.BUREAU_APPROVER, Role.ADMINISTRATOR])
def test_other_roles_see_no_number_however_they_ask(city: City, role: Role) -> None:
    person = city.resident()
    with pytest.raises(UnmaskLimitReached):
        look(person.id, role=role)
    assert looks() == []


def test_looks_at_once_are_no_more_than_the_limit(city: City) -> None:
    person = city.resident()
    for _ in range(LIMIT - 2):
        look(person.id)
    gate = threading.Barrier(8)

    def try_to() -> bool:
        with city.app.app_context():
            gate.wait()
            try:
                look(person.id)
            except UnmaskLimitReached:
                return False
            finally:
                db.session.remove()
            return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: try_to(), range(8))) == 2
