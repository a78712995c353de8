"""A provider that says what a test tells it to say, speaking the protocol in the test's process."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date

from backend.gateways.payments.protocol import (
    Bill,
    BillNotReady,
    Charge,
    Notice,
    NoticeRefused,
    PaymentState,
    RefundRequest,
    RefundState,
)

Said = PaymentState | RefundState | Exception
SIGNATURE = {"X-Signature": "true"}


class ScriptedProvider:
    """Answers each kind of question from its own list; the last answer is repeated."""

    def __init__(self, name: str = "wechat_pay") -> None:
        self.name = name
        self.says: dict[str, list[Said]] = {}
        self.asked: list[tuple[str, Charge | RefundRequest]] = []
        self.before: Callable[[str], None] = lambda act: None
        self._lock = threading.Lock()

    def tell(self, act: str, *said: Said) -> None:
        self.says[act] = list(said)

    def counts(self) -> Counter[str]:
        return Counter(act for act, _ in self.asked)

    def _answer(self, act: str, about: Charge | RefundRequest) -> Said:
        with self._lock:
            self.asked.append((act, about))
            left = self.says.get(act, [PaymentState(status="pending")])
            said = left.pop(0) if len(left) > 1 else left[0]
        self.before(act)
        if isinstance(said, Exception):
            raise said
        return said

    def _payment(self, act: str, charge: Charge) -> PaymentState:
        said = self._answer(act, charge)
        assert isinstance(said, PaymentState)
        return said

    def _refund(self, act: str, refund: RefundRequest) -> RefundState:
        said = self._answer(act, refund)
        assert isinstance(said, RefundState)
        return said

    def charge(self, charge: Charge) -> PaymentState:
        return self._payment("charge", charge)

    def query(self, charge: Charge) -> PaymentState:
        return self._payment("query", charge)

    def close(self, charge: Charge) -> PaymentState:
        return self._payment("close", charge)

    def reverse(self, charge: Charge) -> PaymentState:
        return self._payment("reverse", charge)

    def refund(self, refund: RefundRequest) -> RefundState:
        return self._refund("refund", refund)

    def query_refund(self, refund: RefundRequest) -> RefundState:
        return self._refund("query_refund", refund)

    def bill(self, day: date) -> Bill:
        raise BillNotReady

    def read_notice(self, headers: Mapping[str, str], body: bytes) -> Notice:
        if headers.get("X-Signature") != "true":
            raise NoticeRefused("the signature does not fit")
        said = json.loads(body)
        payment, refund = said.get("payment"), said.get("refund")
        return Notice(
            event_id=said["event_id"],
            order_id=said["order_id"],
            payment=PaymentState(**payment) if payment else None,
            refund_id=said.get("refund_id"),
            refund=RefundState(**refund) if refund else None,
        )

    def notice_answer(self, ok: bool) -> tuple[int, str, str]:
        return (200, "text/plain", "taken") if ok else (500, "text/plain", "again")


def paid(fen: int, reference: str = "4200001") -> PaymentState:
    return PaymentState(status="paid", amount_fen=fen, reference=reference)


CLOSED = PaymentState(status="closed")
FAILED = PaymentState(status="failed")
UNKNOWN = PaymentState(status="unknown")
PENDING = PaymentState(status="pending")


def notice_body(order_id: str, event_id: str = "event-1", **said: object) -> bytes:
    return json.dumps({"order_id": order_id, "event_id": event_id, **said}).encode()


def paid_notice(order_id: str, fen: int, event_id: str = "event-1") -> bytes:
    payment = {"status": "paid", "amount_fen": fen, "reference": "4200001"}
    return notice_body(order_id, event_id, payment=payment)
