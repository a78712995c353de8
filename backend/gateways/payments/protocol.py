"""What every way of paying must answer, whoever moves the money.

An order is charged once: its id is the number the provider knows it by, and asking again with that
id never collects twice. The same holds for a refund and its id.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, Protocol

# `paid`, `closed` and `failed` are final: the money moved, or it never will.
PaymentStatus = Literal["pending", "paid", "closed", "failed", "unknown"]
RefundStatus = Literal["processing", "done", "failed", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Charge:
    """What is to be collected for an order. `order_id` is the idempotency key.

    `payer_openid` is whose mini-program pays; `payer_code` is what a till scanned from a wallet.
    With neither, a provider that can do so returns a code for the payer to scan.
    """

    order_id: str
    merchant_id: str
    amount_fen: int
    created_at: datetime
    expires_at: datetime
    description: str
    payer_openid: str | None = None
    payer_code: str | None = field(default=None, repr=False)
    reference: str | None = None  # the provider's own number, once it is known


@dataclass(frozen=True, kw_only=True)
class PaymentState:
    """What a provider says. `unknown` is neither success nor failure: ask again.

    `amount_fen` is what was collected; it must equal the charge's, and `paid` without it is taken
    for `unknown`.
    `provider_discount_fen` is what the provider itself gave of it: the payer paid so much less.
    """

    status: PaymentStatus
    reference: str | None = None
    amount_fen: int | None = None
    provider_discount_fen: int | None = None
    client: Mapping[str, str] | None = None  # what the phone hands to its wallet
    code_url: str | None = None  # what the payer scans


@dataclass(frozen=True, kw_only=True)
class RefundRequest:
    """Money to give back. `refund_id` is the idempotency key; amounts in fen.

    `total_fen` is what was collected for the order.
    """

    refund_id: str
    order_id: str
    amount_fen: int
    total_fen: int
    created_at: datetime
    charge_created_at: datetime
    reason: str
    reference: str | None = None  # the charge's, at the provider


@dataclass(frozen=True, kw_only=True)
class RefundState:
    """What a provider says of a refund. `unknown` is neither success nor failure: ask again."""

    status: RefundStatus
    reference: str | None = None
    amount_fen: int | None = None


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One verified notification of a provider. `event_id` is the same for its repetitions."""

    event_id: str
    order_id: str
    payment: PaymentState | None = None
    refund_id: str | None = None
    refund: RefundState | None = None


class NoticeRefused(Exception):
    """A notification that is forged, too old, damaged or not for us; the text holds no secret."""


class BillNotReady(Exception):
    """The provider has not made the day's bill yet; ask later."""


@dataclass(frozen=True, kw_only=True)
class Bill:
    """A provider's own record of a day, as the bytes of its file; None bytes: a day without one."""

    provider: str
    day: date
    file_name: str
    content: bytes | None


class PaymentProvider(Protocol):
    """One provider. No method raises for an unclear answer: it returns `unknown`."""

    name: str

    def charge(self, charge: Charge) -> PaymentState:
        """Start collecting; the same order twice is one charge."""

    def query(self, charge: Charge) -> PaymentState:
        """Ask what became of a charge."""

    def close(self, charge: Charge) -> PaymentState:
        """Make sure a charge can no longer be paid; `paid` when it already was."""

    def reverse(self, charge: Charge) -> PaymentState:
        """Undo a charge whose outcome is unclear, on its day: `closed` when it holds no money."""

    def refund(self, refund: RefundRequest) -> RefundState:
        """Give money back; the same refund twice is one refund."""

    def query_refund(self, refund: RefundRequest) -> RefundState:
        """Ask what became of a refund."""

    def bill(self, day: date) -> Bill:
        """Fetch a day's bill, or raise BillNotReady."""

    def read_notice(self, headers: Mapping[str, str], body: bytes) -> Notice:
        """Verify a notification and say what it tells, or raise NoticeRefused."""

    def notice_answer(self, ok: bool) -> tuple[int, str, str]:
        """Say "taken" or "send it again" in the provider's form: status, content type, body."""
