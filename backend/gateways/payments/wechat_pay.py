"""`wechat_pay`: WeChat Pay v3 for phones (JSAPI), codes to scan (NATIVE) and scanned payers.

Which answers are final, and why:

- Only signed words count. A time-out, a 5xx, a page of HTML or a missing or bad signature leaves
  everything `unknown`, whatever its status said.
- A refused charge is never final by itself: an earlier try of the same number may have been taken
  and be paid this minute. So after a refusal the order is queried, and that answer is returned.
- ORDER_NOT_EXIST on a query is `unknown`: our request may still be on its way. Closing makes it
  final: 204 means that no money is taken any more; and what is still missing 15 s after it began
  never came (we wait 11 s for an answer), so nobody holds a number to pay it with.
- A number is charged with one content. `time_expire` therefore comes from the charge alone.

Source: WeChat Pay API v3, JSAPI下单, Native下单, 付款码支付, 关闭订单,
撤销订单, 申请退款, 申请交易账单.
"""

import secrets
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from http import HTTPStatus

import wechatpayv3
from wechatpayv3 import WeChatPayType

from backend import clock
from backend.clock import CHINA
from backend.gateways.payments import wechat_pay_files, wechat_pay_notices
from backend.gateways.payments.protocol import (
    Bill,
    Charge,
    Notice,
    PaymentState,
    RefundRequest,
    RefundState,
)
from backend.gateways.payments.wechat_pay_answers import (
    CODE_PAYMENT,
    UNKNOWN,
    UNKNOWN_REFUND,
    payment_state,
    refund_state,
)
from backend.gateways.payments.wechat_pay_http import (
    Account,
    Answer,
    Exchange,
    NoAnswer,
)

TIMEOUT_S = (3.0, 8.0)
DESCRIPTION_MAX_BYTES = 127
REASON_MAX_BYTES = 80
SHORTEST_LIFE = timedelta(minutes=1)  # of a prepaid order
SETTLED_AFTER = timedelta(seconds=15)  # till then a charge may be on its way: 付款码支付, 撤销
_REFUSED_FOR_GOOD = {"PARAMERROR", "INVALIDREQUEST", "TRADEERROR"}


