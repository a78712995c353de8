"""Stand-in of UnionPay's ACP gateway, a process of its own; it listens on loopback only.

    python -m backend.gateways.standins.unionpay_api --port 0 --merchant-number … --keys FOLDER

It prints `listening on http://127.0.0.1:PORT` when it is ready. FOLDER holds signer.pem, signer.key
and merchant.pem. As no wallet is here, control routes play it: `POST /_standin/pay` pays an order
QR, `/_standin/behaviour` says what becomes of the transactions that follow, `/_standin/answers`
spoils answers after the work was done, `/_standin/notify` repeats a notification; the others are
in `control.py`.
"""

import socket
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

import click
from flask import Flask, Response, abort, jsonify, request
from werkzeug.serving import WSGIRequestHandler, make_server

from backend import clock
from backend.clock import CHINA
from backend.gateways.payments.unionpay_calls import BACK_PATH, QUERY_PATH
from backend.gateways.payments.unionpay_files import zm_name
from backend.gateways.payments.unionpay_messages import MessageRefused, verify_signature
from backend.gateways.standins.control import PREFIX, Control, body_object, install
from backend.gateways.standins.unionpay_messages import (
    Seal,
    outcome,
    packed,
    said_back,
    text_of,
    zm_content,
)
from backend.gateways.standins.unionpay_notices import Notifier
from backend.gateways.standins.unionpay_state import (
    DONE,
    FILE_READY_AT,
    Fields,
    Refuse,
    Transaction,
    UnionPayState,
)

# No qrNo: it is a payer's.
_SHOWN_FIELDS = frozenset({"txnType", "txnSubType", "orderId", "txnTime", "txnAmt", "settleDate"})
SPOILS = ("bad_signature", "lf_certificate", "old_version", "other_order", "lost")


@dataclass
class Spoil:
    """How the next answers are spoiled after their work was done."""

    mode: str = ""
    times_left: int = 0
    path: str | None = None  # None: of any

    def take(self, path: str) -> str:
        if self.times_left <= 0 or self.path not in (None, path):
            return ""
        self.times_left -= 1
        return self.mode


class Gateway:
    """The stand-in's parts, and how it answers."""

    def __init__(self, *, merchant_number: str, seal: Seal, control: Control) -> None:
        self.seal = seal
        self.state = UnionPayState(merchant_number=merchant_number, clock=control.clock)
        self.notifier = Notifier(control.clock)
        self.spoil = Spoil()

    def asked(self) -> Fields:
        """Return the request's form, or refuse its signature or an empty field."""
        fields = request.form.to_dict()
        if fields.get("version") != "5.1.0" or any(value == "" for value in fields.values()):
            raise Refuse("10", "报文格式错误")
        if fields.get("certId") != str(self.seal.merchant_certificate.serial_number):
            raise Refuse("11", "验证签名失败")
        try:
            verify_signature(fields, self.seal.merchant_certificate)
        except MessageRefused:
            raise Refuse("11", "验证签名失败") from None
        return fields

    def answer(self, told: Fields) -> Response:
        """Sign an answer, then spoil it if the control routes asked for that."""
        mode = self.spoil.take(request.path)
        if mode == "lost":
            request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        if mode == "other_order":
            told = {**told, "orderId": "0" * 32}
        signed = self.seal.sign(told)
        if mode == "bad_signature":
            signed["respCode"] = "00" if signed["respCode"] != "00" else "05"
        elif mode == "lf_certificate":
            signed["signPubKeyCert"] = signed["signPubKeyCert"].replace("\r\n", "\n")
        elif mode == "old_version":
            signed["version"] = "5.0.0"
        return Response(text_of(signed), content_type="text/plain;charset=UTF-8")

    def notify(self, one: Transaction, *, copies: int, at_s: float) -> None:
        """Post a notification of a transaction that succeeded; failures are not notified."""

        def make() -> Fields | None:
            with self.state.lock:
                if one.code(self.state.clock.now_s()) not in DONE:
                    return None
                resp_code = one.behaviour.outcome
                return self.seal.sign({**outcome(one), "respCode": resp_code, "respMsg": "success"})

        self.notifier.later(at_s=at_s, url=one.asked["backUrl"], copies=copies, make=make)

    def notify_by_behaviour(self, one: Transaction) -> None:
        if one.ends_at_s is not None and one.behaviour.notices:
            at_s = one.ends_at_s + one.behaviour.notice_delay_s
            self.notify(one, copies=one.behaviour.notices, at_s=at_s)


def create_app(*, merchant_number: str, keys: Path) -> Flask:
    """Return the stand-in for one merchant number."""
    app = Flask(__name__)
    control = Control(shown_fields=_SHOWN_FIELDS)
    seal = Seal.of_folder(keys)
    gateway = Gateway(merchant_number=merchant_number, seal=seal, control=control)

    def made_to_fail(code: int) -> Response:
        return gateway.answer({**said_back(request.form), "respCode": f"{code:02d}"})

    install(app, control, errcode_body=made_to_fail)
    _add_gateway(app, gateway)
    _add_files(app, gateway)
    _add_wallet(app, gateway)
    _add_switches(app, gateway)
    return app


