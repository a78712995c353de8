"""Stand-in of WeChat Pay v3, a process of its own; it listens on loopback only.

    python -m backend.gateways.standins.wechat_pay_api --port 0 --appid wx… --mchid 19… …

It prints `listening on http://127.0.0.1:PORT` when it is ready. As no payer is here, control routes
play him and WeChat Pay's own moods: `wechat_pay_control.py`; the common ones are in `control.py`.
"""

import hashlib
import json
import re
import secrets
import threading
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path

import click
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from flask import Flask, Response, jsonify, request

from backend import clock
from backend.clock import CHINA
from backend.gateways.standins import wechat_pay_control
from backend.gateways.standins.control import PREFIX, Control, install
from backend.gateways.standins.serving import serve
from backend.gateways.standins.wechat_pay_bill_file import bill_of, packed
from backend.gateways.standins.wechat_pay_control import Moods, finish
from backend.gateways.standins.wechat_pay_keys import Keys, Unauthorized
from backend.gateways.standins.wechat_pay_notices import Notices
from backend.gateways.standins.wechat_pay_state import PayState, Refund, Refused

DOWNLOAD = "/v3/billdownload/file"
DOWNLOAD_WITHIN_S = 30
BILL_READY_AT = time(10)
_SHOWN_FIELDS = frozenset({"out_trade_no", "out_refund_no", "bill_date", "mchid", "time_expire"})
_NUMBER = re.compile(r"[0-9A-Za-z_|*-]{6,32}")
_WALLET_CODE = re.compile(r"1[0-5][0-9]{16}")


def create_app(keys: Keys, *, refund_within_s: float | None) -> Flask:
    """Return the stand-in for one merchant number.

    :param refund_within_s: how long a refund is being worked on; None: until a control call ends it
    """
    app = Flask(__name__)
    app.json.ensure_ascii = False  # type: ignore[attr-defined]  # Flask's default provider has it
    control = Control(shown_fields=_SHOWN_FIELDS)
    state = PayState(appid=keys.appid, mchid=keys.mchid, clock=control.clock)
    moods = Moods()
    notices = Notices(keys, control.clock)

    def began(refund: Refund) -> None:
        if refund_within_s is not None:
            ending = threading.Timer(refund_within_s, finish, (refund, state, notices))
            ending.daemon = True
            ending.start()

    install(app, control, errcode_body=lambda number: {"code": f"ERROR_{number}"})
    _guard(app, keys, control, moods)
    _add_orders(app, state)
    _add_code_payments(app, state)
    _add_refunds(app, state, began)
    _add_bills(app, state, moods)
    wechat_pay_control.install(app, state, moods, notices)
    return app


def _guard(app: Flask, keys: Keys, control: Control, moods: Moods) -> None:
    @app.before_request
    def check() -> Response | None:
        if request.path.startswith(PREFIX):
            return None
        try:
            keys.check(
                request.headers.get("Authorization", ""),
                method=request.method,
                path=request.full_path.rstrip("?"),
                body=request.get_data(),
                now_s=control.clock.unix_s(),
            )
        except Unauthorized as why:
            return _error(Refused(401, "SIGN_ERROR", str(why)))
        refused = moods.refusal(request.path)
        return None if refused is None else _error(refused)

    @app.after_request
    def sign(response: Response) -> Response:
        # A 502 comes from in front of the API, and who is not known gets no signature.
        unsigned = request.path.startswith((PREFIX, DOWNLOAD)) or response.status_code in (401, 502)
        if not unsigned:
            body = b"" if response.status_code == 204 else response.get_data()
            headers = keys.signed(body, now_s=control.clock.unix_s())
            response.headers.update(moods.spoil(request.path, headers))
        return response

    @app.errorhandler(Refused)
    def refuse(refused: Refused) -> Response:
        return _error(refused)


def _error(refused: Refused) -> Response:
    response = jsonify({"code": refused.code, "message": refused.message})
    response.status_code = refused.status
    return response


