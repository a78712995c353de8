"""Payment codes (付款码): issued to a resident, found by a till, used once.

They live in SQL because whatever must survive the loss of Valkey does; a clock set back cannot
revive one, since the high-water mark in SQL only rises.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from backend import clock
from backend.domain import refusals
from backend.domain.cards import CardRequired
from backend.services import blocks, cards, claims
from backend.services.personal_data import vault
from backend.settings import Settings
from backend.storage.models.payment_codes import ClockMark, PaymentCode
from backend.storage.models.residents import Resident
from backend.storage.sql import transaction
from merchant_qr import payment_code as code_form

KEEP_FOR = timedelta(days=1)  # afterwards an unknown code answers the same
MARK = "payment_codes"


@dataclass(frozen=True, kw_only=True)
class IssuedCode:
    """Twenty digits to draw as QR and Code 128, and until when they count (exclusive)."""

    code: str
    issued_at: datetime
    expires_at: datetime


def issue(resident_id: int) -> IssuedCode:
    """Issue a code to a resident; the newest kills the older (plan, part six (三): 出示付款码)."""
    try:
        return _issue(resident_id)
    except CardRequired:  # the voucher that wants no card may be too new for SQL
        claims.record_promised(resident_id)
        return _issue(resident_id)


def _issue(resident_id: int) -> IssuedCode:
    settings: Settings = current_app.extensions["settings"]
    digits = f"{secrets.randbelow(10**17):017d}"
    code = code_form.make(prefix=settings.payment_code_prefix, random_digits=digits)
    with transaction() as session:
        session.get(Resident, resident_id, with_for_update=True)  # one issue at a time
        blocks.refuse_order(session, resident_id)
        cards.refuse_payment_code(session, resident_id)
        now = mark_time(session)
        session.execute(
            update(PaymentCode)
            .where(PaymentCode.resident_id == resident_id, PaymentCode.state == "live")
            .values(state="replaced")
            .execution_options(synchronize_session=False)
        )
        expires_at = now + timedelta(seconds=settings.payment_code_ttl_s)
        session.add(
            PaymentCode(
                code_hash=_hash(code),
                resident_id=resident_id,
                issued_at=now,
                expires_at=expires_at,
                state="live",
            )
        )
    return IssuedCode(code=code, issued_at=now, expires_at=expires_at)


def check_form(text: str) -> str:
    """Return the twenty digits of our code that a till has read, or refuse what is none."""
    settings: Settings = current_app.extensions["settings"]
    digits = code_form.clean(text)
    if wallet := code_form.wallet_of(digits):
        name = {"wechat": "微信", "alipay": "支付宝", "unionpay": "云闪付"}[wallet]
        raise refusals.WalletCode(f"a {wallet} code", details={"wallet": wallet, "name": name})
    if not code_form.is_ours(digits, prefix=settings.payment_code_prefix):
        raise refusals.PaymentCodeMisread("wrong form or check digit")
    return digits


def use(session: Session, code: str) -> int:
    """Use a code up and return whose it is; a second use, in any race, is refused.

    Call inside the transaction that makes the order, so that the code counts as used exactly
    when the order exists.
    """
    now = mark_time(session)
    resident_id = session.scalar(
        update(PaymentCode)
        .where(
            PaymentCode.code_hash == _hash(code),
            PaymentCode.state == "live",
            PaymentCode.expires_at > now,
        )
        .values(state="used")
        .execution_options(synchronize_session=False)
        .returning(PaymentCode.resident_id)
    )
    if resident_id is None:
        raise refusals.PaymentCodeInvalid("no live code")
    return int(resident_id)


def holder(session: Session, code: str) -> int:
    """Return whose live code this is without using it up; for quotes."""
    resident_id = session.scalar(
        select(PaymentCode.resident_id).where(
            PaymentCode.code_hash == _hash(code),
            PaymentCode.state == "live",
            PaymentCode.expires_at > mark_time(session),
        )
    )
    if resident_id is None:
        raise refusals.PaymentCodeInvalid("no live code")
    return int(resident_id)


def mark_time(session: Session) -> datetime:
    """Return the time, never before the mark that the job keeps raising."""
    reached_at = session.scalar(select(ClockMark.reached_at).where(ClockMark.name == MARK))
    if reached_at is not None:
        clock.raise_floor(reached_at)
    return clock.now()


def raise_mark() -> None:
    """Raise the high-water mark to now and forget old codes. For the periodic job."""
    with transaction() as session:
        now = mark_time(session)
        session.merge(ClockMark(name=MARK, reached_at=now))
        session.execute(
            update(PaymentCode)
            .where(PaymentCode.state == "live", PaymentCode.expires_at <= now)
            .values(state="expired")
            .execution_options(synchronize_session=False)
        )
        session.execute(
            delete(PaymentCode)
            .where(PaymentCode.expires_at <= now - KEEP_FOR)
            .execution_options(synchronize_session=False)
        )


def _hash(code: str) -> str:
    return vault().hash("payment_code", code)
