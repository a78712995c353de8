"""A shop gives money back over HTTP, and the resident sees it."""

from typing import Any

from backend.gateways.payments.protocol import RefundState
from tests.factories import City, Person
from tests.integration.services.instant_city import buyer as card_holder
from tests.integration.services.instant_city import run_instant
from tests.integration.services.paying import at_placard, buyer, provided
from tests.integration.services.refunding import policy, redeemed_at_till, redeemed_online


def path(order_id: str, act: str = "refunds") -> str:
    return f"/api/v1/merchant/redemptions/{order_id}/{act}"


def refund(city: City, order_id: str, clerk: Person, **changed: Any) -> Any:
    body = {"refund_number": "refund-0001", "refund_amount_fen": 16_000, "reason": "退货"}
    return city.post(path(order_id), clerk, **(body | changed))


def order_of(city: City, person: Person) -> Any:
    (order,) = city.get("/api/v1/resident/orders", person).get_json()["orders"]
    return order


def test_a_clerk_refunds_goods_and_both_sides_see_what_becomes_of_the_money(city: City) -> None:
    person = buyer(city)
    order_id, clerk = redeemed_at_till(city, person)
    made = refund(city, order_id, clerk)
    assert (made.status_code, refund(city, order_id, clerk).get_json()) == (201, made.get_json())
    shown = made.get_json()
    assert (shown["customer_fen"], shown["subsidy_fen"]) == (11_500, 4_500)
    assert shown["payback_status"] == "at_till"
    listed = city.get(path(order_id), clerk).get_json()
    assert (listed["refunded_fen"], listed["left_fen"]) == (16_000, 16_000)
    assert listed["refunds"] == [shown]
    order = order_of(city, person)
    assert (order["status"], order["refunded_fen"]) == ("redeemed", 16_000)
    assert order["refunds"][0]["sentence"] == (
        "115.00 元由商户当面退还；45.00 元补贴退回活动，不退券"
    )
    other = refund(city, order_id, clerk, refund_amount_fen=1)
    assert (other.status_code, other.get_json()["error"]["code"]) == (409, "refund_number_reused")
    above = refund(city, order_id, clerk, refund_number="refund-0002", refund_amount_fen=16_001)
    assert (above.status_code, above.get_json()["error"]["details"]) == (422, {"left_fen": 16_000})


def test_a_body_of_another_form_is_a_400_and_refunds_nothing(city: City) -> None:
    order_id, clerk = redeemed_at_till(city)
    for changed in (
        {"refund_number": "7"},
        {"refund_number": "退款单号一二三四"},
        {"refund_amount_fen": 0},
        {"refund_amount_fen": "16000"},
        {"refund_amount_fen": 160.0},
        {"reason": ""},
        {"reason": "a\nb"},
        {"customer_fen": 16_000},
    ):
        assert refund(city, order_id, clerk, **changed).status_code == 400, changed
    assert city.post(path(order_id, "reversal"), clerk).status_code == 400
    assert city.get(path(order_id), clerk).get_json()["refunds"] == []


def test_what_a_provider_sends_back_is_told_as_it_stands(city: City) -> None:
    policy("restore_within_validity")
    with provided(city) as provider:
        person = buyer(city)
        order_id, clerk = redeemed_online(city, person)
        for said, status, words in (
            (RefundState(status="processing"), "processing", "正在退回您的付款账户"),
            (RefundState(status="failed"), "failed", "工作人员会与您联系办理"),
        ):
            provider.tell("refund", said)
            made = refund(
                city, order_id, clerk, refund_number=f"refund-{status}", refund_amount_fen=100
            ).get_json()
            assert (made["payback_status"], words in made["sentence"]) == (status, True)
        whole = buyer(city)
        order_id, _ = redeemed_online(city, whole)
        provider.tell("refund", RefundState(status="done"))
        refund(city, order_id, clerk, refund_amount_fen=32_000, refund_number="refund-whole")
        order = order_of(city, whole)
    assert (order["status"], order["refunds"][0]["voucher_restored"]) == ("refunded", True)
    assert order["refunds"][0]["sentence"] == (
        "230.00 元已退回您的付款账户；消费券已退回卡包，有效期不变"
    )


def test_a_clerk_undoes_a_mistake_of_today_and_the_resident_reads_so(city: City) -> None:
    person = buyer(city)
    order_id, clerk = redeemed_at_till(city, person)
    for _ in range(2):
        undone = city.post(path(order_id, "reversal"), clerk, reason="金额输错")
        assert (undone.status_code, undone.get_json()["status"]) == (200, "reversed")
    order = order_of(city, person)
    assert order["reversal_sentence"] == (
        "本单已冲正，消费券已退回卡包，有效期不变；230.00 元由商户当面退还"
    )
    refused = refund(city, order_id, clerk)
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (
        409,
        "refund_not_possible",
    )


def test_an_instant_discount_undone_is_told_as_such(city: City) -> None:
    run_instant()
    person, clerk = card_holder(city), city.clerk()
    order = at_placard(city, person, yuan=200)
    assert city.post(f"/api/v1/merchant/orders/{order.id}/confirm", clerk).status_code == 200
    city.post(path(order.id, "reversal"), clerk, reason="金额输错")
    assert "立减优惠已撤销" in order_of(city, person)["reversal_sentence"]
