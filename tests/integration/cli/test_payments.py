"""The commands about payments by providers."""

from backend.services import payment_cases, payment_notices
from tests.factories import SUPERMARKET, City
from tests.integration.cli.test_commands import flask
from tests.integration.services.paying import at_placard, buyer, provided
from tests.providers import SIGNATURE, RefundState, paid_notice


def test_a_case_is_listed_shown_and_closed_with_a_reason(city: City) -> None:
    run = city.app
    with provided(city) as provider:
        order = at_placard(city, buyer(city))
        payment_notices.receive("wechat_pay", SIGNATURE, paid_notice(order.id, 20_000))
        listed = flask(run, "payments", "cases")
        assert "实收与应收不符" in listed.output
        assert "应收 230.00 元  实收 200.00 元  待退款  未结案" in listed.output
        early = flask(run, "payments", "close-case", "1", "--reason", "已核对")
        assert (early.exit_code, "payment_case_unsettled" in early.output) == (1, True)
        provider.tell("refund", RefundState(status="done", amount_fen=20_000))
        payment_cases.refund_due()
    (number,) = (case.id for case in payment_cases.list_cases())
    closing = ("payments", "close-case", str(number), "--reason", "已核对", "--actor", "李科长")
    assert "已结案" in flask(run, *closing).output
    assert flask(run, *closing).exit_code == 1
    assert "0 件" in flask(run, "payments", "cases").output
    assert "（李科长：已核对）" in flask(run, "payments", "cases", "--all").output
    shown = flask(run, "payments", "show", order.id)
    assert (shown.exit_code, "→ wrong_amount" in shown.output) == (0, True)
    assert "流水 4200001" in shown.output
    assert flask(run, "payments", "show", "f" * 32).exit_code == 1


def test_a_merchants_provider_is_set_by_a_command_with_a_reason(city: City) -> None:
    with provided(city):
        back = ("merchant", "provider", SUPERMARKET, "at_till", "--reason", "停用线上付款")
        assert flask(city.app, *back).exit_code == 0
    unknown = ("merchant", "provider", SUPERMARKET, "wechat_pay", "--reason", "试")
    refused = flask(city.app, *unknown)
    assert (refused.exit_code, "payment_provider_missing" in refused.output) == (1, True)
    assert flask(city.app, *unknown[:4]).exit_code == 2
