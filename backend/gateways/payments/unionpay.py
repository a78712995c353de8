"""`unionpay`: UnionPay's ACP interface 5.1.0, codes scanned either way round.

With `payer_code` the till scanned the payer's code (txnSubType 06); without, the payer scans a
code of ours (07, `code_url`).

How a charge becomes final. An answer 00 only says "accepted". `paid` comes from a notification or
a query. A signed query that names a failure makes it `failed`. For a transaction that UnionPay
does not know (34) nobody can say whether it is still on its way or the code still unscanned, until
payTimeout, our order's own end, which UnionPay gets with the charge: after that and a margin it
cannot be paid any more, and `close` says `closed`. What stays unclear on its day is reversed. Past
its day only the ZM file has the last word.

What we take for granted, and what happens should it be otherwise:

- The code of an order QR comes in the answer's `qrCode`, as in implementations that run. Without it
  nobody can pay, and the order is released at its end.
- A reversed charge is told with an origRespCode that is neither success nor unclear; the stand-in
  says 35, and any such code will do. Should UnionPay go on saying 00, the next round cancels it.
- txnTime names a transaction together with orderId, so one that is asked for again keeps its first
  time. UnionPay wants the time of now, by its demos: where it refuses an old one, a refund fails,
  and a case asks staff to pay by hand.
- 98 for a file says "wrong day or not made yet" (its answers to frequent questions), and is asked
  again. So a day of which UnionPay makes no file at all is asked for in vain, and told in the log.
"""

from collections.abc import Mapping
from datetime import date, datetime

from backend import clock
from backend.domain.china import CHINA
from backend.gateways.payments import unionpay_files, unionpay_results
from backend.gateways.payments.protocol import (
    Bill,
    Charge,
    Notice,
    NoticeRefused,
    PaymentState,
    RefundRequest,
    RefundState,
)
from backend.gateways.payments.unionpay_calls import UnionPayCalls
from backend.gateways.payments.unionpay_http import NoAnswer
from backend.gateways.payments.unionpay_messages import (
    Fields,
    MessageRefused,
    parse_form,
    time_text,
)
from backend.gateways.payments.unionpay_results import Result
from backend.gateways.payments.unionpay_states import (
    CANCEL,
    CONSUME,
    CURRENCY_YUAN,
    REFUND,
    REVERSAL,
    cancel_number,
    closed,
    never_paid,
    notice,
    number,
    payment_state,
    query_result,
    refund_state,
)

NOTICE_PATH = "/callbacks/payments/unionpay"
CHANNEL_MOBILE = "08"

_UNKNOWN = PaymentState(status="unknown")


