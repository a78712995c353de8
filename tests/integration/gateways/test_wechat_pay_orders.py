"""An order from the placard to its redemption, through WeChat Pay's own gateway and stand-in."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from backend import clock
from backend.gateways.payments.wechat_pay import WeChatPay
from backend.services import ledger, payment_asking, payments
from backend.storage.models.orders import Payment
from backend.storage.sql import transaction
from tests.factories import City
from tests.integration.gateways.conftest import MakePay
from tests.integration.services.paying import at_placard, buyer, now_is, provided
from tests.wechat_pay_parts import PayStandin


@pytest.fixture
def pay(city: City, make_pay: MakePay) -> Iterator[WeChatPay]:
    with provided(city):
        made = make_pay()
        city.app.extensions["payment_providers"]["wechat_pay"] = made
        yield made


def ask_now() -> int:
    with transaction() as session:
        session.execute(update(Payment).values(next_query_at=Payment.charged_at))
    return payment_asking.settle_due()


def test_a_phone_pays_by_wechat_pay_and_the_order_is_redeemed_when_asked_about(
    city: City, pay: WeChatPay, pay_standin: PayStandin
) -> None:
    with pay_standin.later((clock.now() - datetime.now(UTC)).total_seconds()):
        order = at_placard(city, buyer(city))
        assert order.payment.client is not None
        assert order.payment.client["package"].startswith("prepay_id=")
        assert ask_now() == 0
        pay_standin.pay(payments.charge_of(order))
        assert ask_now() == 1
    assert now_is(order.id) == ("redeemed", "paid")
    assert ledger.check().differences == ()
