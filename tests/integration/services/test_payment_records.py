"""What staff and figures are told of payments."""

import pytest

from backend.domain.errors import NotFound
from backend.services import paybacks, payment_notices, payment_records
from tests.factories import City, MovableClock
from tests.integration.services.paying import at_placard, buyer, provided
from tests.integration.services.refunding import redeemed_online, refund
from tests.providers import SIGNATURE, UNKNOWN, RefundState, paid_notice


def test_the_figures_tell_what_is_open_by_provider_and_state_and_how_old(
    city: City, moment: MovableClock
) -> None:
    with provided(city) as provider:
        at_placard(city, buyer(city))
        moment.move(seconds=30)
        provider.tell("charge", UNKNOWN)
        at_placard(city, buyer(city))
        moment.move(seconds=12)
        found = payment_records.open_now()
    told = {(one.provider, one.status): (one.count, one.oldest_s) for one in found.payments}
    assert told == {("wechat_pay", "pending"): (1, 42), ("wechat_pay", "unknown"): (1, 12)}
    assert (found.notices, found.cases) == (0, 0)


def test_a_record_holds_the_order_its_notices_and_its_cases(city: City) -> None:
    with provided(city):
        order = at_placard(city, buyer(city))
        payment_notices.receive("wechat_pay", SIGNATURE, paid_notice(order.id, 1))
    found = payment_records.of_order(order.id)
    assert found.order.id == order.id
    assert [notice.outcome for notice in found.notices] == ["wrong_amount"]
    assert [case.kind for case in found.cases] == ["wrong_amount"]
    assert payment_records.open_now().cases == 1
    with pytest.raises(NotFound):
        payment_records.of_order("f" * 32)


def test_a_customers_money_is_told_until_it_has_reached_him(
    city: City, moment: MovableClock
) -> None:
    with provided(city) as provider:
        order_id, clerk = redeemed_online(city)
        provider.tell("refund", RefundState(status="processing"))
        refund(order_id, clerk, 16_000)
        moment.move(seconds=90)
        (waiting,) = payment_records.open_now().paybacks
        assert (waiting.provider, waiting.status) == ("wechat_pay", "processing")
        assert (waiting.count, waiting.oldest_s) == (1, 90)
        provider.tell("query_refund", RefundState(status="done", amount_fen=11_500))
        paybacks.settle_due()
    assert payment_records.open_now().paybacks == ()