class UnionPay:
    """One merchant number at UnionPay.

    Ids of orders and refunds must be 8 to 32 letters and digits, else ValueError: UnionPay takes
    no other signs, and its ZM file cuts what is longer.

    :param notice_url: where UnionPay posts what became of a transaction
    :param terminal_number: 8 characters, if the acquirer wants one named
    """

    name = "unionpay"

    def __init__(
        self, calls: UnionPayCalls, *, notice_url: str, terminal_number: str | None = None
    ) -> None:
        self._calls = calls
        self._notice_url = notice_url
        self._terminal_number = terminal_number

    def charge(self, charge: Charge) -> PaymentState:
        """Start collecting. Sent again, it is refused as a repetition (12): `unknown`, so query.

        The code of an order QR is told once: an order that lost it is closed, not charged again.
        """
        asked = {
            "txnType": CONSUME,
            "txnSubType": "06" if charge.payer_code else "07",
            "channelType": CHANNEL_MOBILE,
            "currencyCode": CURRENCY_YUAN,
            "txnAmt": str(charge.amount_fen),
            "qrNo": charge.payer_code,
            "termId": self._terminal_number,
            "payTimeout": time_text(charge.expires_at),
            "backUrl": self._notice_url,
        }
        try:
            answer = self._calls.back(asked, order_id=number(charge.order_id), at=charge.created_at)
        except NoAnswer:
            return _UNKNOWN
        match unionpay_results.of_request(answer.get("respCode")):
            case "accepted":
                return PaymentState(
                    status="pending",
                    reference=answer.get("queryId"),
                    code_url=answer.get("qrCode"),
                )
            case "failed":
                return PaymentState(status="failed")
            case _:
                return _UNKNOWN

    def query(self, charge: Charge) -> PaymentState:
        """Ask what became of a charge; `unknown` too while UnionPay has not heard of it."""
        return self._look(charge)[1]

    def close(self, charge: Charge) -> PaymentState:
        """Query, and say `closed` if it can no longer be paid.

        UnionPay cannot be told to stop an order QR: it runs out by payTimeout. Until then, and a
        margin, an unpaid one stays what the query says.
        """
        result, state = self._look(charge)
        return closed(state) if never_paid(charge, result) else state

    def reverse(self, charge: Charge) -> PaymentState:
        """Undo a charge on its day: cancel (31) what is paid, reverse (99) what is unclear.

        `paid`: it holds money that cannot be cancelled any more; a refund gives it back.
        """
        result, state = self._look(charge)
        if never_paid(charge, result):
            return closed(state)
        if result is None:  # a payment that is well and paid may stand behind a query unanswered
            return state
        if charge.created_at.astimezone(CHINA).date() != clock.today():
            return state
        return self._cancel(charge, state) if result == "paid" else self._reverse_unclear(charge)

    def refund(self, refund: RefundRequest) -> RefundState:
        """Give money back; sent again, it is refused as a repetition: `unknown`, so query.

        `failed`: refused, and a query knows of no earlier try that was taken under its number.
        """
        try:
            reference = refund.reference or self._reference_of_charge(refund)
            if reference is None:  # nothing to give back yet, as far as anybody can say
                return RefundState(status="unknown")
            answer = self._back_out(
                REFUND,
                order_id=refund.order_id,
                own_id=refund.refund_id,
                amount_fen=refund.amount_fen,
                reference=reference,
                at=refund.created_at,
            )
        except NoAnswer:
            return RefundState(status="unknown")
        match unionpay_results.of_request(answer.get("respCode")):
            case "accepted":
                return RefundState(status="processing", reference=answer.get("queryId"))
            case "failed":
                result, state = self._look_for_refund(refund)
                return RefundState(status="failed") if result == "absent" else state
            case _:
                return RefundState(status="unknown")

    def query_refund(self, refund: RefundRequest) -> RefundState:
        """Ask what became of a refund. One that UnionPay does not know may be sent again."""
        return self._look_for_refund(refund)[1]

    def bill(self, day: date) -> Bill:
        """Fetch the ZM file of a settlement day; BillNotReady when none can be had now."""
        return unionpay_files.fetch(self._calls, day)

    def read_notice(self, headers: Mapping[str, str], body: bytes) -> Notice:
        """Verify a notification of a payment or a refund, or raise NoticeRefused."""
        try:
            fields = parse_form(body)
            self._calls.check_ours(fields)
            return notice(fields)
        except MessageRefused as error:
            raise NoticeRefused(str(error)) from None

    def notice_answer(self, ok: bool) -> tuple[int, str, str]:
        """Say 200 for "taken"; UnionPay repeats a notification on any other status."""
        return (200, "text/plain", "ok") if ok else (400, "text/plain", "refused")

    def close_connections(self) -> None:
        """Let go of the connections to UnionPay."""
        self._calls.close()

    def _look(self, charge: Charge) -> tuple[Result | None, PaymentState]:
        """Query a charge: what the codes mean (None: no answer), and the state that follows."""
        try:
            answer = self._calls.query(order_id=number(charge.order_id), at=charge.created_at)
            result = query_result(answer)
            return result, payment_state(result, answer)
        except (NoAnswer, MessageRefused):
            return None, _UNKNOWN

    def _look_for_refund(self, refund: RefundRequest) -> tuple[Result | None, RefundState]:
        """Query a refund, as `_look` does a charge."""
        try:
            answer = self._calls.query(order_id=number(refund.refund_id), at=refund.created_at)
            result = query_result(answer)
            return result, refund_state(result, answer)
        except (NoAnswer, MessageRefused):
            return None, RefundState(status="unknown")

    def _cancel(self, charge: Charge, paid: PaymentState) -> PaymentState:
        """Cancel a paid charge, whole, on its day.

        The cancellation's number and time follow from the charge's, so that after a crash it is
        found again, and sent again it is one cancellation.
        """
        own_id = cancel_number(charge.order_id)
        unclear = PaymentState(status="unknown", reference=paid.reference)
        try:
            asked = unionpay_results.of_request(
                self._back_out(
                    CANCEL,
                    order_id=charge.order_id,
                    own_id=own_id,
                    amount_fen=charge.amount_fen,
                    reference=paid.reference,
                    at=charge.created_at,
                ).get("respCode")
            )
            # Also when it was refused: a second one is, after the first was done.
            told = query_result(self._calls.query(order_id=own_id, at=charge.created_at))
        except NoAnswer:
            return unclear
        if told == "paid":
            return closed(paid)
        refused = told == "failed" or (told == "absent" and asked == "failed")
        return paid if refused else unclear

    def _reverse_unclear(self, charge: Charge) -> PaymentState:
        """Reverse a charge of today whose outcome is unclear, and ask once more.

        Accepted is not done: only a query that names a failure closes it. A charge that UnionPay
        never heard of cannot be reversed, and is closed when its time is over.
        """
        try:
            self._back_out(
                REVERSAL,
                order_id=charge.order_id,
                own_id=charge.order_id,  # it names the transaction that it undoes by its own name
                amount_fen=charge.amount_fen,
                reference=None,
                at=charge.created_at,
            )
        except NoAnswer:
            return _UNKNOWN
        result, state = self._look(charge)
        if never_paid(charge, result):
            return closed(state)
        return PaymentState(status="unknown", reference=state.reference)

    def _back_out(
        self,
        kind: str,
        *,
        order_id: str,
        own_id: str,
        amount_fen: int,
        reference: str | None,
        at: datetime,
    ) -> Fields:
        """Ask for a refund, cancellation or reversal; NoAnswer when its outcome is unknown.

        :param own_id: with `at` the name of this transaction; `order_id` comes back in reqReserved
        """
        asked = {
            "txnType": kind,
            "txnSubType": "00",
            "channelType": CHANNEL_MOBILE,
            "currencyCode": CURRENCY_YUAN,
            "txnAmt": str(amount_fen),
            "origQryId": reference,
            "reqReserved": order_id,
            "backUrl": self._notice_url,
        }
        return self._calls.back(asked, order_id=number(own_id), at=at)

    def _reference_of_charge(self, refund: RefundRequest) -> str | None:
        answer = self._calls.query(order_id=number(refund.order_id), at=refund.charge_created_at)
        return answer.get("queryId") if query_result(answer) == "paid" else None
