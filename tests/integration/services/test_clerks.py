"""Clerks: accounts of their own, one shop each."""

import pytest

from backend.domain import refusals
from backend.domain.errors import NotFound
from backend.services import clerks
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
