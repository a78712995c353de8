"""Stand-in of api.weixin.qq.com, a process of its own; it listens on loopback only.

    python -m backend.gateways.standins.wechat_api --port 0 --appid wx… --secret …

It prints `listening on http://127.0.0.1:PORT` when it is ready. As no phone is here, control
routes play the phone: `POST /_standin/wx-login`, `/_standin/phone-number`,
`/_standin/subscribe`; the others are in `control.py`.
"""

import io
import re
import secrets

import click
import qrcode
from flask import Flask, Response, abort, jsonify, request
from PIL import Image

from backend import clock
from backend.gateways.standins.control import PREFIX, Control, body_object, install
from backend.gateways.standins.serving import serve
from backend.gateways.standins.wechat_messages import bad_field
from backend.gateways.standins.wechat_state import Phone, Refuse, User, WeChatState

_WITHOUT_TOKEN = ("/sns/jscode2session", "/cgi-bin/token", "/cgi-bin/stable_token")
_SHOWN_FIELDS = frozenset(
    {"grant_type", "force_refresh", "scene", "page", "env_version", "width", "template_id"}
)
_SCENE_SIGNS = "!#$&'()*+,/:;=?@-._~"


def create_app(*, appid: str, secret: str) -> Flask:
    """Return the stand-in for one mini-program."""
    app = Flask(__name__)
    app.json.ensure_ascii = False  # type: ignore[attr-defined]  # Flask's default provider has it
    control = Control(shown_fields=_SHOWN_FIELDS)
    state = WeChatState(appid=appid, secret=secret, clock=control.clock)
    install(app, control, errcode_body=lambda errcode: _error(Refuse(errcode, "made to fail")))
    _guard(app, state)
    _add_login(app, state)
    _add_tokens(app, state)
    _add_user_info(app, state)
    _add_codes(app)
    _add_messages(app, state)
    _add_phone(app, state)
    return app


def _error(refused: Refuse, separator: str = " ") -> dict[str, object]:
    rid = "-".join(secrets.token_hex(4) for _ in range(3))
    return {"errcode": refused.errcode, "errmsg": f"{refused.errmsg}{separator}rid: {rid}"}


def _guard(app: Flask, state: WeChatState) -> None:
    @app.before_request
    def want_token() -> None:
        if not request.path.startswith(PREFIX) and request.path not in _WITHOUT_TOKEN:
            with state.lock:
                state.tokens.check(request.args.get("access_token"))

    @app.errorhandler(Refuse)
    def refuse(refused: Refuse) -> Response:
        return jsonify(_error(refused))

    @app.errorhandler(404)
    def unknown_path(_error_404: Exception) -> Response:
        return jsonify(_error(Refuse(40066, "invalid url")))


def _json_body() -> dict:
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        raise Refuse(47001, "data format error")
    return body


def _add_login(app: Flask, state: WeChatState) -> None:
    def session_of(query: dict[str, str]) -> dict[str, object]:
        with state.lock:
            state.check_app(appid=query.get("appid"), secret=query.get("secret"))
            if query.get("grant_type") != "authorization_code":
                raise Refuse(40002, "invalid grant_type")
            user = state.js_codes.spend(query.get("js_code"))
            return {"session_key": user.session_key, "openid": user.openid}

    @app.get("/sns/jscode2session")
    def code_to_session() -> Response:
        try:
            answer = session_of(request.args.to_dict())
        except Refuse as refused:
            answer = _error(refused, ", ")
        response = jsonify(answer)
        response.mimetype = "text/plain"  # as the real one labels its JSON
        return response

    @app.get("/wxa/checksession")
    def check_session() -> Response:
        with state.lock:
            _signed_user(state)
        return jsonify({"errcode": 0, "errmsg": "ok"})

    @app.get("/wxa/resetusersessionkey")
    def reset_session_key() -> Response:
        with state.lock:
            user = _signed_user(state)
            state.renew_session_key(user)
            key = {"openid": user.openid, "session_key": user.session_key}
        return jsonify({"errcode": 0, "errmsg": "ok", **key})


def _signed_user(state: WeChatState) -> User:
    user = state.by_openid(request.args.get("openid"))
    state.check_signature(
        user, signature=request.args.get("signature"), method=request.args.get("sig_method")
    )
    return user


def _add_tokens(app: Flask, state: WeChatState) -> None:
    def check(given: dict) -> None:
        if given.get("grant_type") != "client_credential":
            raise Refuse(40002, "invalid grant_type")
        state.check_app(appid=given.get("appid"), secret=given.get("secret"))

    @app.get("/cgi-bin/token")
    def plain_token() -> Response:
        with state.lock:
            check(request.args.to_dict())
            token, expires_in_s = state.tokens.new_plain()
        return jsonify({"access_token": token, "expires_in": expires_in_s})

    @app.post("/cgi-bin/stable_token")
    def stable_token() -> Response:
        body = _json_body()
        with state.lock:
            check(body)
            token, expires_in_s = state.tokens.stable(
                force_refresh=body.get("force_refresh") is True
            )
        return jsonify({"access_token": token, "expires_in": expires_in_s})

    @app.post(f"{PREFIX}revoke-tokens")
    def revoke_tokens() -> Response:
        with state.lock:
            state.tokens.revoke_all()
        return jsonify({})


