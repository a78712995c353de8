"""The commands about refunds and customers' money on its way back."""

from backend.services import partners, payment_cases
from backend.storage.models.refunds import Payback
from tests.factories import City, rows
from tests.integration.cli.test_commands import flask
from tests.integration.services.instant_city import run_instant
from tests.integration.services.paying import provided
from tests.integration.services.refunding import redeemed_online
from tests.integration.services.test_bank_tills import PARTNER, card_of, pay
from tests.providers import RefundState


def test_staff_refund_follow_retry_and_pay_by_hand_with_proof(city: City) -> None:
    run = city.app
    with provided(city) as provider:
        provider.tell("refund", RefundState(status="failed"))
        order_id, _ = redeemed_online(city)
        propose = ("refunds", "propose", order_id, "--number", "staff-0001", "--reason", "商户歇业")
        for _ in range(2):
            proposed = flask(run, *propose, "--amount-fen", "16000", "--actor", "李科长")
            assert "退货 160.00 元  待另一位工作人员办理  李科长：商户歇业" in proposed.output
        assert flask(run, *propose, "--amount-fen", "16001").exit_code == 1
        assert flask(run, "refunds", "proposals").output == proposed.output
        make = ("refunds", "make", "staff-0001", "--actor")
        assert "second_person_needed" in flask(run, *make, "李科长").output
        for _ in range(2):
            made = flask(run, *make, "王主任")
            assert "退货 160.00 元：顾客 115.00 元，补贴 45.00 元  王主任：商户歇业" in made.output
        withdraw = ("refunds", "withdraw", "staff-0001", "--reason", "重复")
        assert "refund_proposal_ended" in flask(run, *withdraw).output
        other = ("refunds", "propose", order_id, "--number", "staff-0002", "--amount-fen", "1")
        assert flask(run, *other, "--reason", "多报").exit_code == 0
        assert "已撤回" in flask(run, *withdraw[:2], "staff-0002", *withdraw[3:]).output
        assert flask(run, "refunds", "proposals").output == ""
        (payback,) = rows(Payback)
        listed = flask(run, "refunds", "list").output
        assert "115.00 元  退款失败，须人工处理" in listed
        assert "1 笔" in listed
        retried = flask(run, "refunds", "retry", payback.id, "--actor", "陈出纳")
        assert "退款失败" in retried.output
    by_hand = ("refunds", "by-hand", payback.id, "--proof", "转账 0001", "--actor", "陈出纳")
    assert "已人工退还" in flask(run, *by_hand).output
    again = flask(run, *by_hand)
    assert (again.exit_code, "payback_ended" in again.output) == (1, True)
    assert "0 笔" in flask(run, "refunds", "list").output
    assert "1 笔" in flask(run, "refunds", "list", "--all").output
    shown = flask(run, "refunds", "show", order_id).output
    assert "已退 160.00 元" in shown
    assert "陈出纳：转账 0001" in shown
    assert flask(run, "refunds", "show", "f" * 32).exit_code == 1
    (case,) = payment_cases.list_cases()
    close = ("payments", "close-case", str(case.id), "--reason", "已核对", "--actor")
    assert "second_person_needed" in flask(run, *close, "陈出纳").output
    assert "已结案" in flask(run, *close, "李科长").output
    assert flask(run, "ledger", "check").exit_code == 0


def test_a_banks_till_refunds_by_a_command_under_a_number_of_its_own(city: City) -> None:
    run_instant()
    _, card = card_of(city)
    pay(card, "till-0201")
    partners.add(PARTNER, name="示例银行", actor="test")
    payment = ("--partner", PARTNER, "--request", "till-0201")
    refund = ("bank-till", "refund", *payment, "--number", "till-r-001")
    for _ in range(2):
        made = flask(city.app, *refund, "--amount-fen", "5000", "--reason", "退货")
        assert (made.exit_code, "顾客 40.00 元，补贴 10.00 元" in made.output) == (0, True)
    assert "refund_number_reused" in (
        flask(city.app, *refund, "--amount-fen", "1", "--reason", "退货").output
    )
