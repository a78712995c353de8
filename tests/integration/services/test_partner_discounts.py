"""Discounts asked by a partner's numbers: one act each, whatever dies, repeats or overtakes."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from backend import clock
from backend.domain.errors import HuiquanError
from backend.domain.partners import DiscountUnavailable, PartnerRequestInProgress
from backend.extensions import redis_handle
from backend.services import bank_tills, partner_discounts, partner_requests
from backend.services.orders import Amounts
from backend.storage.models.orders import Order, Redemption, Reversal
from backend.storage.models.partners import PartnerRequest
from backend.storage.models.refunds import Refund
from tests.bank_parts import Bank, enter
from tests.factories import SUPERMARKET, City, MovableClock, rows
from tests.integration.services.dying_partner_call import POINTS
from tests.integration.services.instant_city import all_agree, left, run_instant

ROOT = Path(__file__).parents[3]


@pytest.fixture
def card(city: City) -> str:
    """The card of a resident, known to a bank of a city with an instant campaign."""
    run_instant(per_person_per_day=None, per_person_per_merchant_per_day=99)
    enter()
    return city.bind_card(city.resident())


def confirm(card_token: str, number: str, amount_fen: int = 20_000) -> dict[str, Any]:
    return partner_discounts.confirm(
        partner_id="BANK01",
        request_number=number,
        card_token=card_token,
        merchant_id=SUPERMARKET,
        amounts=Amounts(order_amount_fen=amount_fen),
    )


def reverse(number: str, payment_number: str) -> dict[str, Any]:
    return partner_discounts.reverse(
        partner_id="BANK01", request_number=number, payment_number=payment_number, reason="撤销"
    )


def code_of(act: Any, *args: Any) -> str:
    with pytest.raises(HuiquanError) as refused:
        act(*args)
    return refused.value.code


def test_the_order_carries_the_banks_own_number_for_its_daily_file(card: str) -> None:
    answer = confirm(card, "till-00001")
    [order] = rows(Order)
    assert (order.requested_by, order.request_id) == ("bank:BANK01", "till-00001")
    assert answer["order_id"] == order.id
    assert (answer["discount_fen"], answer["payable_fen"]) == (4_000, 16_000)


def test_the_same_number_is_the_same_answer_for_good_and_another_body_is_refused(
    card: str, moment: MovableClock
) -> None:
    answer = confirm(card, "till-00002")
    reverse("back-00002", "till-00002")
    moment.move(days=30)
    assert confirm(card, "till-00002") == answer
    assert code_of(confirm, card, "till-00002", 30_000) == "request_id_reused"
    assert code_of(reverse, "till-00002", "till-00002") == "request_id_reused"
    assert len(rows(Order)) == 1


def test_a_refusal_is_the_numbers_answer_too(card: str) -> None:
    first = code_of(confirm, card, "till-00003", 19_999)
    assert (first, code_of(confirm, card, "till-00003", 19_999)) == ("no_eligible_voucher",) * 2
    assert code_of(confirm, "nobodys", "till-00004") == "card_required"
    assert code_of(confirm, card, "till-00004") == "request_id_reused"
    assert rows(Order) == []


def test_20_threads_under_one_number_execute_once_and_all_hear_the_same(
    city: City, card: str
) -> None:
    def one(_: int) -> str:
        with city.app.app_context():
            try:
                return str(confirm(card, "till-00005")["order_id"])
            except PartnerRequestInProgress:
                return "in progress"

    with ThreadPoolExecutor(20) as pool:
        told = set(pool.map(one, range(20)))
    assert len(told - {"in progress"}) == 1
    assert confirm(card, "till-00005")["order_id"] in told
    assert (len(rows(Redemption)), sum(left().values())) == (1, 1019)
    assert all_agree()


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_any_point_the_same_number_ends_in_one_payment(
    card: str,
    point: str,
    database: str,
    database_urls: dict[str, str],
    redis_url: str,
    moment: MovableClock,
) -> None:
    words = (point, database_urls[database], redis_url, card, "till-00006")
    died = subprocess.run(
        [
            *(sys.executable, "-m", "tests.integration.services.dying_partner_call"),
            *words,
            clock.now().isoformat(),
        ],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr
    if point != "after_answer":
        moment.move(seconds=29)
        assert code_of(confirm, card, "till-00006") == "partner_request_in_progress"
        assert code_of(reverse, "back-00006", "till-00006") == "partner_request_in_progress"
        moment.move(seconds=1)
    assert confirm(card, "till-00006") == confirm(card, "till-00006")
    assert [order.status for order in rows(Order)] == ["redeemed"]
    assert (len(rows(Redemption)), sum(left().values())) == (1, 1019)
    assert all_agree()


def test_a_reversal_that_overtakes_its_payment_leaves_nothing_to_be_taken(card: str) -> None:
    for _ in range(2):
        told = reverse("back-00007", "till-00007")
        assert told == {"payment_number": "till-00007", "status": "not_paid", "discount_fen": 0}
    assert code_of(confirm, card, "till-00007") == "payment_withdrawn"
    assert (rows(Order), sum(left().values())) == ([], 1020)


def test_a_payment_withdrawn_while_it_is_carried_out_is_undone_by_whoever_carries_it_out(
    card: str, moment: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute = bank_tills.confirm

    def slow(**given: Any) -> Order:
        order = execute(**given)
        moment.move(seconds=30)  # a process that stood still meanwhile
        partner_requests.withdraw("BANK01", "till-00008", act="discount.confirm")
        return order

    monkeypatch.setattr(bank_tills, "confirm", slow)
    assert code_of(confirm, card, "till-00008") == "payment_withdrawn"
    assert [order.status for order in rows(Order)] == ["reversed"]
    assert sum(left().values()) == 1020
    assert all_agree()


def test_confirming_and_reversing_one_number_at_once_leave_it_paid_or_undone_never_half(
    city: City, card: str
) -> None:
    def one(act: tuple[str, int]) -> str:
        with city.app.app_context():
            try:
                if act[0] == "confirm":
                    return str(confirm(card, "till-00009")["status"])
                return str(reverse(f"back-1{act[1]:05d}", "till-00009")["status"])
            except HuiquanError as refused:
                return refused.code

    acts = [(name, n) for n in range(6) for name in ("confirm", "reverse")]
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(one, acts))
    assert reverse("back-200000", "till-00009")["status"] in ("reversed", "not_paid")
    assert [order.status for order in rows(Order)] in ([], ["reversed"])
    assert len(rows(Reversal)) == len(rows(Redemption))
    assert sum(left().values()) == 1020
    assert all_agree()


def test_with_valkey_gone_nothing_is_confirmed_and_the_number_stays_free(
    card: str, app: Flask
) -> None:
    url = app.config["REDIS_URL"]
    app.config["REDIS_URL"] = "redis://127.0.0.1:9/0"
    redis_handle.init_app(app)
    try:
        for _ in range(2):
            with pytest.raises(DiscountUnavailable):
                confirm(card, "till-00010")
    finally:
        app.config["REDIS_URL"] = url
        redis_handle.init_app(app)
    assert rows(Redemption) == []
    assert [request.state for request in rows(PartnerRequest)] == ["running"]
    assert confirm(card, "till-00010")["discount_fen"] == 4_000
    assert all_agree()


def test_another_banks_number_is_another_number(card: str) -> None:
    enter(Bank("BANK02", "BANK02-1", "b" * 64))
    confirm(card, "till-00011")
    other = partner_discounts.reverse(
        partner_id="BANK02", request_number="x" * 8, payment_number="till-00011", reason="撤销"
    )
    assert other["status"] == "not_paid"
    assert [order.status for order in rows(Order)] == ["redeemed"]


def test_a_refund_is_made_once_under_its_number_pro_rata_and_never_above_the_payment(
    card: str,
) -> None:
    confirm(card, "till-00012")

    def refund(number: str, amount_fen: int) -> dict[str, Any]:
        return partner_discounts.refund(
            partner_id="BANK01",
            request_number=number,
            payment_number="till-00012",
            amount_fen=amount_fen,
            reason="退货",
        )

    for _ in range(3):
        told = refund("refund-001", 5_000)
        assert (told["customer_fen"], told["subsidy_fen"]) == (4_000, 1_000)
    assert code_of(refund, "refund-002", 15_001) == "refund_above_order"
    assert refund("refund-003", 15_000)["customer_fen"] == 12_000
    assert code_of(refund, "refund-001", 5_001) == "request_id_reused"
    assert len(rows(Refund)) == 2
    assert all_agree()