class WeChatPay:
    """One merchant number of WeChat Pay, in public-key mode. Safe to share between threads.

    :param notify_url: where WeChat Pay sends notifications
    :raises ValueError: a key that cannot be read
    """

    name = "wechat_pay"

    def __init__(
        self,
        account: Account,
        *,
        base_url: str,
        notify_url: str,
        timeout_s: tuple[float, float] = TIMEOUT_S,
    ) -> None:
        try:
            self._exchange = Exchange(account, base_url=base_url, timeout_s=timeout_s)
        except Exception as error:  # the package raises nothing narrower; its text quotes no key
            raise ValueError(f"{error}") from None
        self._account = account
        self._api = wechatpayv3.WeChatPay(
            wechatpay_type=WeChatPayType.MINIPROG,
            mchid=account.mchid,
            private_key=account.private_key,
            cert_serial_no=account.cert_serial,
            appid=account.appid,
            apiv3_key=account.api_v3_key,
            notify_url=notify_url,
            public_key=account.public_key,
            public_key_id=account.public_key_id,
        )
        self._api._core = self._exchange

    def disconnect(self) -> None:
        """Give the connections back."""
        self._exchange.close()

    def charge(self, charge: Charge) -> PaymentState:
        """Start collecting from a phone, from a scanned wallet, or by a code to scan."""
        if charge.payer_code is not None:
            return self._charge_scanned(charge, charge.payer_code)
        life = max(charge.expires_at, charge.created_at + SHORTEST_LIFE)
        kind, payer = WeChatPayType.NATIVE, None
        if charge.payer_openid is not None:
            kind, payer = WeChatPayType.MINIPROG, {"openid": charge.payer_openid}
        answer = self._ask(
            self._api.pay,
            pay_type=kind,
            payer=payer,
            time_expire=life.astimezone(CHINA).isoformat(timespec="seconds"),
            **_content(charge),
        )
        if answer is None:
            return UNKNOWN
        if not answer.ok:
            return self.query(charge)
        prepay_id, code_url = answer.body.get("prepay_id"), answer.body.get("code_url")
        if payer is not None and isinstance(prepay_id, str) and prepay_id:
            return PaymentState(status="pending", client=self._client(prepay_id))
        if payer is None and isinstance(code_url, str) and code_url:
            return PaymentState(status="pending", code_url=code_url)
        return UNKNOWN

    def query(self, charge: Charge) -> PaymentState:
        """Ask what became of a charge; a number that WeChat Pay does not know is `unknown`."""
        return self._look(charge)[0]

    def close(self, charge: Charge) -> PaymentState:
        """Make sure a charge can no longer be paid: final with 204, and where there is no order.

        A scanned payer's order cannot be closed, so it is reversed while it is not paid.
        """
        answer = self._ask(self._api.close, charge.order_id)
        if answer is None:
            return UNKNOWN
        if answer.ok:
            return _closed(charge)
        if answer.code == "ORDERNOTEXIST":
            return _closed(charge) if _is_settled(charge) else UNKNOWN
        state, kind = self._look(charge)
        if state.status == "pending" and kind == CODE_PAYMENT:
            return self.reverse(charge)
        return state

    def reverse(self, charge: Charge) -> PaymentState:
        """Undo a scanned payer's charge: WeChat Pay gives back what was paid. Not before 15 s.

        An order of another kind is not undone but reported, `paid` when it is.
        """
        if not _is_settled(charge):
            return UNKNOWN
        answer = self._ask(self._api.codepay_reverse, charge.order_id)
        if answer is None:
            return UNKNOWN
        if answer.ok or answer.code == "ORDERNOTEXIST":
            return _closed(charge)
        return self._look(charge)[0]

    def refund(self, refund: RefundRequest) -> RefundState:
        """Give money back. `failed`: refused for good, and WeChat Pay has no such refund.

        A refund that is refused for a while (the merchant's balance is empty, too many calls) is
        `unknown`: sending it again under its number is safe.
        """
        answer = self._ask(
            self._api.refund,
            out_refund_no=refund.refund_id,
            out_trade_no=refund.order_id,
            reason=_cut(refund.reason, REASON_MAX_BYTES),
            amount={
                "refund": refund.amount_fen,
                "total": refund.total_fen,
                "currency": "CNY",
            },
        )
        if answer is None:
            return UNKNOWN_REFUND
        if answer.ok:
            return refund_state(answer.body, refund)
        known = self._ask(self._api.query_refund, refund.refund_id)
        if known is not None and known.ok:
            return refund_state(known.body, refund)
        absent = known is not None and known.status == HTTPStatus.NOT_FOUND
        return RefundState(
            status="failed" if absent and answer.code in _REFUSED_FOR_GOOD else "unknown"
        )

    def query_refund(self, refund: RefundRequest) -> RefundState:
        """Ask what became of a refund; one that WeChat Pay does not know may be sent again."""
        answer = self._ask(self._api.query_refund, refund.refund_id)
        if answer is None or not answer.ok:
            return UNKNOWN_REFUND
        return refund_state(answer.body, refund)

    def bill(self, day: date) -> Bill:
        """Fetch a day's trade bill, its SHA1 checked; from 10:00 of the next day on.

        :raises BillNotReady: not made yet, or it did not arrive whole
        """
        return wechat_pay_files.fetch(self._api, mchid=self._account.mchid, day=day)

    def read_notice(self, headers: Mapping[str, str], body: bytes) -> Notice:
        """Verify and decrypt a notification; `body` is the bytes as they came."""
        return wechat_pay_notices.read(self._exchange, self._account, headers, body)

    def notice_answer(self, ok: bool) -> tuple[int, str, str]:
        """Return (status, content type, body) that WeChat Pay wants; not ok: it sends again."""
        if ok:
            return 200, "application/json", ""
        return 500, "application/json", '{"code":"FAIL","message":"失败"}'

    def _charge_scanned(self, charge: Charge, payer_code: str) -> PaymentState:
        answer = self._ask(
            self._api.pay,
            pay_type=WeChatPayType.CODEPAY,
            payer={"auth_code": payer_code},
            scene_info={"store_info": {"out_id": charge.merchant_id}},
            **_content(charge),
        )
        if answer is not None and answer.code == "USERPAYING":
            return PaymentState(status="pending")
        if answer is None:
            return UNKNOWN
        if not answer.ok:
            return self.query(charge)
        return payment_state(answer.body, self._account, charge)

    def _look(self, charge: Charge) -> tuple[PaymentState, object]:
        """Return (state, trade type) of a charge's order."""
        answer = self._ask(self._api.query, out_trade_no=charge.order_id)
        if answer is None or not answer.ok:
            return UNKNOWN, None
        state = payment_state(answer.body, self._account, charge)
        return state, answer.body.get("trade_type")

    def _client(self, prepay_id: str) -> dict[str, str]:
        """Return what a phone gives to wx.requestPayment, signed by us."""
        timestamp, nonce = str(clock.now_ms() // 1000), secrets.token_hex(16)
        package = f"prepay_id={prepay_id}"
        signature = self._api.sign([self._account.appid, timestamp, nonce, package])
        return {
            "timeStamp": timestamp,
            "nonceStr": nonce,
            "package": package,
            "signType": "RSA",
            "paySign": signature,
        }

    def _ask(self, call: Callable[..., Answer], *args: object, **named: object) -> Answer | None:
        """Return the signed answer of a call of the package; None when there is none."""
        try:
            return call(*args, **named)
        except NoAnswer:
            return None


def _content(charge: Charge) -> dict[str, object]:
    return {
        "out_trade_no": charge.order_id,
        "description": _cut(charge.description, DESCRIPTION_MAX_BYTES),
        "amount": {"total": charge.amount_fen, "currency": "CNY"},
    }


def _closed(charge: Charge) -> PaymentState:
    return PaymentState(status="closed", reference=charge.reference)


def _is_settled(charge: Charge) -> bool:
    """Tell whether what we sent to begin with a charge has surely arrived, or never will."""
    return clock.now() >= charge.created_at + SETTLED_AFTER


def _cut(text: str, max_bytes: int) -> str:
    """Return the beginning of a text that fits, with no half character."""
    return text.encode()[:max_bytes].decode(errors="ignore")
