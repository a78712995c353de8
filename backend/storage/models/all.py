"""Every model, so that mappers and migrations see the whole schema. Import it once, for effect."""

from backend.storage.models import (
    audit,
    campaigns,
    ledger,
    merchants,
    orders,
    payment_codes,
    programmes,
    reconciliation,
    residents,
    vouchers,
)

__all__ = [
    "audit",
    "campaigns",
    "ledger",
    "merchants",
    "orders",
    "payment_codes",
    "programmes",
    "reconciliation",
    "residents",
    "vouchers",
]
