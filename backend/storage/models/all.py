"""Every model, so that mappers and migrations see the whole schema. Import it once, for effect."""

from backend.storage.models import (
    audit,
    campaigns,
    ledger,
    merchants,
    orders,
    payment_codes,
    payouts,
    programmes,
    reconciliation,
    residents,
    settlements,
    vouchers,
)

__all__ = [
    "audit",
    "campaigns",
    "ledger",
    "merchants",
    "orders",
    "payment_codes",
    "payouts",
    "programmes",
    "reconciliation",
    "residents",
    "settlements",
    "vouchers",
]
