"""What went back, in the shape in which reconciliation compares: by number, amount and time."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Select,
    String,
    case,
    cast,
    false,
    func,
    literal,
    null,
    select,
    true,
)

from backend.storage.models.merchants import Merchant
from backend.storage.models.payments import PaymentCase
from backend.storage.models.refunds import Payback, Refund

NOT_TOLD: dict[str, Any] = {
    "discount_fen": cast(null(), BigInteger),
    "merchant_number": cast(null(), String),
    "campaign_id": cast(null(), String),
}


def of_provider(provider: str) -> list[Select[Any]]:
    """Select what a provider was asked to give back, by the refund's number.

    What it refused, and what was then paid by hand, must not be in its file: a line of it would
    mean that the customer got it twice. A case's refund is compared when the file names it; when
    the provider took it is not kept.
    """
    paid_back = _row(
        Payback.id,
        expected=Payback.status == "done",
        amount_fen=Payback.amount_fen,
        at=func.coalesce(Payback.accepted_at, Payback.requested_at),
    ).where(
        Payback.provider == provider,
        Payback.status.in_(("due", "processing", "unknown", "done")),
    )
    of_cases = _row(
        PaymentCase.refund_id,
        expected=false(),
        amount_fen=PaymentCase.refund_fen,
        at=cast(null(), DateTime(timezone=True)),
    ).where(
        PaymentCase.provider == provider,
        PaymentCase.refund_status.in_(("processing", "unknown", "done")),
    )
    return [paid_back, of_cases]


def of_bank(party: str) -> list[Select[Any]]:
    """Select all refunds by our number, and those of the bank's own tills by its number too."""
    from_bank = Refund.numbered_by == f"bank:{party}"
    by_ours = case((from_bank, Refund.number), else_=Refund.id)
    return [
        _refunded(Refund.id, other=by_ours, expected=false()),
        _refunded(Refund.number, other=Refund.id, expected=true()).where(from_bank),
    ]


def _row(number: Any, *, expected: Any, amount_fen: Any, at: Any) -> Select[Any]:
    columns: list[Any] = [
        literal("refund").label("record_type"),
        number.label("number"),
        number.label("other_number"),
        expected.label("expected"),
        amount_fen.label("amount_fen"),
        *(column.label(name) for name, column in NOT_TOLD.items()),
        at.label("at"),
    ]
    return select(*columns)


def _refunded(number: Any, *, other: Any, expected: ColumnElement[bool]) -> Select[Any]:
    columns: list[Any] = [
        literal("refund").label("record_type"),
        number.label("number"),
        other.label("other_number"),
        expected.label("expected"),
        Refund.refund_amount_fen.label("amount_fen"),
        Refund.subsidy_fen.label("discount_fen"),
        Merchant.merchant_number.label("merchant_number"),
        Refund.campaign_id.label("campaign_id"),
        Refund.refunded_at.label("at"),
    ]
    return select(*columns).join(Merchant, Merchant.id == Refund.merchant_id)
