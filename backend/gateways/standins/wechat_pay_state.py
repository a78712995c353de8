"""What the stand-in of WeChat Pay remembers: orders and refunds, and how they may change."""

import secrets
import threading
from dataclasses import dataclass, field
from datetime import datetime

from backend import clock
from backend.gateways.standins.control import StandinClock

PASSWORD_ABOVE_FEN = 100_000  # a scanned payer types a password above 1,000 yuan
CODE_PAYMENT = "MICROPAY"
_PAID = ("SUCCESS", "REFUND")
_STATES = {
    "SUCCESS": "支付成功",
    "REFUND": "转入退款",
    "NOTPAY": "订单未支付",
    "CLOSED": "订单已关闭",
    "REVOKED": "订单已撤销",
    "USERPAYING": "用户支付中",
    "PAYERROR": "支付失败",
}


class Refused(Exception):
    """The stand-in answers this error."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


@dataclass
class Refund:
    """One refund under the merchant's number; amounts in fen."""

    out_refund_no: str
    order: "Transaction"
    amount_fen: int
    notify_url: str | None
    created_at_s: int
    refund_id: str
    status: str = "PROCESSING"

    def answer(self) -> dict[str, object]:
        order = self.order
        return {
            "refund_id": self.refund_id,
            "out_refund_no": self.out_refund_no,
            "transaction_id": order.transaction_id,
            "out_trade_no": order.out_trade_no,
            "channel": "ORIGINAL",
            "status": self.status,
            "create_time": rfc3339(self.created_at_s),
            "amount": {"total": order.total_fen, "refund": self.amount_fen, "currency": "CNY"},
        }


@dataclass
class Transaction:
    """One order under the merchant's number. `content` is what it was made of: asked for again
    with other content it is refused."""

    out_trade_no: str
    kind: str
    content: dict[str, object]
    total_fen: int
    notify_url: str | None
    expires_at_s: float
    state: str = "NOTPAY"
    openid: str | None = None
    handle: str = ""  # prepay_id or code_url
    transaction_id: str | None = None
    paid_at_s: int | None = None
    refunds: list[Refund] = field(default_factory=list)

    @property
    def refunded_fen(self) -> int:
        return sum(refund.amount_fen for refund in self.refunds if refund.status != "CLOSED")


