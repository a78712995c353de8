"""Which providers an application has: what its settings name, built and ready to be told."""

import pytest

from backend.factory import create_app
from backend.gateways.payments import registry
from backend.settings import SettingsError
from tests.conftest import make_settings
from tests.wechat_pay_parts import (
    ACCOUNT,
    PayStandin,
    Told,
    make_charge,
)

SETTINGS = {
    "wechat_pay_mchid": ACCOUNT.mchid,
    "wechat_pay_private_key": ACCOUNT.private_key.encode(),
    "wechat_pay_cert_serial": ACCOUNT.cert_serial,
    "wechat_pay_api_v3_key": ACCOUNT.api_v3_key,
    "wechat_pay_public_key": ACCOUNT.public_key.encode(),
    "wechat_pay_public_key_id": ACCOUNT.public_key_id,
}
PARTS = {"database_url": "sqlite:///:memory:"}


def test_without_its_settings_there_is_no_wechat_pay(redis_url: str) -> None:
    app = create_app(make_settings(**PARTS, redis_url=redis_url))
    with app.app_context():
        assert registry.provider("at_till").name == "at_till"
        with pytest.raises(KeyError):
            registry.provider("wechat_pay")


def test_with_its_settings_wechat_pay_charges_and_is_told_at_our_own_address(
    redis_url: str, pay_standin: PayStandin, told: Told
) -> None:
    settings = make_settings(
        **PARTS,
        **SETTINGS,
        redis_url=redis_url,
        wechat_pay_base_url=pay_standin.base_url,
        public_base_url=told.url.removesuffix("/callbacks/payments/wechat_pay"),
    )
    app = create_app(settings)
    with app.app_context():
        pay = registry.provider("wechat_pay")
    told.provider = pay  # type: ignore[assignment]  # the registry knows the protocol only
    charge = make_charge()
    assert pay.charge(charge).status == "pending"
    pay_standin.pay(charge, notify=False)
    sent = pay_standin.control("send", out_trade_no=charge.order_id)
    assert sent["statuses"] == [200]
    assert told.notices[0].order_id == charge.order_id
    app.extensions["wechat"].close()


def test_a_key_that_cannot_be_read_stops_the_start_and_names_its_setting(redis_url: str) -> None:
    settings = make_settings(
        **PARTS, **{**SETTINGS, "wechat_pay_private_key": b"no key"}, redis_url=redis_url
    )
    with pytest.raises(SettingsError, match="WECHAT_PAY_PRIVATE_KEY"):
        create_app(settings)
