"""Refunds beside an outside party's record of them: by number, amount and what must be there."""

from collections.abc import Iterator
from io import BytesIO

import pytest
from sqlalchemy import update

from backend.gateways.payments.protocol import RefundState
from backend.services import outside_files, paybacks, payment_cases, payment_states, reconciliation
from backend.services.bank_tills import refund as refund_at_bank
from backend.services.outside_files import Coming
from backend.storage.models.merchants import Merchant
from backend.storage.models.orders import Order
from backend.storage.models.payments import PaymentCase
from backend.storage.models.reconciliation import ReconciliationItem
from backend.storage.models.refunds import Payback, Refund
from backend.storage.sql import transaction
from tests.bank_details import BANK, DAY, MERCHANT_NUMBER, back, detail, line, take_detail
from tests.factories import SUPERMARKET, City, MovableClock, rows
from tests.integration.services.paying import at_placard, buyer, provided
from tests.integration.services.refunding import (
    goods,
    redeemed_at_till,
    redeemed_online,
    refund,
)
from tests.providers import ScriptedProvider, paid
from tests.unit.gateways.test_outside_bills import MCHID, bill, row

DONE = RefundState(status="done")


@pytest.fixture
def provider(city: City) -> Iterator[ScriptedProvider]:
    with provided(city) as made:
        made.tell("refund", DONE)
        yield made


def paid_row(order_id: str, yuan: str = "230.00") -> list[str]:
    return row(order_id, 微信订单号="4200000001", 应结订单金额=yuan, 订单金额=yuan)


def refund_row(order_id: str, refund_id: str, yuan: str) -> list[str]:
    theirs = f"503{int(refund_id[:8], 16)}"
    amounts = {"退款金额": yuan, "申请退款金额": yuan}
    numbers = {"微信订单号": "4200000001", "微信退款单号": theirs}
    return row(order_id, "REFUND", refund_id, **numbers, **amounts)


def compared(*lines: list[str]) -> dict[str, tuple[int, int, int]]:
    """Take a trade bill of the day and compare it; return (count, our fen, their fen) by result."""
    coming = Coming(kind="wechat_bill", party=MCHID, day=DAY, name="bill.csv")
    taken = outside_files.take(BytesIO(bill(*lines)), coming, actor="李会计")
    sums = reconciliation.run(taken.file.id)
    return {one.result: (one.count, one.our_fen, one.their_fen) for one in sums}


def test_what_a_provider_gave_back_is_found_by_its_number_and_must_be_there(
    city: City, provider: ScriptedProvider, moment: MovableClock
) -> None:
    order_id, clerk = redeemed_online(city)
    named = refund(order_id, clerk, 16_000).refund.id
    wrong = refund(order_id, clerk, 3_200).refund.id
    lacking = refund(order_id, clerk, 320).refund.id
    moment.move(days=1)
    found = compared(
        paid_row(order_id),
        refund_row(order_id, named, "115.00"),
        refund_row(order_id, wrong, "23.01"),
    )
    assert found == {
        "matched": (2, 23_000 - 11_500, 23_000 - 11_500),
        "amount_differs": (1, -2_300, -2_301),
        "only_ours": (1, -230, 0),
    }
    items = {item.our_number: item.result for item in rows(ReconciliationItem)}
    assert items == {wrong: "amount_differs", lacking: "only_ours"}


def test_what_was_paid_by_hand_must_not_be_in_a_bill_and_what_waits_may_be(
    city: City, provider: ScriptedProvider, moment: MovableClock
) -> None:
    order_id, clerk = redeemed_online(city)
    provider.tell("refund", RefundState(status="failed"), RefundState(status="processing"))
    by_hand = refund(order_id, clerk, 16_000).refund.id
    paybacks.by_hand(by_hand, proof="转账 0001", actor="陈出纳")
    refund(order_id, clerk, 3_200)  # processing: neither side needs to have it
    moment.move(days=1)
    assert compared(paid_row(order_id), refund_row(order_id, by_hand, "115.00")) == {
        "matched": (1, 23_000, 23_000),
        "only_theirs": (1, 0, -11_500),
    }


def test_the_refund_of_a_case_is_known_too(
    city: City, provider: ScriptedProvider, moment: MovableClock
) -> None:
    order = at_placard(city, buyer(city))
    payment_states.record(order.id, "wechat_pay", paid(20_000))
    payment_cases.refund_due()
    (case,) = rows(PaymentCase)
    moment.move(days=1)
    found = compared(refund_row(order.id, case.refund_id, "200.00"))
    assert found["matched"] == (1, -20_000, -20_000)
    assert {row.status for row in rows(Payback)} == set()


def test_a_banks_refund_is_named_by_the_banks_number_or_by_ours(
    city: City, moment: MovableClock
) -> None:
    with transaction() as session:
        shop = update(Merchant).where(Merchant.id == SUPERMARKET)
        session.execute(shop.values(merchant_number=MERCHANT_NUMBER))
    order_id, clerk = redeemed_at_till(city)
    at_shop = refund(order_id, clerk, 3_200).refund.id
    till_id, _ = redeemed_at_till(city)
    with transaction() as session:
        session.execute(
            update(Order)
            .where(Order.id == till_id)
            .values(entry="bank_till", requested_by=f"bank:{BANK}", request_id="till-0001")
        )
    for number in ("refund-named", "refund-lacking"):
        refund_at_bank(partner_id=BANK, request_number="till-0001", goods=goods(16_000, number))
    moment.move(days=1)
    sale = {"订单金额": "320.00", "优惠金额": "90.00", "实付金额": "230.00"}
    half = {"订单金额": "160.00", "优惠金额": "45.00", "实付金额": "115.00"}
    tenth = {"订单金额": "32.00", "优惠金额": "9.00", "实付金额": "23.00"}
    lines = (
        line("till-0001", **sale),
        back("till-0001", "refund-named", "退货", **half),
        back(order_id, at_shop, "退货", **tenth),
    )
    sums = reconciliation.run(take_detail(detail(lines)).file.id)
    assert {one.result: (one.count, one.our_fen) for one in sums} == {
        "matched": (3, 32_000 - 16_000 - 3_200),
        "only_ours": (1, -16_000),
    }
    assert len(rows(Refund)) == 3
