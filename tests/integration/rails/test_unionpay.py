"""UnionPay from a till and a placard to the books: charged, told, asked, closed and reversed."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import requests

from backend.devstack import unionpay_keys
from backend.gateways.payments.unionpay_calls import BACK_PATH, QUERY_PATH
from backend.storage.models.ledger import Transfer
from backend.storage.models.payments import PaymentCase, PaymentNotice
from backend.storage.models.refunds import Payback
from tests.factories import Person, rows
from tests.integration.rails.rails import UnionPayRail
from tests.integration.rails.town import CHARGES, DISCOUNT_FEN, PAYABLE_FEN, Town
from tests.integration.services.paying import voucher_of
from tests.load.proxy import Line
from tests.unionpay_parts import UnionPayStandin, notice_of, payer_code

LOCK_S, MARGIN_S = 300, 60


@pytest.fixture
def rail_name() -> str:
    return "unionpay"


@pytest.fixture
def standin(town: Town) -> UnionPayStandin:
    assert isinstance(town.rail, UnionPayRail)
    return town.rail.standin


def send(town: Town, form: dict[str, str]) -> requests.Response:
    return requests.post(f"{town.url}/callbacks/payments/unionpay", data=form, timeout=10)


def notice(standin: UnionPayStandin, order_id: str, **changed: str) -> dict[str, str]:
    """What UnionPay tells of an order, under the number that it really has for it."""
    own = next(one for one in standin.transactions() if one["order_id"] == order_id)
    told = {"orderId": order_id, "txnAmt": str(PAYABLE_FEN), "queryId": own["query_id"]}
    return notice_of(standin.keys, **{**told, **changed})


def redeemed_once(town: Town, order_id: str) -> bool:
    moved = [t.amount_fen for t in rows(Transfer) if t.kind == "redemption"]
    assert (town.order(order_id).status, moved) == ("redeemed", [DISCOUNT_FEN])
    return town.books_agree()


def scanned(town: Town) -> tuple[dict[str, Any], Person, Person]:
    person, clerk = town.buyer(), town.city.clerk()
    return town.at_till(person, clerk, payer_code=payer_code()), person, clerk


def ends_after_the_lock(town: Town) -> None:
    town.move(LOCK_S + MARGIN_S + 1)
    town.run()


def test_a_payers_code_scanned_at_the_till_redeems_once_the_query_says_paid(
    town: Town, standin: UnionPayStandin
) -> None:
    standin.behave(takes_s=5)
    made, _, clerk = scanned(town)
    assert made["payment"]["status"] == "pending", "accepted is not paid"
    town.move(1)
    town.run()
    assert town.order(made["order_id"]).status == "locked", "05 is neither success nor failure"
    town.ask_until(made["order_id"], "redeemed")
    shown = town.get(f"{CHARGES}/{made['order_id']}", clerk)
    assert (shown["status"], shown["payment"]["status"]) == ("redeemed", "paid")
    assert redeemed_once(town, made["order_id"])


def test_the_codes_of_a_placard_and_of_a_till_are_scanned_and_told(
    town: Town, standin: UnionPayStandin
) -> None:
    person, clerk = town.buyer(), town.city.clerk()
    made = town.at_placard(person)
    assert made["payment"]["client"] is None
    standin.behave(notices=1)
    standin.control("pay", code_url=made["payment"]["code_url"])
    town.await_(lambda: town.order(made["order_id"]).status == "redeemed")
    assert redeemed_once(town, made["order_id"])
    other = town.at_till(town.buyer(), clerk, code_wanted=True)
    standin.control("pay", code_url=other["payment"]["code_url"])
    town.await_(lambda: town.order(other["order_id"]).status == "redeemed")
    assert town.books_agree()


def test_a_notice_that_comes_20_times_together_redeems_once(
    town: Town, standin: UnionPayStandin
) -> None:
    made = town.at_placard(town.buyer())
    standin.behave(notices=20)
    standin.control("pay", order_id=made["order_id"])

    def answers() -> Counter[int]:
        told = standin.api("GET", "/_standin/deliveries").json()
        return Counter(one["status"] for one in told if one["order_id"] == made["order_id"])

    town.await_(lambda: answers()[200] == 20)
    assert answers() == {200: 20}, "each one was taken, so none is sent again"
    assert [one.outcome for one in rows(PaymentNotice)] == ["redeemed"]
    assert redeemed_once(town, made["order_id"])


def test_a_forged_notice_is_refused_and_leaves_nothing(
    town: Town, standin: UnionPayStandin, tmp_path: Path
) -> None:
    made = town.at_placard(town.buyer())
    true = notice(standin, made["order_id"])
    stranger = notice_of(unionpay_keys.load_or_make(tmp_path / "own"), orderId=made["order_id"])
    for forged in (
        stranger,
        {**true, "txnAmt": "1"},
        {**true, "orderId": "0" * 32},
        {**true, "respCode": "A6"},
        {**true, "signMethod": "11"},
        {**true, "version": "5.0.0"},
        {name: value for name, value in true.items() if name != "signature"},
        notice(standin, made["order_id"], merId="777000000000001"),
        {},
    ):
        assert send(town, forged).status_code == 401, forged
    assert rows(PaymentNotice) == []
    assert town.order(made["order_id"]).status == "locked"
    assert send(town, true).status_code == 200
    assert redeemed_once(town, made["order_id"])


def test_a_notice_of_another_amount_redeems_nothing_and_the_money_goes_back_once(
    town: Town, standin: UnionPayStandin
) -> None:
    person = town.buyer()
    made = town.at_placard(person)
    standin.behave()
    standin.control("pay", order_id=made["order_id"])
    wrong = notice(standin, made["order_id"], txnAmt=str(PAYABLE_FEN - 1))
    assert {send(town, wrong).status_code for _ in range(3)} == {200}
    assert (town.order(made["order_id"]).status, voucher_of(person)) == ("released", ["unused"])
    for _ in range(3):
        town.run()
        town.move(10)
    assert [(case.kind, case.refund_status) for case in rows(PaymentCase)] == [
        ("wrong_amount", "done")
    ]
    (case,) = rows(PaymentCase)
    assert (case.refund_id, PAYABLE_FEN - 1) in town.rail.refunds()
    assert town.books_agree()


def test_a_payment_that_was_begun_in_time_and_ends_after_the_lock_redeems(
    town: Town, standin: UnionPayStandin
) -> None:
    person = town.buyer()
    made = town.at_placard(person)
    standin.behave(takes_s=2 * LOCK_S)
    town.move(LOCK_S - 10)
    standin.control("pay", order_id=made["order_id"])
    ends_after_the_lock(town)
    assert (town.order(made["order_id"]).status, voucher_of(person)) == ("locked", ["locked"])
    town.move(2 * LOCK_S)
    town.run()
    assert redeemed_once(town, made["order_id"])


def test_a_code_that_nobody_scanned_is_released_once_it_can_be_paid_no_more(
    town: Town, standin: UnionPayStandin
) -> None:
    person = town.buyer()
    made = town.at_placard(person)
    town.move(LOCK_S + MARGIN_S - 10)
    town.run()
    assert town.order(made["order_id"]).status == "locked", "UnionPay's clock may lag behind ours"
    town.move(LOCK_S)
    town.run()
    assert (town.order(made["order_id"]).status, voucher_of(person)) == ("released", ["unused"])
    late = standin.api("POST", "/_standin/pay", json={"order_id": made["order_id"]})
    assert late.status_code == 409
    assert send(town, notice(standin, made["order_id"])).status_code == 200
    assert [case.kind for case in rows(PaymentCase)] == ["paid_after_release"]
    assert voucher_of(person) == ["unused"]
    assert town.books_agree()


def test_an_answer_that_never_came_is_asked_for_and_the_payment_found(
    town: Town, standin: UnionPayStandin
) -> None:
    standin.spoil("lost", path=BACK_PATH)
    standin.fault(QUERY_PATH, "close", times=2)
    made, _, _ = scanned(town)
    assert made["payment"]["status"] == "unknown"
    town.ask_until(made["order_id"], "redeemed")
    assert redeemed_once(town, made["order_id"])


def test_with_unionpay_down_an_order_waits_and_reaches_its_true_state_without_hands(
    town: Town, standin: UnionPayStandin, line: Line
) -> None:
    paid_person, unpaid_person = town.buyer(), town.buyer()
    paid, unpaid = town.at_placard(paid_person), town.at_placard(unpaid_person)
    standin.control("pay", order_id=paid["order_id"])
    line.turn("502")
    ends_after_the_lock(town)
    assert {town.order(one["order_id"]).status for one in (paid, unpaid)} == {"locked"}
    line.turn("pass")
    town.move(60)
    town.run()
    assert town.order(paid["order_id"]).status == "redeemed"
    assert (town.order(unpaid["order_id"]).status, voucher_of(unpaid_person)) == (
        "released",
        ["unused"],
    )
    assert town.books_agree()


def test_what_stays_unclear_past_the_lock_is_reversed_and_released(
    town: Town, standin: UnionPayStandin
) -> None:
    standin.behave(takes_s=86_400)
    made, person, _ = scanned(town)
    ends_after_the_lock(town)
    (own,) = [one for one in standin.transactions() if one["order_id"] == made["order_id"]]
    assert own["undone"] == "reversed"
    assert (town.order(made["order_id"]).status, voucher_of(person)) == ("released", ["unused"])
    assert town.books_agree()


def test_a_reversal_without_an_answer_holds_the_voucher_until_it_is_done(
    town: Town, standin: UnionPayStandin
) -> None:
    standin.behave(takes_s=86_400)
    made, person, _ = scanned(town)
    standin.fault(BACK_PATH, "502", times=1)
    ends_after_the_lock(town)
    assert voucher_of(person) == ["locked"]
    town.move(60)
    town.run()
    assert (town.order(made["order_id"]).status, voucher_of(person)) == ("released", ["unused"])


def test_a_clerk_cancels_what_is_unclear_and_what_is_paid_is_redeemed_instead(
    town: Town, standin: UnionPayStandin
) -> None:
    standin.behave(takes_s=86_400)
    unclear, person, clerk = scanned(town)
    early = town.post(f"{CHARGES}/{unclear['order_id']}/cancel", clerk)
    assert (early.status_code, early.json()["error"]["code"]) == (409, "payment_unsettled")
    town.move(16)
    assert town.post(f"{CHARGES}/{unclear['order_id']}/cancel", clerk).status_code == 200
    assert voucher_of(person) == ["unused"]
    standin.behave()
    paid, _, clerk = scanned(town)
    town.move(16)
    refused = town.post(f"{CHARGES}/{paid['order_id']}/cancel", clerk)
    assert refused.status_code == 409
    assert redeemed_once(town, paid["order_id"])


def test_a_refused_card_releases_the_voucher(town: Town, standin: UnionPayStandin) -> None:
    standin.behave(outcome="64")
    made, person, _ = scanned(town)
    town.ask_until(made["order_id"], "released")
    assert voucher_of(person) == ["unused"]


def test_the_same_day_undone_pays_the_customer_back_on_the_rail(
    town: Town, standin: UnionPayStandin
) -> None:
    order_id, clerk = town.redeemed()
    standin.behave()
    path = f"/api/v1/merchant/redemptions/{order_id}/reversal"
    assert town.post(path, clerk, reason="误操作").status_code == 200
    town.move(60)
    town.run()
    (own,) = [one for one in standin.transactions("04") if one["order_id"] in _paybacks()]
    assert (own["amount_fen"], own["code"]) == (PAYABLE_FEN, "00")
    assert town.books_agree()


def _paybacks() -> set[str]:
    return {one.id for one in rows(Payback) if one.status == "done"}
