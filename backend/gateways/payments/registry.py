"""The providers this installation has, by name. `at_till` is always there."""

from flask import Flask, current_app

from backend.gateways.payments.at_till import AtTill
from backend.gateways.payments.protocol import PaymentProvider
from backend.gateways.payments.unionpay import NOTICE_PATH, UnionPay
from backend.gateways.payments.unionpay_calls import UnionPayCalls
from backend.gateways.payments.unionpay_http import UnionPayHttp
from backend.gateways.payments.unionpay_messages import Signer
from backend.gateways.payments.unionpay_trust import Trust
from backend.gateways.payments.wechat_pay import WeChatPay
from backend.gateways.payments.wechat_pay_http import Account
from backend.settings import Settings, SettingsError

UNIONPAY_TIMEOUT_S = (3.0, 10.0)


def init_app(app: Flask, settings: Settings) -> None:
    """Build the providers that the settings name."""
    providers: list[PaymentProvider] = [AtTill()]
    if settings.wechat_pay_mchid is not None:
        providers.append(_wechat_pay(settings))
    if settings.unionpay_merchant_number is not None:
        providers.append(_unionpay(settings))
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


def _unionpay(settings: Settings) -> UnionPay:
    """Build `unionpay`; its keys and certificates come all together or not at all."""
    try:
        signer = (
            Signer.from_pem(settings.unionpay_private_key or b"", settings.unionpay_cert or b"")
            if settings.unionpay_pfx is None
            else Signer.from_pfx(settings.unionpay_pfx, settings.unionpay_pfx_password or "")
        )
        trust = Trust(
            root_pem=settings.unionpay_root_cert or b"",
            middle_pem=settings.unionpay_middle_cert or b"",
            signer_cn=settings.unionpay_signer_cn,
        )
    except (ValueError, TypeError) as error:  # TypeError: the key wants a password
        raise SettingsError(f"UNIONPAY_PRIVATE_KEY, _PFX or _…CERT: {error}") from None
    calls = UnionPayCalls(
        merchant_number=settings.unionpay_merchant_number or "",
        signer=signer,
        trust=trust,
        http=UnionPayHttp(timeout_s=UNIONPAY_TIMEOUT_S),
        base_url=settings.unionpay_base_url,
        file_url=settings.unionpay_file_url,
    )
    return UnionPay(
        calls,
        notice_url=settings.public_base_url + NOTICE_PATH,
        terminal_number=settings.unionpay_terminal_number,
    )
