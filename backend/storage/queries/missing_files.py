"""Whether something of ours stands on a day for which an outside party owes a file."""

from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from backend.domain.reconciliation import PROVIDER_OF, FileKind
from backend.storage.models.orders import Order, Payment, Redemption
from backend.storage.models.payments import PaymentCase
from backend.storage.models.refunds import Payback, Refund


def is_expected(
    session: Session, kind: FileKind, party: str, *, start: datetime, end: datetime
) -> bool:
    """Tell whether money went through a party in [start, end): paid, astray, or given back."""
    provider = PROVIDER_OF.get(kind)
    parts = _of_provider(provider, start, end) if provider else _of_bank(party, start, end)
    return any(session.scalar(part.limit(1)) is not None for part in parts)


def _of_provider(provider: str, start: datetime, end: datetime) -> tuple[Select[str], ...]:
    return (
        select(Redemption.id)
        .join(Payment, Payment.order_id == Redemption.id)
        .where(
            Redemption.redeemed_at >= start,
            Redemption.redeemed_at < end,
            Payment.provider == provider,
            Payment.amount_fen > 0,
        ),
        select(PaymentCase.refund_id).where(
            PaymentCase.opened_at >= start,
            PaymentCase.opened_at < end,
            PaymentCase.provider == provider,
            PaymentCase.collected_fen > 0,
        ),
        select(Payback.id).where(
            Payback.requested_at >= start,
            Payback.requested_at < end,
            Payback.provider == provider,
        ),
    )


def _of_bank(party: str, start: datetime, end: datetime) -> tuple[Select[str], ...]:
    caller = f"bank:{party}"
    return (
        select(Redemption.id)
        .join(Order, Order.id == Redemption.id)
        .where(
            Redemption.redeemed_at >= start,
            Redemption.redeemed_at < end,
            Order.entry == "bank_till",
            Order.requested_by == caller,
        ),
        select(Refund.id).where(
            Refund.refunded_at >= start, Refund.refunded_at < end, Refund.numbered_by == caller
        ),
    )