def _asked(state: PayState, *, appid: bool = True) -> dict:
    """Return a request's words once they have the form that WeChat Pay wants."""
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        raise Refused(400, "PARAM_ERROR", "请求体不是 JSON 对象")
    if body.get("mchid") != state.mchid or (appid and body.get("appid") != state.appid):
        raise Refused(400, "APPID_MCHID_NOT_MATCH", "appid 与 mchid 不匹配")
    return body


def _order_asked(state: PayState) -> dict:
    body = _asked(state)
    amount, description = body.get("amount"), body.get("description")
    total = amount.get("total") if isinstance(amount, dict) else None
    if type(total) is not int or total < 1:
        raise Refused(400, "PARAM_ERROR", "/amount/total")
    if not isinstance(description, str) or not 1 <= len(description) <= 127:
        raise Refused(400, "PARAM_ERROR", "/description")
    if not _NUMBER.fullmatch(str(body.get("out_trade_no"))):
        raise Refused(400, "PARAM_ERROR", "/out_trade_no")
    return body


def _add_orders(app: Flask, state: PayState) -> None:
    @app.post("/v3/pay/transactions/jsapi")
    def jsapi() -> Response:
        body = _order_asked(state)
        openid = (body.get("payer") or {}).get("openid")
        if not openid or not str(body.get("notify_url", "")).startswith("http"):
            raise Refused(400, "PARAM_ERROR", "/payer/openid, /notify_url")
        with state.lock:
            return jsonify({"prepay_id": state.place("JSAPI", body).handle})

    @app.post("/v3/pay/transactions/native")
    def native() -> Response:
        body = _order_asked(state)
        if "payer" in body or not str(body.get("notify_url", "")).startswith("http"):
            raise Refused(400, "PARAM_ERROR", "/payer, /notify_url")
        with state.lock:
            return jsonify({"code_url": state.place("NATIVE", body).handle})

    @app.get("/v3/pay/transactions/out-trade-no/<number>")
    def query(number: str) -> Response:
        if request.args.get("mchid") != state.mchid:
            raise Refused(400, "PARAM_ERROR", "mchid")
        with state.lock:
            return jsonify(state.words(state.order(number)))

    @app.post("/v3/pay/transactions/out-trade-no/<number>/close")
    def close(number: str) -> tuple[str, int]:
        _asked(state, appid=False)
        with state.lock:
            state.close(number)
        return "", 204


def _add_code_payments(app: Flask, state: PayState) -> None:
    @app.post("/v3/pay/transactions/codepay")
    def codepay() -> tuple[Response, int]:
        body = _order_asked(state)
        code = (body.get("payer") or {}).get("auth_code")
        if not _WALLET_CODE.fullmatch(str(code)):
            raise Refused(400, "PARAM_ERROR", "/payer/auth_code")
        store = (body.get("scene_info") or {}).get("store_info")
        if not isinstance(store, dict) or not (store.get("id") or store.get("out_id")):
            raise Refused(400, "PARAM_ERROR", "/scene_info/store_info")
        with state.lock:
            order = state.scan(body)
            if order.state == "USERPAYING":
                return jsonify({"code": "USERPAYING", "message": "需要用户输入支付密码"}), 202
            return jsonify(state.words(order)), 200

    @app.post("/v3/pay/transactions/out-trade-no/<number>/reverse")
    def reverse(number: str) -> Response:
        _asked(state)
        with state.lock:
            state.reverse(number)
        return jsonify({"mchid": state.mchid, "out_trade_no": number})


