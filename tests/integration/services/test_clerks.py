"""Clerks: accounts of their own, one shop each."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from backend.domain import refusals
from backend.domain.errors import NotFound
from backend.services import clerks
from backend.storage.models.audit import AuditEntry
from backend.storage.models.merchants import Clerk
from tests.factories import RESTAURANT, SUPERMARKET, City, rows


def test_a_phone_is_a_clerk_at_one_shop_at_a_time(city: City) -> None:
    phone = "13600001111"
    first = clerks.add_clerk(merchant_id=SUPERMARKET, name="王", phone=phone, actor="test")
    with pytest.raises(clerks.ClerkExists):
        clerks.add_clerk(merchant_id=RESTAURANT, name="王", phone=phone, actor="test")
    clerks.remove_clerk(clerk_id=first.id, actor="test")
    second = clerks.add_clerk(merchant_id=RESTAURANT, name="王", phone=phone, actor="test")
    assert [(c.id, c.state) for c in rows(Clerk)] == [(first.id, "removed"), (second.id, "active")]


def test_a_removed_clerk_is_refused_at_the_next_request(city: City) -> None:
    clerk = city.clerk()
    assert city.get("/api/v1/merchant/me", clerk).status_code == 200
    clerks.remove_clerk(clerk_id=clerk.id, actor="test")
    refused = city.get("/api/v1/merchant/me", clerk)
    assert (refused.status_code, refused.json["error"]["code"]) == (403, "not_a_clerk")
    with pytest.raises(refusals.NotAClerk):
        clerks.active_clerk(clerk.id)
    with pytest.raises(NotFound):
        clerks.remove_clerk(clerk_id=clerk.id, actor="test")


def test_a_clerks_phone_is_not_stored_in_clear(city: City) -> None:
    clerk = clerks.add_clerk(merchant_id=SUPERMARKET, name="王", phone="13600002222", actor="test")
    (row,) = [c for c in rows(Clerk) if c.id == clerk.id]
    assert "13600002222" not in repr(vars(row))
    assert row.phone_last4 == "2222"


def test_a_clerk_of_no_shop_cannot_be_added(city: City) -> None:
    with pytest.raises(NotFound):
        clerks.add_clerk(merchant_id="TJ9999", name="王", phone="13600003333", actor="test")


def test_a_shop_has_one_owner_and_the_new_one_ends_the_old(city: City) -> None:
    first, second = city.clerk(), city.clerk()
    for person in (first, second):
        clerks.make_owner(clerk_id=person.id, actor="test")
    assert [(c.id, c.role) for c in rows(Clerk)] == [(first.id, "clerk"), (second.id, "owner")]


def test_20_new_owners_at_once_end_in_one(city: City) -> None:
    people = [city.clerk().id for _ in range(4)]

    def attempt(number: int) -> None:
        with city.app.app_context():
            clerks.make_owner(clerk_id=people[number % 4], actor="test")

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(attempt, range(20)))
    assert sorted(clerk.role for clerk in rows(Clerk)) == ["clerk", "clerk", "clerk", "owner"]


def test_the_owner_adds_and_removes_clerks_of_his_own_shop_alone(city: City) -> None:
    owner, clerk, stranger = city.clerk(), city.clerk(), city.clerk(RESTAURANT)
    clerks.make_owner(clerk_id=owner.id, actor="test")
    added = clerks.add_by_owner(owner_id=owner.id, name="赵", phone="13600002222")
    assert added.merchant_id == SUPERMARKET
    with pytest.raises(clerks.OwnerOnly):
        clerks.add_by_owner(owner_id=clerk.id, name="钱", phone="13600003333")
    with pytest.raises(clerks.OwnerOnly):
        clerks.remove_by_owner(owner_id=clerk.id, clerk_id=added.id)
    with pytest.raises(NotFound):
        clerks.remove_by_owner(owner_id=owner.id, clerk_id=stranger.id)
    with pytest.raises(clerks.OwnerStays):
        clerks.remove_by_owner(owner_id=owner.id, clerk_id=owner.id)
    clerks.remove_by_owner(owner_id=owner.id, clerk_id=added.id)
    assert [c.id for c in clerks.of_shop(SUPERMARKET)] == [owner.id, clerk.id]
    acts = [(row.actor, row.action) for row in rows(AuditEntry) if row.actor.startswith("clerk:")]
    assert acts == [(f"clerk:{owner.id}", "clerk.add"), (f"clerk:{owner.id}", "clerk.remove")]
