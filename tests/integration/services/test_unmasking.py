"""A shop's contact is rung for a reason, on the record, and within the same daily limit."""

import pytest

from backend.domain.errors import NotFound
from backend.domain.staff import Role
from backend.domain.unmasking import UNMASKS_A_DAY, UnmaskLimitReached
from backend.services import unmasking
from backend.storage.models.audit import AuditEntry
from tests import joining
from tests.factories import SUPERMARKET, City, rows


def look(merchant_id: str, role: Role = Role.BUREAU_OPERATOR) -> str:
    return unmasking.of_merchant(merchant_id, reason="核实投诉", actor="li.wei", role=role)


def looks() -> list[AuditEntry]:
    return [entry for entry in rows(AuditEntry) if entry.action == "merchant.unmask"]


def test_who_rang_a_shop_and_why_is_written_down(city: City) -> None:
    shop = joining.pledged()
    assert look(shop) == "13800138000"
    (entry,) = looks()
    assert (entry.actor, entry.subject, entry.details) == ("li.wei", shop, {"reason": "核实投诉"})


def test_looks_at_shops_and_residents_count_together(city: City) -> None:
    person, shop = city.resident(), joining.pledged()
    for _ in range(UNMASKS_A_DAY[Role.BUREAU_OPERATOR] - 1):
        unmasking.of_resident(person.id, reason="核实", actor="li.wei", role=Role.BUREAU_OPERATOR)
    look(shop)
    with pytest.raises(UnmaskLimitReached):
        look(shop)
    assert len(looks()) == 1


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.BANK, Role.ADMINISTRATOR])
def test_other_roles_see_no_number_however_they_ask(city: City, role: Role) -> None:
    with pytest.raises(UnmaskLimitReached):
        look(joining.pledged(), role)
    assert looks() == []


@pytest.mark.parametrize("merchant_id", [SUPERMARKET, "TJ9999"])
def test_a_shop_without_a_known_phone_is_not_found(city: City, merchant_id: str) -> None:
    with pytest.raises(NotFound):
        look(merchant_id)
