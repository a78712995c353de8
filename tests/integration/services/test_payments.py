"""Who collects, and what providers are told of an order."""

import pytest
from apiflask import APIFlask

from backend.domain.errors import NotFound
from backend.domain.payments import PaymentProviderMissing
from backend.gateways.payments.protocol import PaymentState
from backend.services import merchants, orders, payments, programmes
from backend.services.orders import Amounts
from backend.services.programme_files import ProgrammeFileRefused
from backend.storage.models.audit import AuditEntry
from backend.storage.models.campaigns import Campaign
from backend.storage.models.merchants import Merchant
from tests.factories import MAY, SAMPLE, SUPERMARKET, City, new_request, rows
from tests.integration.services.paying import at_placard, buyer, provided
from tests.providers import ScriptedProvider


def test_a_provider_is_told_the_payable_amount_under_the_orders_own_number(city: City) -> None:
    resident = city.resident()
    city.claim(resident)
    order = orders.create_at_placard(
        resident_id=resident.id,
        request_id=new_request(),
        placard_code=city.placard[SUPERMARKET],
        amounts=Amounts(order_amount_fen=20_000),
    )
    charge = payments.charge_of(order)
    assert (charge.order_id, charge.merchant_id) == (order.id, SUPERMARKET)
    assert charge.amount_fen == order.payable_fen < order.order_amount_fen
    assert charge.created_at < charge.expires_at == order.lock_expires_at


def test_a_merchants_provider_must_be_there_and_its_choice_is_written_down(city: City) -> None:
    with pytest.raises(PaymentProviderMissing):
        merchants.set_payment_provider(SUPERMARKET, "unionpay", actor="test", reason="试")
    with pytest.raises(NotFound):
        merchants.set_payment_provider("TJ9999", "at_till", actor="test", reason="试")
    with provided(city):
        assert payments.named("wechat_pay").name == "wechat_pay"
    entry = rows(AuditEntry)[-1]
    assert (entry.action, entry.subject) == ("merchant.payment_provider", SUPERMARKET)
    assert entry.details == {
        "before": "at_till",
        "after": "wechat_pay",
        "reason": "开通线上付款",
    }
    assert {m.payment_provider for m in rows(Merchant) if m.id != SUPERMARKET} == {"at_till"}


def with_provider(name: str) -> str:
    """Return the sample in which 五一乐购券 is paid by a provider."""
    return SAMPLE.read_text().replace(f"{{id: {MAY},", f"{{id: {MAY}, payment_provider: {name},", 1)


def test_a_campaigns_provider_wins_over_the_merchants(app: APIFlask) -> None:
    assert with_provider("unionpay") != SAMPLE.read_text()
    with pytest.raises(PaymentProviderMissing):
        programmes.load(with_provider("unionpay"), actor="test")
    assert rows(Campaign) == []
    with pytest.raises(ProgrammeFileRefused):
        programmes.load(with_provider("cash"), actor="test")
    providers = app.extensions["payment_providers"]
    providers["unionpay"] = ScriptedProvider("unionpay")
    try:
        programmes.load(with_provider("unionpay"), actor="test")
        city = City.opened(app, loaded=True)
        with provided(city):
            assert at_placard(city, buyer(city)).payment.provider == "unionpay"
    finally:
        del providers["unionpay"]


def test_whatever_goes_wrong_with_a_provider_is_unknown(city: City) -> None:
    with provided(city) as provider:
        charge = payments.charge_of(at_placard(city, buyer(city)))
        for trouble in (TimeoutError(), KeyError("x"), PaymentState(status="paid")):
            provider.tell("query", trouble)
            assert payments.ask("wechat_pay", "query", charge).status == "unknown"
    assert payments.ask("wechat_pay", "query", charge).status == "unknown"
