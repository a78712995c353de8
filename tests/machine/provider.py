"""A payment provider that keeps true books, and whose answers may be lost on their way."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from backend.gateways.payments.protocol import (
    Bill,
    BillNotReady,
    Charge,
    Notice,
    PaymentState,
    RefundRequest,
    RefundState,
)


@dataclass
class Account:
    """One order's money at the provider, in fen; `closed` can be paid no more."""

    asked_fen: int
    paid_fen: int | None = None
    closed: bool = False
    refunds: dict[str, int] = field(default_factory=dict)

    @property
    def open(self) -> bool:
        """Whether the payer may still pay."""
        return not self.closed and self.paid_fen is None


class TruthfulProvider:
    """Never lies; while `lost` says so, a question is not heard or its answer does not arrive.

    :ivar wallet_pays: whether a scanned wallet pays at once; otherwise its payer does later
    :ivar lost: None, "before" (nothing was done) or "after" (done, and the answer is gone)
    """

    name = "wechat_pay"

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.wallet_pays = True
        self.lost: str | None = None
        self.faults: list[str] = []  # what no caller may ask

    def _lose(self, at: str) -> None:
        if self.lost == at:
            raise TimeoutError("nobody answers")

    def _state(self, order_id: str) -> PaymentState:
        account = self.accounts.get(order_id)
        if account is None:
            return PaymentState(status="unknown")
        if account.paid_fen is not None:
            return PaymentState(status="paid", amount_fen=account.paid_fen, reference="4200001")
        return PaymentState(status="closed" if account.closed else "pending")

    def charge(self, charge: Charge) -> PaymentState:
        self._lose("before")
        account = self.accounts.setdefault(charge.order_id, Account(charge.amount_fen))
        if charge.payer_code is not None and self.wallet_pays and account.open:
            account.paid_fen = charge.amount_fen
        self._lose("after")
        state = self._state(charge.order_id)
        if state.status != "pending":
            return state
        return PaymentState(status="pending", client={"package": "prepay_id=wx1"})

    def query(self, charge: Charge) -> PaymentState:
        self._lose("before")
        self._lose("after")
        return self._state(charge.order_id)

    def close(self, charge: Charge) -> PaymentState:
        self._lose("before")
        account = self.accounts.setdefault(charge.order_id, Account(charge.amount_fen))
        account.closed = account.paid_fen is None
        self._lose("after")
        return self._state(charge.order_id)

    def reverse(self, charge: Charge) -> PaymentState:
        self._lose("before")
        account = self.accounts.setdefault(charge.order_id, Account(charge.amount_fen))
        account.paid_fen, account.closed = None, True  # what was paid has gone back
        self._lose("after")
        return self._state(charge.order_id)

    def refund(self, refund: RefundRequest) -> RefundState:
        self._lose("before")
        account = self.accounts[refund.order_id]
        known_fen = account.refunds.setdefault(refund.refund_id, refund.amount_fen)
        if known_fen != refund.amount_fen or sum(account.refunds.values()) > (
            account.paid_fen or 0
        ):
            self.faults.append(f"refund {refund.refund_id} of {refund.order_id}: {account}")
        self._lose("after")
        return RefundState(status="processing")

    def query_refund(self, refund: RefundRequest) -> RefundState:
        self._lose("before")
        self._lose("after")
        amount_fen = self.accounts[refund.order_id].refunds.get(refund.refund_id)
        if amount_fen is None:
            return RefundState(status="unknown")
        return RefundState(status="done", amount_fen=amount_fen, reference="5030001")

    def bill(self, day: date) -> Bill:
        raise BillNotReady

    def read_notice(self, headers: Mapping[str, str], body: bytes) -> Notice:
        order_id = json.loads(body)["order_id"]
        return Notice(
            event_id=f"event-{order_id}",
            order_id=order_id,
            payment=self._state(order_id),
            refund_id=None,
            refund=None,
        )

    def notice_answer(self, ok: bool) -> tuple[int, str, str]:
        return (200, "text/plain", "taken") if ok else (500, "text/plain", "again")

    def pay(self, order_id: str, amount_fen: int) -> bool:
        """Let the payer pay; False when it is closed or paid already."""
        account = self.accounts[order_id]
        if not account.open:
            return False
        account.paid_fen = amount_fen
        return True
