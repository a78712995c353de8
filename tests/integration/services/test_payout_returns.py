"""The bank's answer: taken once, all of it or nothing, and what failed is paid anew."""

from collections.abc import Callable
from functools import partial

import pytest
from sqlalchemy.exc import IntegrityError

from backend import clock
from backend.domain.errors import NotFound
from backend.domain.payouts import ReturnFileRefused
from backend.domain.second_person import SecondPersonNeeded
from backend.domain.settlements import SettlementHoldTooLate
from backend.services import (
    ledger,
    payout_returns,
    payouts,
    settlement_holds,
    settlements,
    standings,
)
from backend.storage.models.orders import Redemption
from backend.storage.models.payouts import PayoutLine, PayoutReturn
from backend.storage.models.settlements import SettlementStep
from backend.storage.sql import transaction
from tests.factories import SUPERMARKET, City, MovableClock, rows
from tests.integration.services.test_settlements import in_threads
from tests.settling import MALL, answer, sent


def take(content: bytes, actor: str = "褚会计", number: str = "B1") -> PayoutReturn:
    return payout_returns.take(number=number, content=content, actor=actor)


def states() -> list[str]:
    return [line.state for line in sorted(rows(PayoutLine), key=lambda line: line.line_number)]


def faults_of(content: bytes) -> list[tuple[int, str, str]]:
    with pytest.raises(ReturnFileRefused) as refused:
        take(content)
    assert set(states()) == {"sent"}
    assert rows(PayoutReturn) == []
    return [tuple(fault.values()) for fault in refused.value.details["faults"]]  # type: ignore[attr-defined]


def test_what_the_bank_paid_is_paid_with_its_serial_and_day(
    city: City, moment: MovableClock
) -> None:
    sent(city, moment)
    taken = take(answer("paid", "paid"))
    assert (taken.paid_count, taken.paid_fen, taken.failed_count) == (2, 2_000, 0)
    for line in payouts.lines("B1"):
        assert (line.state, line.bank_serial) == ("paid", f"B1-S{line.line_number}")
        assert line.bank_day == clock.today()
        assert settlements.sheet_of(line.sheet_id).state == "paid"
        assert settlements.steps(line.sheet_id)[-1].digest == taken.digest
    assert ledger.check().differences == ()


def test_what_comes_back_for_a_disqualified_merchant_waits_until_it_is_released(
    city: City, moment: MovableClock
) -> None:
    made = sent(city, moment)
    disqualify(SUPERMARKET)
    assert settlement_holds.list_holds() == []  # all is with the bank
    take(answer("failed", "failed"))
    (hold,) = settlement_holds.list_holds()
    hold_id = hold.id
    assert (hold.held_by, hold.redemption_id) == ("褚会计", redemption_of(SUPERMARKET))
    again = payouts.create(number="B2", day=made.file.day, actor="陈出纳")
    assert [line.sheet_id[:6] for line in payouts.lines("B2")] == [MALL]
    assert list(again.left_out.values()) == ["有被暂缓结算的核销"]
    with pytest.raises(SecondPersonNeeded):
        settlement_holds.release(hold_id=hold_id, reason="属实", actor="褚会计")
    settlement_holds.release(hold_id=hold_id, reason="逐笔核查属实", actor="郑审批")
    payouts.create(number="B3", day=made.file.day, actor="陈出纳")
    take(answer("failed", number="B3"), number="B3")
    assert len(settlement_holds.list_holds()) == 1  # looked at each time the bank returns it


def test_a_merchant_that_keeps_its_place_is_paid_again_by_the_next_file(
    city: City, moment: MovableClock
) -> None:
    made = sent(city, moment)
    standings.suspend(SUPERMARKET, actor="孙经办", reason="核查")
    take(answer("failed", "failed"))
    assert settlement_holds.list_holds() == []
    payouts.create(number="B2", day=made.file.day, actor="陈出纳")
    assert len(payouts.lines("B2")) == 2


def test_a_return_that_races_a_disqualification_is_held_in_either_order(
    city: City, moment: MovableClock
) -> None:
    sent(city, moment)
    content = answer("failed", "failed")
    in_threads(city, partial(take, content), partial(disqualify, SUPERMARKET))
    assert [h.redemption_id for h in settlement_holds.list_holds()] == [redemption_of(SUPERMARKET)]


def disqualify(merchant_id: str) -> None:
    standings.propose_disqualification(merchant_id, actor="孙经办", reason="套现")
    standings.confirm_disqualification(merchant_id, actor="郑审批", reason="属实")


def redemption_of(merchant_id: str) -> str:
    (found,) = [row.id for row in rows(Redemption) if row.merchant_id == merchant_id]
    return str(found)


