"""Every model, so that mappers and migrations see the whole schema. Import it once, for effect."""

from backend.storage.models import (
    audit,
    budgets,
    campaigns,
    entries,
    ledger,
    merchants,
    orders,
    payment_codes,
    payments,
    payouts,
    programmes,
    reconciliation,
    refunds,
    residents,
    settlements,
    vouchers,
)

__all__ = [
    "audit",
    "budgets",
    "campaigns",
    "entries",
    "ledger",
    "merchants",
    "orders",
    "payment_codes",
    "payments",
    "payouts",
    "programmes",
    "reconciliation",
    "refunds",
    "residents",
    "settlements",
    "vouchers",
]
