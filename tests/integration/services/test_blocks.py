"""A blocked resident neither claims nor pays; what he holds stays his."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from backend import clock
from backend.domain import refusals
from backend.domain.errors import NotFound
from backend.domain.second_person import SecondPersonNeeded
from backend.services import blocks, orders, payment_codes, quotes, redemptions, vouchers
from backend.services.orders import Amounts
from backend.storage.models.audit import AuditEntry
from backend.storage.models.residents import ResidentBlock
from backend.storage.sql import transaction
from tests.factories import SUPERMARKET, City, Person, drain, new_request, rows


def order(city: City, person: Person) -> Any:
    return orders.create_at_placard(
        resident_id=person.id,
        request_id=new_request(),
        placard_code=city.placard[SUPERMARKET],
        amounts=Amounts(order_amount_fen=30_000),
    )


def quote(city: City, person: Person) -> Any:
    return quotes.at_placard(
        resident_id=person.id, placard_code=city.placard[SUPERMARKET], order_amount_fen=30_000
    )


def quote_by_code(city: City, person: Person) -> Any:
    code = payment_codes.issue(person.id).code
    blocks.block(person.id, reason="套现", actor="test")
    return quotes.by_code(merchant_id=SUPERMARKET, code=code, order_amount_fen=30_000)


@pytest.mark.parametrize(
    "act",
    [
        lambda city, person: city.claim(person, 2),
        quote,
        order,
        lambda city, person: payment_codes.issue(person.id),
    ],
    ids=["claim", "quote", "order", "payment code"],
)
def test_a_block_stops_claims_and_payments_until_it_is_lifted(
    city: City, act: Callable[[City, Person], Any]
) -> None:
    person = city.resident()
    city.claim(person)
    drain()
    blocks.block(person.id, reason="套现", actor="李科长")
    with pytest.raises(refusals.ResidentBlocked):
        act(city, person)
    with pytest.raises(SecondPersonNeeded):
        blocks.lift(person.id, reason="查清", actor="李科长")
    with pytest.raises(refusals.ResidentBlocked):
        act(city, person)
    blocks.lift(person.id, reason="查清", actor="王处长")
    act(city, person)


def test_a_code_issued_before_the_block_pays_no_more(city: City) -> None:
    with pytest.raises(refusals.ResidentBlocked):
        quote_by_code(city, city.resident())


def test_what_a_blocked_resident_holds_stays_his_and_an_open_order_is_finished(city: City) -> None:
    person, clerk = city.resident(), city.clerk()
    claimed = city.claim(person)
    drain()
    made = order(city, person)
    blocks.block(person.id, reason="套现", actor="test")
    assert [v.voucher_id for v in vouchers.wallet(person.id).vouchers] == [claimed.voucher_id]
    redemptions.confirm_paid(order_id=made.id, merchant_id=SUPERMARKET, clerk_id=clerk.id)


def test_other_residents_go_on(city: City) -> None:
    blocks.block(city.resident().id, reason="套现", actor="test")
    assert city.claim(city.resident()).voucher_id


def test_a_block_is_in_the_audit_log_once_with_its_reason(city: City) -> None:
    person = city.resident()
    for _ in range(2):
        blocks.block(person.id, reason="套现", actor="李科长")
    assert [b.resident_id for b in blocks.list_standing()] == [person.id]
    for _ in range(2):
        blocks.lift(person.id, reason="查清", actor="王处长")
    assert blocks.list_standing() == []
    noted = [e for e in rows(AuditEntry) if e.action.startswith("resident.")]
    assert [(e.action, e.actor, e.details["reason"]) for e in noted] == [
        ("resident.block", "李科长", "套现"),
        ("resident.unblock", "王处长", "查清"),
    ]


def test_nobody_cannot_be_blocked(city: City) -> None:
    for act in (blocks.block, blocks.lift):
        with pytest.raises(NotFound):
            act(999_999, reason="x", actor="test")


def test_the_schema_holds_one_standing_block_for_each_resident(city: City) -> None:
    person = city.resident()
    blocks.block(person.id, reason="套现", actor="test")
    with pytest.raises(IntegrityError), transaction() as session:
        session.add(
            ResidentBlock(
                resident_id=person.id, reason="x", blocked_by="test", blocked_at=clock.now()
            )
        )