def test_the_same_answer_again_and_at_once_acts_once(city: City, moment: MovableClock) -> None:
    sent(city, moment)
    content = answer("paid", "failed")
    outcomes = in_threads(city, *[partial(take, content)] * 6)
    assert {(o.paid_count, o.failed_count) for o in outcomes} == {(1, 1)}  # type: ignore[attr-defined]
    take(content, "别人")
    assert len(rows(PayoutReturn)) == 1
    acts = [step.act for step in rows(SettlementStep)]
    assert (acts.count("pay"), acts.count("fail_payout")) == (1, 1)


def test_lines_the_bank_did_not_name_stay_open_for_its_next_answer(
    city: City, moment: MovableClock
) -> None:
    sent(city, moment)
    take(answer("paid", "skip"))
    assert states() == ["paid", "sent"]
    take(answer("paid", "paid"))
    assert states() == ["paid", "paid"]
    assert ledger.check().differences == ()


def test_a_failed_payout_is_paid_in_a_new_file_and_never_while_one_is_open(
    city: City, moment: MovableClock
) -> None:
    sent(city, moment)
    take(answer("paid", "failed"))
    failed = payouts.lines("B1")[1].sheet_id
    assert settlements.sheet_of(failed).state == "finance_approved"
    assert settlements.steps(failed)[-1].remark == "账号户名不符"
    again = payouts.create(number="B2", actor="陈出纳")
    assert (again.file.line_count, payouts.lines("B2")[0].sheet_id) == (1, failed)
    take(answer("paid", number="B2"), number="B2")
    assert [line.state for line, _ in payouts.attempts(failed)] == ["failed", "paid"]
    assert settlements.sheet_of(failed).state == "paid"
    assert ledger.check().differences == ()


def test_the_schema_refuses_a_second_line_for_a_sheet_that_is_unresolved(
    city: City, moment: MovableClock
) -> None:
    sent(city, moment)
    line = payouts.lines("B1")[0]
    known = {"file_number": "B1", "sheet_id": line.sheet_id, "account_id": line.account_id}
    with pytest.raises(IntegrityError), transaction() as session:
        session.add(PayoutLine(line_number=9, amount_fen=line.amount_fen, **known))


def test_who_made_the_file_does_not_take_its_answer(city: City, moment: MovableClock) -> None:
    sent(city, moment)
    with pytest.raises(SecondPersonNeeded):
        take(answer("paid", "paid"), "陈出纳")
    assert states() == ["sent", "sent"]
    with pytest.raises(NotFound):
        take(answer("paid", "paid"), number="B9")


def test_an_altered_amount_refuses_the_whole_file_with_its_line(
    city: City, moment: MovableClock
) -> None:
    sent(city, moment)
    assert faults_of(answer("paid", "paid,10.01")) == [(3, "金额", "与代发文件不符")]


CHANGES: list[tuple[Callable[[str], str], tuple[int, str, str]]] = [
    (lambda t: t.replace("2|TJ", "7|TJ"), (3, "序号", "代发文件中没有这一笔")),
    (lambda t: t.replace("2|TJ0003", "1|TJ0001"), (3, "序号", "同一笔出现两次")),
    (lambda t: t.replace("2|TJ0003", "2|TJ0009"), (3, "结算单号", "与代发文件不符")),
    (lambda t: t.replace("B1-S2", "B1-S1"), (3, "流水号", "已用于另一笔付款")),
    (lambda t: t.replace("B1-S2", ""), (3, "流水号", "付款成功须有银行流水号")),
    (lambda t: t.replace("S2|2023", "S2|2024"), (3, "日期", "早于结算日或晚于今天")),
    (lambda t: t.replace("成功|B1-S2", "处理中|B1-S2"), (3, "结果", "既不是成功也不是失败")),
]


@pytest.mark.parametrize(("change", "fault"), CHANGES)
def test_whatever_else_does_not_agree_is_refused_with_its_line(
    city: City,
    moment: MovableClock,
    change: Callable[[str], str],
    fault: tuple[int, str, str],
) -> None:
    sent(city, moment)
    text = answer("paid", "paid").decode("gbk")
    assert change(text) != text
    assert faults_of(change(text).encode("gbk")) == [fault]


def test_an_answer_that_contradicts_the_one_before_is_refused(
    city: City, moment: MovableClock
) -> None:
    sent(city, moment)
    take(answer("paid", "failed"))
    for content in (answer("failed", "skip"), answer("skip", "paid")):
        with pytest.raises(ReturnFileRefused, match="1 faults"):
            take(content)
    assert states() == ["paid", "failed"]


def test_what_is_with_the_bank_can_no_longer_be_held(city: City, moment: MovableClock) -> None:
    sent(city, moment)
    (line,) = settlements.lines(payouts.lines("B1")[0].sheet_id, page=1, page_size=2)
    with pytest.raises(SettlementHoldTooLate):
        settlement_holds.hold(
            hold_id="C1", redemption_id=line.source_id, reason="核查", actor="孙稽核"
        )
