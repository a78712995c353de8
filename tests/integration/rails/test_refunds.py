"""A customer's money goes back on both rails: in parts, whole, and whatever fails on the way."""

from concurrent.futures import ThreadPoolExecutor

from backend.services import settlements
from backend.storage.models.ledger import Transfer
from backend.storage.models.orders import Redemption
from backend.storage.models.payments import PaymentCase
from backend.storage.models.refunds import Payback
from backend.storage.models.refunds import Refund as RefundRow
from tests.factories import new_request, rows
from tests.integration.rails.town import DISCOUNT_FEN, ORDER_FEN, PAYABLE_FEN, Town
from tests.load.proxy import Line
from tests.settling import approved

HALF_FEN, HALF_OF_CUSTOMER_FEN, HALF_OF_SUBSIDY_FEN = 16_000, 11_500, 4_500
DAY_S = 86_400


def given_back_fen(town: Town, order_id: str) -> list[int]:
    """What the provider's own table gives back of an order, by our paybacks' numbers."""
    ours = {one.id for one in rows(Payback) if one.order_id == order_id}
    return [fen for number, fen in town.rail.refunds() if number in ours]


def until_paid_back(town: Town, order_id: str, status: str = "done") -> None:
    """Let the jobs ask at their own pace, for an hour at the most."""
    for _ in range(60):
        if {one.status for one in rows(Payback) if one.order_id == order_id} == {status}:
            return
        town.move(60)
        town.run()
    raise AssertionError([one.status for one in rows(Payback)])


def test_parts_go_back_pro_rata_and_sum_to_what_was_paid(town: Town) -> None:
    order_id, clerk = town.redeemed()
    first = town.refund(order_id, clerk, HALF_FEN)
    assert (first["customer_fen"], first["subsidy_fen"]) == (
        HALF_OF_CUSTOMER_FEN,
        HALF_OF_SUBSIDY_FEN,
    )
    assert first["payback_status"] == "processing", "accepted is not paid back"
    town.rail.end_refunds()
    until_paid_back(town, order_id)
    town.refund(order_id, clerk, 1)
    town.refund(order_id, clerk, ORDER_FEN - HALF_FEN - 1)
    town.rail.end_refunds()
    until_paid_back(town, order_id)
    assert sum(given_back_fen(town, order_id)) == PAYABLE_FEN
    assert sum(subsidy for _, subsidy, _ in town.shown(order_id, clerk)) == DISCOUNT_FEN
    assert town.order(order_id).status == "refunded"
    assert town.books_agree()


def test_the_whole_goes_back_at_once(town: Town) -> None:
    order_id, clerk = town.redeemed()
    town.refund(order_id, clerk, ORDER_FEN)
    town.rail.end_refunds()
    until_paid_back(town, order_id)
    assert given_back_fen(town, order_id) == [PAYABLE_FEN]
    assert town.shown(order_id, clerk) == [(PAYABLE_FEN, DISCOUNT_FEN, "done")]
    assert [t.amount_fen for t in rows(Transfer) if t.kind == "refund"] == [DISCOUNT_FEN]
    assert town.books_agree()


def test_a_notice_alone_ends_a_refund(town: Town) -> None:
    order_id, clerk = town.redeemed()
    if town.rail.name == "unionpay":  # there it is told as it ends; WeChat Pay waits for our word
        town.rail.end_refunds(told=True)
    town.refund(order_id, clerk, HALF_FEN)
    if town.rail.name == "wechat_pay":
        town.rail.end_refunds(told=True)
    town.await_(lambda: [one.status for one in rows(Payback)] == ["done"])
    assert town.books_agree()


def test_a_refund_asked_for_while_the_provider_is_down_is_made_once_it_is_back(
    town: Town, line: Line
) -> None:
    order_id, clerk = town.redeemed()
    line.turn("502")
    shown = town.refund(order_id, clerk, HALF_FEN)
    assert shown["payback_status"] == "unknown"
    for _ in range(5):
        town.move(60)
        town.run()
    assert (town.shown(order_id, clerk)[0][2], given_back_fen(town, order_id)) == ("unknown", [])
    line.turn("pass")
    town.rail.end_refunds()
    for _ in range(2):  # the first asks for it, the second hears how it ended
        town.move(600)
        town.run()
        town.rail.end_refunds()
    until_paid_back(town, order_id)
    assert given_back_fen(town, order_id) == [HALF_OF_CUSTOMER_FEN]
    assert town.books_agree()


def test_a_refund_whose_answer_was_lost_is_found_again_and_not_made_twice(town: Town) -> None:
    order_id, clerk = town.redeemed()
    town.rail.lose_answers_to_refunds()
    number = new_request()
    assert town.refund(order_id, clerk, HALF_FEN, number)["payback_status"] == "unknown"
    assert town.refund(order_id, clerk, HALF_FEN, number)["payback_status"] == "unknown"
    town.rail.end_refunds()
    until_paid_back(town, order_id)
    assert given_back_fen(town, order_id) == [HALF_OF_CUSTOMER_FEN]
    assert town.refund(order_id, clerk, HALF_FEN, number)["payback_status"] == "done"


def test_one_number_sent_20_times_at_once_is_one_refund_on_the_rail(town: Town) -> None:
    order_id, clerk = town.redeemed()
    number = new_request()
    with ThreadPoolExecutor(20) as pool:
        shown = list(pool.map(lambda _: town.refund(order_id, clerk, HALF_FEN, number), range(20)))
    assert len({one["refund_id"] for one in shown}) == 1
    town.rail.end_refunds()
    until_paid_back(town, order_id)
    assert given_back_fen(town, order_id) == [HALF_OF_CUSTOMER_FEN]
    assert len(rows(RefundRow)) == 1


def test_a_refund_that_the_provider_ends_as_failed_opens_a_case_and_moves_no_subsidy_again(
    town: Town,
) -> None:
    order_id, clerk = town.redeemed()
    if town.rail.name == "unionpay":
        town.rail.end_refunds(well=False)
    town.refund(order_id, clerk, HALF_FEN)
    if town.rail.name == "wechat_pay":
        town.rail.end_refunds(well=False)
    until_paid_back(town, order_id, "failed")
    assert [(case.kind, case.refund_fen) for case in rows(PaymentCase)] == [
        ("payback_unfinished", HALF_OF_CUSTOMER_FEN)
    ]
    assert given_back_fen(town, order_id) == []
    assert [t.amount_fen for t in rows(Transfer) if t.kind == "refund"] == [HALF_OF_SUBSIDY_FEN]
    assert town.books_agree()


def test_a_refund_after_settlement_is_a_negative_line_of_the_next_sheet(town: Town) -> None:
    order_id, clerk = town.redeemed()
    town.move(DAY_S)
    (sheet_id,) = settlements.draft(actor="张经办").sheet_ids
    approved(settlements.sheet_of(sheet_id))
    town.refund(order_id, clerk, HALF_FEN)
    other, _ = town.redeemed()
    town.rail.end_refunds()
    until_paid_back(town, order_id)
    town.move(DAY_S)
    (next_id,) = settlements.draft(actor="张经办").sheet_ids
    lines = settlements.lines(next_id, page=1, page_size=10)
    assert sorted(line.amount_fen for line in lines) == [-HALF_OF_SUBSIDY_FEN, DISCOUNT_FEN]
    assert {one.id for one in rows(Redemption)} == {order_id, other}
    assert town.books_agree()
