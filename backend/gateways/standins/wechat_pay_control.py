"""Control routes of the stand-in of WeChat Pay: the payer, and what can go wrong with answers.

`POST /_standin/pay`, `/_standin/fail-payment`, `/_standin/finish-refunds`, `/_standin/send`,
`/_standin/moods`; `GET /_standin/orders`, `/_standin/refunds`, `/_standin/deliveries`.
"""

import gzip
import secrets
import threading
from dataclasses import dataclass, field
from typing import get_args

from flask import Flask, Response, abort, jsonify

from backend.gateways.standins.control import PREFIX, body_object
from backend.gateways.standins.wechat_pay_notices import Event, Forgery, Notices
from backend.gateways.standins.wechat_pay_state import (
    PayState,
    Refund,
    Refused,
    Transaction,
    rfc3339,
)

PROBE = "WECHATPAY/SIGNTEST/"
SPOILED = ("unsigned", "bad_signature", "probe", "unknown_serial", "stale", "other_scheme")
MODES = ("refuse", "tampered", *SPOILED)


@dataclass
class _Mood:
    mode: str
    status: int
    code: str
    times_left: int | None


@dataclass
class Moods:
    """How the next answers of a path come out: refused, or with a spoiled signature or file."""

    _moods: dict[str, _Mood] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def set(self, path: str, mood: _Mood) -> None:
        with self._lock:
            self._moods[path] = mood

    def clear(self) -> None:
        with self._lock:
            self._moods.clear()

    def refusal(self, path: str) -> Refused | None:
        mood = self._take(path, ("refuse",))
        return None if mood is None else Refused(mood.status, mood.code, "made to fail")

    def spoil_file(self, path: str, content: bytes) -> bytes:
        """Return a gzipped file as the path's mood leaves it: well formed, and not as announced."""
        if self._take(path, ("tampered",)) is None:
            return content
        return gzip.compress(gzip.decompress(content).replace(b"OTHERS", b"ICBC", 1))

    def spoil(self, path: str, headers: dict[str, str]) -> dict[str, str]:
        """Return a signature's headers as the path's mood leaves them."""
        mood = self._take(path, SPOILED)
        if mood is None:
            return headers
        if mood.mode == "unsigned":
            return {}
        old_s = int(headers["Wechatpay-Timestamp"]) - 600
        changed = {
            "bad_signature": {"Wechatpay-Nonce": secrets.token_hex(16)},
            "probe": {"Wechatpay-Signature": PROBE + headers["Wechatpay-Signature"]},
            "unknown_serial": {"Wechatpay-Serial": secrets.token_hex(20).upper()},
            "stale": {"Wechatpay-Timestamp": str(old_s)},
            "other_scheme": {"Wechatpay-Signature-Type": "WECHATPAY2-SM2-WITH-SM3"},
        }
        return headers | changed[mood.mode]

    def _take(self, path: str, modes: tuple[str, ...]) -> _Mood | None:
        with self._lock:
            mood = self._moods.get(path)
            if mood is None or mood.mode not in modes:
                return None
            if mood.times_left is not None:
                mood.times_left -= 1
                if mood.times_left <= 0:
                    del self._moods[path]
            return mood


def install(app: Flask, state: PayState, moods: Moods, notices: Notices) -> None:
    """Add the control routes."""
    _add_payer(app, state, notices)
    _add_refunds(app, state, notices)
    _add_notices(app, notices)

    @app.post(f"{PREFIX}moods")
    def set_mood() -> Response:
        asked = body_object()
        mode, times = str(asked.get("mode")), asked.get("times")
        if mode not in MODES:
            abort(400, f"wants a mode of {', '.join(MODES)}")
        status, code = int(asked.get("status") or 400), str(asked.get("code") or "PARAM_ERROR")
        moods.set(str(asked.get("path")), _Mood(mode, status, code, times and int(times)))
        return jsonify({})

    @app.delete(f"{PREFIX}moods")
    def clear_moods() -> Response:
        moods.clear()
        return jsonify({})


