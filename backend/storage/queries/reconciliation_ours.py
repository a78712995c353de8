"""What of ours an outside file speaks of, in the one shape in which reconciliation compares.

A record is known by (type, number). Of ours there may be two rows for one act, because a bank may
name an order by its own request number or by ours: `other_number` is then the other name, and
`expected` marks the one row that must be in the file.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    String,
    Subquery,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    null,
    select,
    true,
    union_all,
)

from backend.domain.reconciliation import PROVIDER_OF, FileKind
from backend.storage.models.merchants import Merchant
from backend.storage.models.orders import Order, Payment, Redemption
from backend.storage.queries import reconciliation_refunds


def of_party(kind: FileKind, party: str) -> Subquery:
    """Return what we did that a party's files of a kind speak of."""
    provider = PROVIDER_OF.get(kind)
    parts = _of_provider(provider) if provider else _of_bank(party)
    return union_all(*parts).subquery("ours")


def _of_provider(provider: str) -> list[Select[Any]]:
    """Payments that a provider collected, and what it gave back; nothing never went outside."""
    at = func.coalesce(Redemption.redeemed_at, Payment.updated_at)
    paid = (
        select(
            literal("payment").label("record_type"),
            Payment.order_id.label("number"),
            Payment.order_id.label("other_number"),
            true().label("expected"),
            Payment.amount_fen.label("amount_fen"),
            cast(null(), BigInteger).label("discount_fen"),
            cast(null(), String).label("merchant_number"),
            cast(null(), String).label("campaign_id"),
            at.label("at"),
        )
        .outerjoin(Redemption, Redemption.id == Payment.order_id)
        .where(Payment.provider == provider, Payment.status == "paid", Payment.amount_fen > 0)
    )
    return [paid, *reconciliation_refunds.of_provider(provider)]


def _of_bank(party: str) -> list[Select[Any]]:
    """Redemptions, reversals and refunds by our number, and those of the bank's tills by its too.

    Only what was paid at the bank's tills must be in its file; an order of another way is compared
    when the file names it.
    """
    from_bank = and_(Order.entry == "bank_till", Order.requested_by == f"bank:{party}")
    redeemed, undone = Redemption.redeemed_at, Order.status == "reversed"
    by_ours = case((from_bank, Order.request_id), else_=Order.id)
    return [
        _redeemed("payment", Order.id, other=by_ours, expected=false(), at=redeemed),
        _redeemed("payment", Order.request_id, other=Order.id, expected=true(), at=redeemed).where(
            from_bank
        ),
        _redeemed("reversal", Order.id, other=by_ours, expected=false(), at=Order.closed_at).where(
            undone
        ),
        _redeemed(
            "reversal", Order.request_id, other=Order.id, expected=true(), at=Order.closed_at
        ).where(undone, from_bank),
        *reconciliation_refunds.of_bank(party),
    ]


def _redeemed(
    record_type: str, number: Any, *, other: Any, expected: ColumnElement[bool], at: Any
) -> Select[Any]:
    return (
        select(
            literal(record_type).label("record_type"),
            number.label("number"),
            other.label("other_number"),
            expected.label("expected"),
            Redemption.order_amount_fen.label("amount_fen"),
            Redemption.discount_fen.label("discount_fen"),
            Merchant.merchant_number.label("merchant_number"),
            Redemption.campaign_id.label("campaign_id"),
            at.label("at"),
        )
        .join(Order, Order.id == Redemption.id)
        .join(Merchant, Merchant.id == Redemption.merchant_id)
    )
