"""What staff and figures are told of payments."""

import pytest

from backend.domain.errors import NotFound
from backend.services import payment_notices, payment_records
from tests.factories import City, MovableClock
from tests.integration.services.paying import at_placard, buyer, provided
from tests.providers import SIGNATURE, UNKNOWN, paid_notice


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
