"""Refunds at the console: two people, money that was refused, cases closed by another."""

from collections.abc import Iterator

import pytest

from backend.domain.staff import Role
from backend.gateways.payments.protocol import RefundState
from backend.services import payment_cases, payment_states, refund_proposals
from backend.storage.models.payments import PaymentCase
from backend.storage.models.refunds import Payback, Refund
from tests.console import Console
from tests.factories import City, MovableClock, rows
from tests.integration.services.paying import PAYABLE_FEN, at_placard, buyer, provided
from tests.integration.services.refunding import goods, redeemed_at_till, refund_by_staff
from tests.providers import ScriptedProvider, paid

NUMBER = "T20230428-1001-abcdef"
FAILED = RefundState(status="failed", reference="REFUSED")


@pytest.fixture
def provider(city: City, console: Console) -> Iterator[ScriptedProvider]:
    """The supermarket's provider, for the mini-program and for the console."""
    providers = console.app.extensions["payment_providers"]
    with provided(city) as made:
        providers["wechat_pay"] = made
        yield made
        del providers["wechat_pay"]


def test_a_proposed_refund_is_made_by_another_person_alone(console: Console, city: City) -> None:
    order_id, _ = redeemed_at_till(city)
    approver = console.desk(Role.BUREAU_APPROVER)
    refund_proposals.propose(
        order_id=order_id, goods=goods(3_200, NUMBER), actor=approver.name.upper()
    )
    path = f"/console/refund-proposals/{NUMBER}"
    assert approver.post(f"{path}/make").status_code == 403
    assert rows(Refund) == []
    other = console.desk(Role.BUREAU_APPROVER, "zhao.min")
    assert "待办理" in other.get("/console/refund-proposals?state=proposed").text
    assert "办理退款" in other.get(path).text
    for _ in range(2):
        assert other.post(f"{path}/make").status_code == 303
    [made] = rows(Refund)
    assert (made.refund_amount_fen, made.made_by) == (3_200, "zhao.min")
    page = other.get("/console/refunds").text
    assert "32.00" in page
    assert order_id in page


def test_a_proposal_is_withdrawn_with_a_reason(console: Console, city: City) -> None:
    order_id, _ = redeemed_at_till(city)
    refund_proposals.propose(order_id=order_id, goods=goods(100, NUMBER), actor="li.wei")
    operator = console.desk(Role.BUREAU_OPERATOR)
    path = f"/console/refund-proposals/{NUMBER}"
    assert operator.post(f"{path}/withdraw").status_code == 400
    assert operator.post(f"{path}/withdraw", reason="顾客撤回").status_code == 303
    assert "已撤回" in operator.get(path).text
    assert operator.get("/console/refund-proposals/none").status_code == 404


def test_failed_money_is_asked_for_again_or_paid_by_hand_and_another_closes_its_case(
    console: Console, city: City, provider: ScriptedProvider, moment: MovableClock
) -> None:
    order = at_placard(city, buyer(city))
    payment_states.record(order.id, "wechat_pay", paid(PAYABLE_FEN))
    provider.tell("refund", FAILED, FAILED)
    refund_by_staff(order.id, 32_000)
    [payback] = rows(Payback)
    finance, approver = console.desk(Role.FINANCE), console.desk(Role.BUREAU_APPROVER)
    path = f"/console/paybacks/{payback.id}"
    assert "退款失败，须人工处理" in finance.get("/console/paybacks?state=failed").text
    assert "登记人工退还" in finance.get(path).text
    assert finance.post(f"{path}/by-hand").status_code == 400
    assert finance.post(f"{path}/by-hand", proof="转账 20230428001").status_code == 303
    assert "转账 20230428001" in finance.get(path).text
    [case] = rows(PaymentCase)
    closing = f"/console/payment-cases/{case.id}"
    assert "退回顾客的款项没有到账" in approver.get("/console/payment-cases?state=open").text
    assert finance.post(f"{closing}/close", reason="已退").status_code == 403
    assert approver.post(f"{closing}/close").status_code == 400
    assert approver.post(f"{closing}/close", reason="已核对转账").status_code == 303
    assert "已核对转账" in approver.get(closing).text
    assert approver.post(f"{path}/retry").status_code == 403
    assert finance.post(f"{path}/retry").status_code == 409


def test_a_case_without_an_end_of_its_refund_is_not_closed(
    console: Console, city: City, provider: ScriptedProvider
) -> None:
    order = at_placard(city, buyer(city))
    payment_states.record(order.id, "wechat_pay", paid(20_000))
    [case] = payment_cases.list_cases()
    approver = console.desk(Role.BUREAU_APPROVER)
    path = f"/console/payment-cases/{case.id}"
    assert "有结果后才能结案" in approver.get(path).text
    assert approver.post(f"{path}/close", reason="了结").status_code == 409
    assert "付款异常：实收与应收不符" in approver.get(f"/console/orders/{order.id}").text
    assert approver.get("/console/payment-cases/999").status_code == 404