def _add_gateway(app: Flask, gateway: Gateway) -> None:
    state = gateway.state

    @app.errorhandler(Refuse)
    def refuse(refused: Refuse) -> Response:
        told = {"respCode": refused.resp_code, "respMsg": refused.resp_msg}
        return gateway.answer({**said_back(request.form), **told})

    @app.post(BACK_PATH)
    def transact() -> Response:
        asked = gateway.asked()
        with state.lock:
            one = state.accept(asked)
            told = {**said_back(asked), "queryId": one.query_id, "respCode": "00"}
            if asked.get("txnSubType") == "07":
                told["qrCode"] = _code_url(one)
            if one.asked is asked:  # a reversal is no transaction of its own
                gateway.notify_by_behaviour(one)
        return gateway.answer({**told, "respMsg": "成功[0000000]"})

    @app.post(QUERY_PATH)
    def query() -> Response:
        asked = gateway.asked()
        with state.lock:
            one = state.find(asked)
            code = one.code(state.clock.now_s()) or ""
        told = {**outcome(one), "respCode": "00", "respMsg": "成功[0000000]"}
        return gateway.answer({**told, "origRespCode": code})


def _add_files(app: Flask, gateway: Gateway) -> None:
    @app.post("/")
    def download() -> Response:
        asked = gateway.asked()
        state = gateway.state
        now = state.now()
        today = now.date()
        try:
            day = date(today.year, int(asked["settleDate"][:2]), int(asked["settleDate"][2:]))
        except (KeyError, ValueError):
            raise Refuse("10", "settleDate") from None
        if day > today:  # no year is named: the last such day
            day = day.replace(year=day.year - 1)
        ready = datetime.combine(day + timedelta(days=1), FILE_READY_AT, CHINA)
        if asked.get("txnType") != "76" or now < ready:
            raise Refuse("98", "文件不存在")
        with state.lock:
            content = zm_content(state.settled_on(day))
        name = zm_name(day, state.merchant_number)
        told = {**said_back(asked), "respCode": "00", "fileName": f"{state.merchant_number}.zip"}
        return gateway.answer({**told, "fileContent": packed(name, content)})


def _add_wallet(app: Flask, gateway: Gateway) -> None:
    state = gateway.state

    @app.post(f"{PREFIX}pay")
    def pay() -> Response:
        """The payer scans the code of an order, named by its id or its code_url, and pays."""
        asked = body_object()
        name = str(asked.get("order_id") or str(asked.get("code_url", "")).rpartition("/")[2])
        try:
            with state.lock:
                one = state.pay(name)
                gateway.notify_by_behaviour(one)
        except Refuse as refused:
            abort(409, str(refused))
        return jsonify({"query_id": one.query_id})

    @app.get(f"{PREFIX}transactions")
    def transactions() -> Response:
        with state.lock:
            now_s = state.clock.now_s()
            return jsonify(
                [
                    {"kind": one.kind, "order_id": order_id, "amount_fen": one.amount_fen}
                    | {"code": one.code(now_s), "undone": one.undone, "query_id": one.query_id}
                    for order_id, one in state.transactions.items()
                ]
            )


def _add_switches(app: Flask, gateway: Gateway) -> None:
    state = gateway.state

    @app.post(f"{PREFIX}behaviour")
    def behave() -> Response:
        """Change what is named of `Behaviour`; an empty object is the beginning again."""
        asked = body_object()
        with state.lock:
            try:
                state.behaviour = replace(type(state.behaviour)(), **asked)
            except TypeError as error:
                abort(400, str(error))
        return jsonify({})

    @app.post(f"{PREFIX}answers")
    def spoil_answers() -> Response:
        asked = body_object()
        if asked.get("mode") not in SPOILS:
            abort(400, f"wants a mode of {', '.join(SPOILS)}")
        gateway.spoil = Spoil(asked["mode"], int(asked.get("times") or 1), asked.get("path"))
        return jsonify({})

    @app.post(f"{PREFIX}notify")
    def notify_again() -> Response:
        asked = body_object()
        with state.lock:
            one = state.transactions.get(str(asked.get("order_id")))
            if one is None:
                abort(404, "no such order")
            now_s = state.clock.now_s()
            gateway.notify(one, copies=int(asked.get("copies") or 1), at_s=now_s)
        return jsonify({})

    @app.get(f"{PREFIX}deliveries")
    def deliveries() -> Response:
        return jsonify(gateway.notifier.list_deliveries())


def _code_url(one: Transaction) -> str:
    return f"https://qr.95516.com/00010000/{one.asked['orderId']}"


class _QuietHandler(WSGIRequestHandler):
    """Logs no request line."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


@click.command()
@click.option("--port", type=int, required=True, help="0: any free port, told on standard output.")
@click.option("--merchant-number", required=True)
@click.option("--keys", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--clock-offset-s", type=float, default=0.0, help="As the application's clock.")
def main(port: int, merchant_number: str, keys: Path, clock_offset_s: float) -> None:
    """Serve the stand-in of UnionPay until terminated."""
    clock.use(clock.Clock(clock_offset_s))
    app = create_app(merchant_number=merchant_number, keys=keys)
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_QuietHandler)
    click.echo(f"listening on http://127.0.0.1:{server.server_port}")
    server.serve_forever()


if __name__ == "__main__":
    main()
