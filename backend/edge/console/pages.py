"""What all pages of the console share: headers, cookies, forms that cannot be forged, refusals."""

import hashlib
import hmac
from datetime import date
from pathlib import Path

from apiflask import APIBlueprint, APIFlask
from flask import (
    Response,
    current_app,
    g,
    render_template,
    request,
    send_from_directory,
    url_for,
)
from flask_wtf import CSRFProtect
from flask_wtf.csrf import CSRFError

from backend import clock
from backend.domain.errors import HuiquanError, NotFound
from backend.domain.staff import ROLE_NAMES
from backend.edge import errors
from backend.edge.console import access, cells, nav
from backend.edge.console.streams import Places
from backend.services import programmes
from backend.settings import Settings

PREFIX = "/console"
STATIC = Path(__file__).parent / "static"
# No inline script or style anywhere; nothing from another host, whatever a merchant's name holds.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
REFUSAL_TITLES = {
    400: "请求内容有误",
    403: "没有权限",
    404: "没有找到这个页面",
    409: "现在不能这样做",
    422: "不符合规则",
    429: "操作太频繁",
    503: "系统正忙",
}
STREAMS = 4  # a server says what its threads allow: deploy/gunicorn.conf.py
FOREVER_S = 365 * 24 * 3600

assets = APIBlueprint("console_assets", __name__, enable_openapi=False)


class FormExpired(HuiquanError):
    """Its token is missing, of another sign-in, or somebody else's: it changes nothing."""

    code = "form_expired"
    message = "页面已过期，请返回上一页刷新后重新提交"
    category = "invalid"


def init_app(app: APIFlask, settings: Settings) -> None:
    """Give an application what the console's pages rest on; before its edges."""
    app.config.update(
        # Flask's own cookie holds the CSRF token and the message of the last act, nothing else.
        SECRET_KEY=hmac.digest(settings.token_key, b"console cookie", "sha256"),
        SESSION_COOKIE_NAME="huiquan_console",
        SESSION_COOKIE_PATH=PREFIX,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        SESSION_COOKIE_SECURE=settings.public_base_url.startswith("https://"),
        WTF_CSRF_TIME_LIMIT=None,  # a form lives as long as the sign-in
    )
    app.extensions["assets_digest"] = _digest(STATIC)
    app.extensions["stream_places"] = Places(STREAMS)
    CSRFProtect(app)
    app.register_error_handler(CSRFError, _form_expired)
    app.after_request(_dress)
    app.context_processor(_variables)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(
        shown=cells.shown,
        money=lambda amount_fen: str(cells.Money(amount_fen)),
    )
    app.jinja_env.tests.update(
        number=cells.is_number,
        moment=lambda cell: isinstance(cell, date),  # a datetime is one too
        badge=lambda cell: isinstance(cell, cells.Badge),
        link=lambda cell: isinstance(cell, cells.Link),
    )


def asset(name: str) -> str:
    """Return the address of one of our static files; it changes with any of them."""
    return url_for("console_assets.file", digest=_assets_digest(), name=name)


@assets.get("/static/<digest>/<path:name>")
def file(digest: str, name: str) -> Response:
    """Answer a static file; its address never shows anything else, so it is kept for a year."""
    if digest != _assets_digest():
        raise NotFound("assets of another release")
    response = send_from_directory(STATIC, name, max_age=FOREVER_S)
    response.cache_control.public = True
    response.cache_control.immutable = True
    return response


def _assets_digest() -> str:
    digest: str = current_app.extensions["assets_digest"]
    return digest


def _digest(folder: Path) -> str:
    whole = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        whole.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return whole.hexdigest()[:12]


def _form_expired(error: CSRFError) -> Response:
    return errors.refuse(FormExpired(error.description or ""))


def _dress(response: Response) -> Response:
    """Turn a refusal into a page for people, and give every page its headers."""
    if not request.path.startswith(f"{PREFIX}/"):
        return response
    if response.status_code >= 400 and response.is_json:
        title = REFUSAL_TITLES.get(response.status_code, "暂时无法打开")
        error = response.get_json()["error"]
        response.set_data(render_template("console/refused.html", title=title, error=error))
        response.content_type = "text/html; charset=utf-8"
    if response.mimetype == "text/html":
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        response.headers["Referrer-Policy"] = "same-origin"
    return response


def _variables() -> dict[str, object]:
    """Return what every template may use."""
    common: dict[str, object] = {"asset": asset, "now": clock.now(), "now_ms": clock.now_ms()}
    if "staff" not in g:
        return common
    programme = programmes.current()
    return common | {
        "staff": access.current_staff(),
        "role_name": ROLE_NAMES[access.current_staff().role],
        "may": access.may,
        "programme_name": programme.name if programme else "尚无方案",
        "sections": nav.sections(),
    }
