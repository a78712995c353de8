"""Who collects the rest of an order, what he is told of it, and asking him safely."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import structlog
from flask import current_app
from sqlalchemy.orm import Session

from backend.domain.payments import (
    AT_TILL,
    PayerCodeMisread,
    PaymentProviderMissing,
    chosen_provider,
)
from backend.gateways.payments.protocol import (
    Charge,
    PaymentProvider,
    PaymentState,
    RefundRequest,
    RefundState,
)
from backend.gateways.payments.registry import provider
from backend.settings import Settings
from backend.storage.models.campaigns import Campaign
from backend.storage.models.merchants import Merchant
from backend.storage.models.orders import Order, Payment
from backend.storage.models.vouchers import Voucher
from merchant_qr import payment_code as code_form

log = structlog.get_logger()

ChargeAct = Literal["charge", "query", "close", "reverse"]
RefundAct = Literal["refund", "query_refund"]


@dataclass(frozen=True, kw_only=True)
class Collecting:
    """How the caller wants the rest of an order collected.

    At a placard the resident pays by phone, as the WeChat user who asks. A clerk collects at the
    till, unless he has scanned the payer's wallet or asks for a code that the payer scans.
    """

    at_placard: bool
    wechat_user_id: int | None = None
    payer_code: str | None = field(default=None, repr=False)  # spends money: never kept nor logged
    code_wanted: bool = False

    @property
    def payer_digits(self) -> str | None:
        """What the till meant to read of the payer's wallet."""
        return None if self.payer_code is None else code_form.clean(self.payer_code)


def named(name: str) -> PaymentProvider:
    """Return a provider of this installation, or refuse with PaymentProviderMissing."""
    try:
        return provider(name)
    except KeyError as error:
        raise PaymentProviderMissing(name, details={"provider": name}) from error


def choose(
    session: Session, merchant: Merchant, voucher_id: int, payable_fen: int, way: Collecting
) -> str:
    """Return the name of who collects an order's rest; refuse what cannot be.

    When nothing is left to pay, a clerk confirms as at any till: no wallet is asked.
    """
    campaign = session.get_one(Campaign, session.get_one(Voucher, voucher_id).campaign_id)
    wallet = None
    if way.payer_digits is not None:
        wallet = code_form.wallet_of(way.payer_digits)
        if wallet is None:
            raise PayerCodeMisread("no wallet's code")
    if payable_fen == 0 and not way.at_placard:
        return AT_TILL
    name = chosen_provider(
        merchants=merchant.payment_provider,
        campaigns=campaign.payment_provider,
        at_placard=way.at_placard,
        wallet=wallet,
        code_wanted=way.code_wanted,
    )
    named(name)
    return name


def new_payment(name: str, *, payable_fen: int, lock_expires_at: datetime, at: datetime) -> Payment:
    """Return the row of a payment that nobody was asked for yet.

    Should this process die before it asks the provider, the job ends the payment with the lock.
    """
    return Payment(
        provider=name,
        status="pending",
        amount_fen=payable_fen,
        updated_at=at,
        scanned=False,
        attempts=0,
        next_query_at=None if name == AT_TILL else lock_expires_at,
    )


def charge_of(order: Order, *, openid: str | None = None, payer_code: str | None = None) -> Charge:
    """Return what a provider is told of an order: the same each time it is asked."""
    return Charge(
        order_id=order.id,
        merchant_id=order.merchant_id,
        amount_fen=order.payable_fen,
        created_at=order.created_at,
        expires_at=order.lock_expires_at,
        description=order.merchant.name,
        payer_openid=openid,
        payer_code=payer_code,
        reference=order.payment.reference,
    )


def ask(name: str, act: ChargeAct, charge: Charge) -> PaymentState:
    """Ask a provider, outside any transaction; whatever goes wrong is `unknown`.

    A provider that this installation has no more, an exception and an amount that is not told
    are no answer: neither success nor failure.
    """
    try:
        state: PaymentState = getattr(provider(name), act)(charge)
    except Exception as error:
        log.warning("payment_unanswered", provider=name, act=act, error=type(error).__name__)
        return PaymentState(status="unknown")
    return believed(state)


def believed(state: PaymentState) -> PaymentState:
    """Return what may be believed of an answer: `paid` counts only with its amount."""
    if state.status == "paid" and state.amount_fen is None:
        return PaymentState(status="unknown", reference=state.reference)
    return state


def ask_refund(name: str, act: RefundAct, request: RefundRequest) -> RefundState:
    """Ask a provider to give money back, or what became of that; trouble is `unknown`."""
    try:
        state: RefundState = getattr(provider(name), act)(request)
    except Exception as error:
        log.warning("payment_unanswered", provider=name, act=act, error=type(error).__name__)
        return RefundState(status="unknown")
    return state


def ask_for_refund(name: str, request: RefundRequest, *, asked_before: bool) -> RefundState:
    """Ask for a refund; one that was asked for before is looked up first, then sent again.

    Its number is the same, so that a provider that has it refuses it or tells how it stands.
    """
    if asked_before:
        state = ask_refund(name, "query_refund", request)
        if state.status != "unknown":
            return state
    return ask_refund(name, "refund", request)


def query_every_s() -> int:
    """Return the steady pace at which providers are asked again, in seconds."""
    settings: Settings = current_app.extensions["settings"]
    return settings.payment_query_s
