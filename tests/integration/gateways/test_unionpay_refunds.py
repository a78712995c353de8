"""UnionPay through its stand-in: refunds, and the file of a day."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from backend.gateways.payments.protocol import BillNotReady
from backend.gateways.payments.unionpay import UnionPay
from backend.gateways.payments.unionpay_bill import parse_zm
from backend.gateways.payments.unionpay_calls import BACK_PATH, QUERY_PATH
from tests.unionpay_parts import (
    MERCHANT_NUMBER,
    UnionPayStandin,
    charge_of_now,
    paid,
    provider_of,
    refund_of,
    running_standin,
)

Move = Callable[[timedelta], datetime]


def test_refunds_add_up_to_what_was_paid_and_not_a_fen_more(
    unionpay: UnionPay, unionpay_standin: UnionPayStandin
) -> None:
    charge, reference = paid(unionpay)
    first = refund_of(charge, reference, amount_fen=3000)
    assert unionpay.refund(first).status == "processing"
    state = unionpay.query_refund(first)
    assert (state.status, state.amount_fen) == ("done", 3000)
    too_much = refund_of(charge, reference, amount_fen=6801)
    assert unionpay.refund(too_much).status == "failed"
    rest = refund_of(charge, reference, amount_fen=6800)
    assert unionpay.refund(rest).status == "processing"
    assert unionpay.query_refund(rest).status == "done"


def test_the_same_refund_again_is_one_refund(
    unionpay: UnionPay, unionpay_standin: UnionPayStandin
) -> None:
    charge, reference = paid(unionpay)
    before = len(unionpay_standin.transactions("04"))
    refund = refund_of(charge, reference, amount_fen=100)
    unionpay_standin.spoil("lost")
    assert [unionpay.refund(refund).status for _ in range(3)] == ["unknown"] * 3
    assert unionpay.query_refund(refund).status == "done"
    assert len(unionpay_standin.transactions("04")) == before + 1


def test_a_refund_finds_the_charges_number_itself_and_waits_for_an_unclear_charge(
    unionpay: UnionPay, unionpay_standin: UnionPayStandin
) -> None:
    charge, _ = paid(unionpay)
    assert unionpay.refund(refund_of(charge)).status == "processing"
    unpaid = charge_of_now()
    unionpay.charge(unpaid)
    before = len(unionpay_standin.requests(BACK_PATH))
    assert unionpay.refund(refund_of(unpaid)).status == "unknown"
    assert len(unionpay_standin.requests(BACK_PATH)) == before


def test_a_refund_in_work_and_a_failed_one_are_told_apart(
    unionpay: UnionPay, unionpay_standin: UnionPayStandin
) -> None:
    charge, reference = paid(unionpay)
    told = []
    for changed in ({"takes_s": 60}, {"outcome": "64"}):
        unionpay_standin.behave(**changed)
        refund = refund_of(charge, reference, amount_fen=100)
        unionpay.refund(refund)
        told.append(unionpay.query_refund(refund).status)
    assert told == ["unknown", "failed"]
    assert unionpay.query_refund(refund_of(charge, reference)).status == "unknown"


def test_a_refused_refund_has_not_failed_while_an_earlier_try_of_its_number_is_in_work(
    unionpay: UnionPay, unionpay_standin: UnionPayStandin
) -> None:
    """Staff pay by hand what failed, so nothing may be called so that can still be paid."""
    charge, reference = paid(unionpay)
    unionpay_standin.behave(takes_s=60)
    refund = refund_of(charge, reference)
    assert unionpay.refund(refund).status == "processing"
    unionpay_standin.fault(BACK_PATH, "errcode", 36, times=1)
    assert unionpay.refund(refund).status == "unknown"
    unionpay_standin.fault(BACK_PATH, "errcode", 36, times=2)
    other = refund_of(charge, reference)
    unionpay_standin.fault(QUERY_PATH, "close", times=1)
    assert unionpay.refund(other).status == "unknown", "nobody said that there is none"
    assert unionpay.refund(other).status == "failed"
    unionpay_standin.control("clock", advance_s=60)
    unionpay_standin.fault(BACK_PATH, "errcode", 36, times=1)
    assert unionpay.refund(refund).status == "done"
    unionpay_standin.control("clock", advance_s=-60)


def test_a_bill_of_a_past_day_agrees_with_what_was_paid_and_refunded(
    unionpay_standin: UnionPayStandin, clock_offset_s: float, same_clock: Move
) -> None:
    with running_standin(unionpay_standin.keys, clock_offset_s=clock_offset_s) as standin:
        unionpay = provider_of(standin.keys, standin.base_url)
        standin.behave()
        first, reference = paid(unionpay)
        paid(unionpay)
        gone, _ = paid(unionpay)
        assert unionpay.reverse(gone).status == "closed"
        refund = refund_of(first, reference, amount_fen=3000)
        unionpay.refund(refund)
        day = first.created_at.date()
        with pytest.raises(BillNotReady, match="98"):
            unionpay.bill(day)
        standin.control("clock", advance_s=86_400)
        same_clock(timedelta(days=1))
        bill = unionpay.bill(day)
        assert bill.content is not None
        parsed = parse_zm(bill.file_name, bill.content)
        assert (parsed.day, parsed.merchant_number) == (day, MERCHANT_NUMBER)
        assert (parsed.paid_fen, parsed.refunded_fen) == (2 * 9800, 3000)
        assert parsed.settle_fen == parsed.paid_fen - parsed.refunded_fen - parsed.fee_fen
        row = next(row for row in parsed.rows if row.kind == "refund")
        assert (row.order_id, row.charge_reference) == (refund.refund_id, reference)
        with pytest.raises(BillNotReady, match="98"):
            unionpay.bill(day + timedelta(days=1))
        with pytest.raises(BillNotReady, match="another day"):
            unionpay.bill(day.replace(year=day.year - 1))
        unionpay.close_connections()