def _add_payer(app: Flask, state: PayState, notices: Notices) -> None:
    @app.post(f"{PREFIX}pay")
    def pay() -> Response:
        """The payer pays; `amount_fen`: a wrong amount; `notify` false: nobody is told."""
        asked = body_object()
        with state.lock:
            order = state.order(str(asked.get("out_trade_no")))
            state.pay(order, amount_fen=asked.get("amount_fen"))
            words = state.words(order)
        if order.notify_url is not None:
            event = _event("TRANSACTION.SUCCESS", order.notify_url, words, state)
            if asked.get("notify") is False:
                notices.kept(event)
            else:
                notices.happened(event, delay_s=float(asked.get("delay_s") or 0))
        return jsonify(words)

    @app.post(f"{PREFIX}fail-payment")
    def fail_payment() -> Response:
        """A scanned payer types a wrong password, or his bank says no."""
        with state.lock:
            order = state.order(str(body_object().get("out_trade_no")))
            if order.state != "USERPAYING":
                abort(400, f"the order is {order.state}")
            order.state = "PAYERROR"
        return jsonify({})

    @app.get(f"{PREFIX}orders")
    def list_orders() -> Response:
        with state.lock:
            return jsonify([_shown(order) for order in state.orders.values()])


def _shown(order: Transaction) -> dict[str, object]:
    told = {"out_trade_no": order.out_trade_no, "kind": order.kind, "state": order.state}
    amounts = {"total_fen": order.total_fen, "refunded_fen": order.refunded_fen}
    return {**told, **amounts, "handle": order.handle}


def _add_refunds(app: Flask, state: PayState, notices: Notices) -> None:
    @app.post(f"{PREFIX}finish-refunds")
    def finish_refunds() -> Response:
        """What is being refunded ends: `status` SUCCESS, ABNORMAL or CLOSED; `notify` as above."""
        asked = body_object()
        status, tell = str(asked.get("status") or "SUCCESS"), asked.get("notify") is not False
        if status not in ("SUCCESS", "ABNORMAL", "CLOSED"):
            abort(400, "wants SUCCESS, ABNORMAL or CLOSED")
        with state.lock:
            waiting = [r for r in state.refunds.values() if r.status == "PROCESSING"]
            for refund in waiting:
                finish(refund, state, notices, status=status, tell=tell)
        return jsonify([refund.out_refund_no for refund in waiting])

    @app.get(f"{PREFIX}refunds")
    def list_refunds() -> Response:
        with state.lock:
            return jsonify(
                [
                    {"out_refund_no": number, "amount_fen": refund.amount_fen}
                    | {"out_trade_no": refund.order.out_trade_no, "status": refund.status}
                    for number, refund in state.refunds.items()
                ]
            )


def finish(
    refund: Refund,
    state: PayState,
    notices: Notices,
    *,
    status: str = "SUCCESS",
    tell: bool = True,
) -> None:
    """End a refund that is being worked on, and tell it. Any other is left as it is."""
    with state.lock:
        if refund.status != "PROCESSING":
            return
        refund.status = status
        words = _refund_words(refund, state)
    if refund.notify_url is not None:
        event = _event(f"REFUND.{status}", refund.notify_url, words, state)
        (notices.happened if tell else notices.kept)(event)


def _refund_words(refund: Refund, state: PayState) -> dict[str, object]:
    told = refund.answer()
    return {
        "mchid": state.mchid,
        **{name: told[name] for name in ("out_trade_no", "transaction_id", "out_refund_no")},
        "refund_id": refund.refund_id,
        "refund_status": refund.status,
        "success_time": rfc3339(state.clock.unix_s()),
        "user_received_account": "支付用户零钱",
        "amount": {"total": refund.order.total_fen, "refund": refund.amount_fen},
    }


def _event(kind: str, url: str, words: dict[str, object], state: PayState) -> Event:
    return Event(secrets.token_hex(16), kind, url, rfc3339(state.clock.unix_s()), words)


def _add_notices(app: Flask, notices: Notices) -> None:
    @app.post(f"{PREFIX}send")
    def send() -> Response:
        """Send the events so far, each `copies` times, together; `shuffle`, `forgery`."""
        asked = body_object()
        forgery = asked.get("forgery")
        if forgery not in (None, *get_args(Forgery)):
            abort(400, f"wants a forgery of {', '.join(get_args(Forgery))}")
        statuses = notices.send_all(
            copies=int(asked.get("copies") or 1),
            shuffle=asked.get("shuffle") is True,
            forgery=forgery,
            of=asked.get("out_trade_no"),
        )
        return jsonify({"statuses": statuses})

    @app.get(f"{PREFIX}deliveries")
    def list_deliveries() -> Response:
        return jsonify(list(notices.list_deliveries()))