def _add_user_info(app: Flask, state: WeChatState) -> None:
    @app.post("/wxa/business/getuserphonenumber")
    def phone_number() -> Response:
        body = _json_body()
        with state.lock:
            phone = state.phone_codes.look(body.get("code"))
            if body.get("openid") not in (None, phone.owner_openid):
                raise Refuse(40029, "invalid code")  # and stays its owner's, unspent
            state.phone_codes.spend(body.get("code"))
        info = phone.info(appid=state.appid, unix_s=state.clock.unix_s())
        return jsonify({"errcode": 0, "errmsg": "ok", "phone_info": info})


def _add_codes(app: Flask) -> None:
    @app.post("/wxa/getwxacodeunlimit")
    def mini_program_code() -> Response:
        body = _json_body()
        scene, page = body.get("scene"), body.get("page", "")
        if not isinstance(scene, str) or not 1 <= len(scene) <= 32:
            raise Refuse(40169, "invalid length for scene, or the data is not json string")
        if not all(c.isascii() and (c.isalnum() or c in _SCENE_SIGNS) for c in scene):
            raise Refuse(40129, "invalid scene")
        if not isinstance(page, str) or not re.fullmatch(r"(?!/)[^?#\s]*", page):
            raise Refuse(41030, "invalid page")
        width = body.get("width", 430)
        if not isinstance(width, int) or not 280 <= width <= 1280:
            raise Refuse(40097, "invalid args")
        kind = "PNG" if body.get("is_hyaline") is True else "JPEG"
        picture = _draw(f"wxacode:{page}?scene={scene}", width, kind)
        return Response(picture, mimetype=f"image/{kind.lower()}")


def _draw(text: str, width_px: int, kind: str) -> bytes:
    """Return a picture to scan. An ordinary QR: only WeChat can draw or read its round code."""
    drawn: Image.Image = qrcode.make(text).get_image().convert("L")
    out = io.BytesIO()
    drawn.resize((width_px, width_px), Image.Resampling.NEAREST).save(out, kind)
    return out.getvalue()


def _add_messages(app: Flask, state: WeChatState) -> None:
    @app.post("/cgi-bin/message/subscribe/send")
    def send() -> Response:
        body = _json_body()
        with state.lock:
            user = state.by_openid(body.get("touser"))
            template_id = body.get("template_id")
            if not template_id or not isinstance(template_id, str):
                raise Refuse(40037, "invalid template_id")
            if at := bad_field(body.get("data")):
                raise Refuse(47003, f"argument invalid! {at} invalid")
            if state.permissions[user.openid, template_id] < 1:
                raise Refuse(43101, "user refuse to accept the msg")
            state.permissions[user.openid, template_id] -= 1
            sent = {"user": user.name, "page": body.get("page"), "data": body["data"]}
            state.messages.append({"template_id": template_id, **sent})
        return jsonify({"errcode": 0, "errmsg": "ok"})

    @app.post(f"{PREFIX}subscribe")
    def accept() -> Response:
        """The user taps 允许 once: one message of this template may be sent."""
        asked = body_object()
        with state.lock:
            user = state.user(_user_name(asked))
            state.permissions[user.openid, str(asked.get("template_id"))] += 1
        return jsonify({"openid": user.openid})

    @app.get(f"{PREFIX}messages")
    def list_messages() -> Response:
        with state.lock:
            return jsonify(list(state.messages))


def _add_phone(app: Flask, state: WeChatState) -> None:
    @app.post(f"{PREFIX}wx-login")
    def wx_login() -> Response:
        """wx.login on this user's phone; `new_session_key`: this login replaces the key."""
        asked = body_object()
        with state.lock:
            user = state.user(_user_name(asked))
            if asked.get("new_session_key") is True:
                state.renew_session_key(user)
            return jsonify({"js_code": state.js_codes.issue(user)})

    @app.post(f"{PREFIX}phone-number")
    def tap_phone_number() -> Response:
        """A tap on the phone-number button; `country_code` other than 86: a foreign number."""
        asked = body_object()
        with state.lock:
            user = state.user(_user_name(asked))
            number = str(asked.get("phone") or state.made_up_phone(user))
            phone = Phone(user.openid, number, str(asked.get("country_code") or "86"))
            info = phone.info(appid=state.appid, unix_s=state.clock.unix_s())
            code = state.phone_codes.issue(phone)
            return jsonify({"code": code, "phone": number, **state.encrypt_for(user, info)})


def _user_name(asked: dict) -> str:
    name = asked.get("user")
    if not isinstance(name, str) or not 1 <= len(name) <= 64:
        abort(400, "wants a user of 1 to 64 characters")
    return name


@click.command()
@click.option("--port", type=int, required=True, help="0: any free port, told on standard output.")
@click.option("--appid", required=True)
@click.option("--secret", required=True)
@click.option("--clock-offset-s", type=float, default=0.0, help="As the application's clock.")
def main(port: int, appid: str, secret: str, clock_offset_s: float) -> None:
    """Serve the stand-in of api.weixin.qq.com until terminated."""
    clock.use(clock.Clock(clock_offset_s))
    serve(create_app(appid=appid, secret=secret), port)


if __name__ == "__main__":
    main()
