"""The ledger's check sees refunds and reversals that are not counted on every side."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import delete, update

from backend.gateways.payments.protocol import RefundState
from backend.services import ledger, reversals
from backend.storage.models.orders import Order
from backend.storage.models.refunds import Payback
from backend.storage.models.settlements import SettlementLine
from backend.storage.sql import transaction
from tests.factories import SUPERMARKET, City
from tests.integration.services.paying import provided
from tests.integration.services.refunding import books_agree, redeemed_online, refund
from tests.providers import ScriptedProvider
from tests.settling import sheet_of_today


@pytest.fixture
def provider(city: City) -> Iterator[ScriptedProvider]:
    with provided(city) as made:
        made.tell("refund", RefundState(status="processing"))
        yield made


CHANGES: dict[str, tuple[Any, str]] = {
    "order": (
        update(Order).where(Order.refund_count > 0).values(refunded_fen=Order.refunded_fen + 1),
        "refunded: its refunds and its sum",
    ),
    "customer": (
        update(Order)
        .where(Order.refund_count > 0)
        .values(customer_refunded_fen=Order.customer_refunded_fen - 1),
        "refunded to the customer: its refunds and its sum",
    ),
    "line": (
        update(SettlementLine)
        .where(SettlementLine.source_kind == "refund")
        .values(amount_fen=SettlementLine.amount_fen - 1),
        "refund: its line of settlement",
    ),
    "no_payback": (
        delete(Payback).where(Payback.kind == "refund"),
        "the customer's part of a refund and its payback",
    ),
    "no_reversal_payback": (
        delete(Payback).where(Payback.kind == "reversal"),
        "what a reversed order had collected and its payback",
    ),
    "other_payback": (
        update(Payback).where(Payback.kind == "refund").values(id="f" * 32),
        "payback without a refund or a reversal",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_refund_or_reversal_changed_on_one_side_is_a_difference(
    city: City, provider: ScriptedProvider, name: str
) -> None:
    order_id, clerk = redeemed_online(city)
    refund(order_id, clerk, 16_000)
    undone_id, _ = redeemed_online(city)
    reversals.reverse_at_merchant(
        redemption_id=undone_id, merchant_id=SUPERMARKET, clerk_id=clerk.id, reason="输错"
    )
    sheet_of_today()
    assert books_agree()
    change, what = CHANGES[name]
    with transaction() as session:
        session.execute(change)
    assert what in {difference.what for difference in ledger.check().differences}
