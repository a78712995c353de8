"""What every way of paying must answer, whoever moves the money."""

from dataclasses import dataclass
from typing import Literal, Protocol

PaymentStatus = Literal["pending", "paid", "closed", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Charge:
    """What is to be collected for an order. `order_id` is the idempotency key."""

    order_id: str
    merchant_id: str
    amount_fen: int


@dataclass(frozen=True, kw_only=True)
class PaymentState:
    """What a provider says. `unknown` is neither success nor failure: ask again."""

    status: PaymentStatus
    reference: str | None = None


class PaymentProvider(Protocol):
    """One provider. No method raises for an unclear answer: it returns `unknown`."""

    name: str

    def charge(self, charge: Charge) -> PaymentState:
        """Start collecting; the same order twice is one charge."""

    def query(self, charge: Charge) -> PaymentState:
        """Ask what became of a charge."""

    def close(self, charge: Charge) -> PaymentState:
        """Make sure a charge can no longer be paid."""