class PayState:
    """All that the stand-in remembers. Hold `lock` around any use."""

    def __init__(self, *, appid: str, mchid: str, clock: StandinClock) -> None:
        self.appid = appid
        self.mchid = mchid
        self.clock = clock
        self.lock = threading.RLock()
        self.orders: dict[str, Transaction] = {}
        self.refunds: dict[str, Refund] = {}
        self._used_codes: set[str] = set()

    def order(self, out_trade_no: str) -> Transaction:
        found = self.orders.get(out_trade_no)
        if found is None:
            raise Refused(404, "ORDER_NOT_EXIST", "订单不存在")
        if found.state == "NOTPAY" and found.expires_at_s <= self.clock.unix_s():
            found.state = "CLOSED"
        return found

    def place(self, kind: str, asked: dict) -> Transaction:
        """Return the order of these words: a new one, or the same again."""
        number = str(asked["out_trade_no"])
        if number in self.orders:
            old = self.order(number)
            if old.state in ("CLOSED", "REVOKED"):
                raise Refused(400, "ORDER_CLOSED", "该订单已关闭")
            if old.state != "NOTPAY" or (old.kind, old.content) != (kind, asked):
                raise Refused(403, "OUT_TRADE_NO_USED", "商户订单号重复")
            return old
        ends = asked.get("time_expire")
        ends_at_s = datetime.fromisoformat(ends).timestamp() if isinstance(ends, str) else None
        now_s = self.clock.unix_s()
        if ends_at_s is not None and ends_at_s <= now_s:
            raise Refused(400, "PARAM_ERROR", "time_expire 已过")
        made = Transaction(
            out_trade_no=number,
            kind=kind,
            content=asked,
            total_fen=asked["amount"]["total"],
            notify_url=asked.get("notify_url"),
            expires_at_s=ends_at_s or now_s + 7200,
            openid=(asked.get("payer") or {}).get("openid"),
        )
        made.handle = (
            f"weixin://wxpay/bizpayurl?pr={secrets.token_urlsafe(6)}"
            if kind == "NATIVE"
            else f"wx{now_s}{secrets.token_hex(12)}"
        )
        self.orders[number] = made
        return made

    def scan(self, asked: dict) -> Transaction:
        """Charge a scanned payer: paid at once, or USERPAYING above 1,000 yuan."""
        code = str((asked.get("payer") or {}).get("auth_code"))
        number = str(asked["out_trade_no"])
        if number in self.orders:
            raise Refused(403, "OUT_TRADE_NO_USED", "商户订单号重复")
        if code in self._used_codes:
            raise Refused(400, "AUTH_CODE_EXPIRED", "二维码已过期，请刷新后再试")
        self._used_codes.add(code)
        made = self.place(CODE_PAYMENT, asked)
        if made.total_fen > PASSWORD_ABOVE_FEN:
            made.state = "USERPAYING"
        else:
            self.pay(made)
        return made

    def pay(self, order: Transaction, *, amount_fen: int | None = None) -> None:
        """The payer pays. `amount_fen`: WeChat Pay would say another amount from here on."""
        if order.state not in ("NOTPAY", "USERPAYING"):
            raise Refused(400, "ORDER_CLOSED", f"订单状态为 {order.state}")
        if amount_fen is not None:
            order.total_fen = amount_fen
        order.state, order.paid_at_s = "SUCCESS", self.clock.unix_s()
        order.transaction_id = f"42{secrets.randbelow(10**26):026d}"
        order.openid = order.openid or f"o{secrets.token_urlsafe(20)}"

    def close(self, number: str) -> None:
        order = self.order(number)
        if order.state in _PAID:
            raise Refused(400, "ORDERPAID", "订单已支付")  # spelled as older pages have it
        if order.kind == CODE_PAYMENT:
            raise Refused(400, "INVALID_REQUEST", "付款码支付订单请调用撤销接口")
        if order.state != "NOTPAY":
            raise Refused(400, "ORDER_CLOSED", "该订单已关闭")
        order.state = "CLOSED"

    def reverse(self, number: str) -> None:
        """Undo a scanned payer's order; what was paid goes back."""
        order = self.order(number)
        if order.kind != CODE_PAYMENT:
            raise Refused(400, "INVALID_REQUEST", "仅支持付款码支付订单")
        order.state = "REVOKED"

    def refund(self, asked: dict) -> Refund:
        """Return the refund of these words; the same number with the same words is the same."""
        number, amount = str(asked["out_refund_no"]), asked["amount"]
        order = self.order(str(asked["out_trade_no"]))
        if old := self.refunds.get(number):
            if (old.order, old.amount_fen) != (order, amount["refund"]):
                raise Refused(400, "INVALID_REQUEST", "订单信息不一致")
            return old
        if order.state not in _PAID or amount["total"] != order.total_fen:
            raise Refused(400, "INVALID_REQUEST", "订单未支付或订单金额不一致")
        if not 0 < amount["refund"] <= order.total_fen - order.refunded_fen:
            raise Refused(400, "INVALID_REQUEST", "退款金额超过可退金额")
        made = Refund(
            out_refund_no=number,
            order=order,
            amount_fen=amount["refund"],
            notify_url=asked.get("notify_url"),
            created_at_s=self.clock.unix_s(),
            refund_id=f"50{secrets.randbelow(10**27):027d}",
        )
        order.state = "REFUND"
        order.refunds.append(made)
        self.refunds[number] = made
        return made

    def words(self, order: Transaction) -> dict[str, object]:
        """Return the transaction as queries and notifications tell it."""
        told: dict[str, object] = {
            "appid": self.appid,
            "mchid": self.mchid,
            "out_trade_no": order.out_trade_no,
            "trade_state": order.state,
            "trade_state_desc": _STATES[order.state],
            "amount": {"total": order.total_fen, "currency": "CNY"},
        }
        if order.state in _PAID and order.paid_at_s is not None:
            told |= {
                "transaction_id": order.transaction_id,
                "bank_type": "OTHERS",
                "attach": "",
                "success_time": rfc3339(order.paid_at_s),
                "amount": {
                    "total": order.total_fen,
                    "payer_total": order.total_fen,
                    "currency": "CNY",
                    "payer_currency": "CNY",
                },
            }
        if order.state in (*_PAID, "USERPAYING", "PAYERROR", "REVOKED"):
            told |= {"trade_type": order.kind, "payer": {"openid": order.openid}}
        return told


def rfc3339(unix_s: int) -> str:
    """Return seconds since 1970 UTC as WeChat Pay writes times: in China's zone."""
    return clock.from_s(unix_s).isoformat(timespec="seconds")
