"""`at_till`: the merchant collects the rest by its own till and confirms. No outside party."""

from collections.abc import Mapping
from datetime import date

from backend.gateways.payments.protocol import (
    Bill,
    Charge,
    Notice,
    NoticeRefused,
    PaymentState,
    RefundRequest,
    RefundState,
)


class AtTill:
    """Nobody but the clerk knows whether the customer paid, so a charge stays `pending`."""

    name = "at_till"

    def charge(self, charge: Charge) -> PaymentState:
        """The till is told the amount by the screen; the confirmation comes from the clerk."""
        return PaymentState(status="pending")

    def query(self, charge: Charge) -> PaymentState:
        """The till reports nothing by itself."""
        return PaymentState(status="pending")

    def close(self, charge: Charge) -> PaymentState:
        """Nothing was started outside, so closing always succeeds."""
        return PaymentState(status="closed")

    def reverse(self, charge: Charge) -> PaymentState:
        """Nothing was collected outside; the clerk gives cash back by hand."""
        return PaymentState(status="closed")

    def refund(self, refund: RefundRequest) -> RefundState:
        """The merchant gives the customer's part back by its own till."""
        return RefundState(status="done", amount_fen=refund.amount_fen)

    def query_refund(self, refund: RefundRequest) -> RefundState:
        """The refund was the merchant's own act."""
        return RefundState(status="done", amount_fen=refund.amount_fen)

    def bill(self, day: date) -> Bill:
        """There is no outside record to compare with."""
        return Bill(provider=self.name, day=day, file_name="", content=None)

    def read_notice(self, headers: Mapping[str, str], body: bytes) -> Notice:
        """Nobody outside may speak for a till."""
        raise NoticeRefused("at_till has no notifications")

    def notice_answer(self, ok: bool) -> tuple[int, str, str]:
        """A till sends none; whoever does is told nothing."""
        return (200 if ok else 400), "text/plain", ""