def _add_refunds(app: Flask, state: PayState, began: Callable[[Refund], None]) -> None:
    @app.post("/v3/refund/domestic/refunds")
    def refund() -> Response:
        body = request.get_json(force=True, silent=True)
        if not isinstance(body, dict) or not isinstance(body.get("amount"), dict):
            raise Refused(400, "PARAM_ERROR", "/amount")
        if not {"out_refund_no", "out_trade_no"} <= body.keys() or len(body["out_refund_no"]) > 64:
            raise Refused(400, "PARAM_ERROR", "/out_refund_no, /out_trade_no")
        with state.lock:
            new = str(body["out_refund_no"]) not in state.refunds
            made = state.refund(body)
            told = made.answer()
        if new:
            began(made)
        return jsonify(told)

    @app.get("/v3/refund/domestic/refunds/<number>")
    def query_refund(number: str) -> Response:
        with state.lock:
            found = state.refunds.get(number)
            if found is None:
                raise Refused(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
            return jsonify(found.answer())


def _add_bills(app: Flask, state: PayState, moods: Moods) -> None:
    files: dict[str, tuple[float, bytes]] = {}

    @app.get("/v3/bill/tradebill")
    def trade_bill() -> Response:
        now = clock.from_s(state.clock.unix_s())
        try:
            day = date.fromisoformat(request.args.get("bill_date", ""))
        except ValueError:
            raise Refused(400, "PARAM_ERROR", "bill_date") from None
        if day >= now.date():
            raise Refused(400, "PARAM_ERROR", "bill_date 须早于今天")
        if now < datetime.combine(day + timedelta(days=1), BILL_READY_AT, CHINA):
            raise Refused(400, "STATEMENT_CREATING", "账单生成中")
        with state.lock:
            content = bill_of(state, day)
        if content is None:
            raise Refused(400, "NO_STATEMENT_EXIST", "账单文件不存在")
        token = secrets.token_hex(16)
        files[token] = (state.clock.now_s() + DOWNLOAD_WITHIN_S, packed(content))
        link = f"{request.host_url.rstrip('/')}{DOWNLOAD}?token={token}"
        digest = hashlib.sha1(content, usedforsecurity=False).hexdigest()
        return jsonify({"hash_type": "SHA1", "hash_value": digest, "download_url": link})

    @app.get(DOWNLOAD)
    def download() -> Response:
        ends_at_s, content = files.get(request.args.get("token", ""), (0.0, b""))
        if ends_at_s <= state.clock.now_s():
            raise Refused(404, "RESOURCE_NOT_EXISTS", "下载链接已失效")
        return Response(moods.spoil_file(DOWNLOAD, content), mimetype="application/octet-stream")


@click.command()
@click.option("--port", type=int, required=True, help="0: any free port, told on standard output.")
@click.option("--keys", "keys_file", type=click.Path(path_type=Path), required=True)
@click.option("--refund-within-s", type=float, help="Without it, refunds end by a control call.")
@click.option("--clock-offset-s", type=float, default=0.0, help="As the application's clock.")
def main(port: int, keys_file: Path, refund_within_s: float | None, clock_offset_s: float) -> None:
    """Serve the stand-in of WeChat Pay until terminated.

    The file of keys is JSON: appid, mchid, cert_serial, api_v3_key, public_key_id, and as PEM texts
    merchant_private_key and platform_private_key. A file, because a command line is everybody's.
    """
    clock.use(clock.Clock(clock_offset_s))
    serve(create_app(read_keys(keys_file), refund_within_s=refund_within_s), port)


def read_keys(file: Path) -> Keys:
    """Return the keys of a file; see `main`."""
    given = json.loads(file.read_text(encoding="utf-8"))
    return Keys(
        appid=given["appid"],
        mchid=given["mchid"],
        cert_serial=given["cert_serial"],
        api_v3_key=given["api_v3_key"],
        public_key_id=given["public_key_id"],
        merchant_key=_private_key(given["merchant_private_key"]).public_key(),
        platform_key=_private_key(given["platform_private_key"]),
    )


def _private_key(pem: str) -> RSAPrivateKey:
    key = load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, RSAPrivateKey):
        raise click.ClickException("wants RSA keys")
    return key


if __name__ == "__main__":
    main()
