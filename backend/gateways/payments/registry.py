"""The providers this installation has, by name. `at_till` is always there."""

from flask import Flask, current_app

from backend.gateways.payments.at_till import AtTill
from backend.gateways.payments.protocol import PaymentProvider
from backend.gateways.payments.wechat_pay import WeChatPay
from backend.gateways.payments.wechat_pay_http import Account
from backend.settings import Settings, SettingsError


def init_app(app: Flask, settings: Settings) -> None:
    """Build the providers that the settings name."""
    providers: list[PaymentProvider] = [AtTill()]
    if settings.wechat_pay_mchid is not None:
        providers.append(_wechat_pay(settings))
    app.extensions["payment_providers"] = {provider.name: provider for provider in providers}


def provider(name: str) -> PaymentProvider:
    """Return a provider of the running application; KeyError for one it does not have."""
    providers: dict[str, PaymentProvider] = current_app.extensions["payment_providers"]
    return providers[name]


def _wechat_pay(settings: Settings) -> WeChatPay:
    """Build `wechat_pay`; the settings come all together or not at all."""
    account = Account(
        appid=settings.wechat_appid,
        mchid=settings.wechat_pay_mchid or "",
        cert_serial=settings.wechat_pay_cert_serial or "",
        private_key=(settings.wechat_pay_private_key or b"").decode(errors="replace"),
        api_v3_key=settings.wechat_pay_api_v3_key or "",
        public_key=(settings.wechat_pay_public_key or b"").decode(errors="replace"),
        public_key_id=settings.wechat_pay_public_key_id or "",
    )
    try:
        return WeChatPay(
            account,
            base_url=settings.wechat_pay_base_url,
            notify_url=f"{settings.public_base_url}/callbacks/payments/{WeChatPay.name}",
        )
    except ValueError as error:
        raise SettingsError(f"WECHAT_PAY_PRIVATE_KEY or WECHAT_PAY_PUBLIC_KEY: {error}") from None
