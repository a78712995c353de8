"""What the desk's pages share: headers, forms that cannot be forged, files, refusals."""

import hashlib
import hmac
from pathlib import Path

from apiflask import APIBlueprint, APIFlask
from flask import Response, render_template, request, send_from_directory, url_for
from flask_wtf.csrf import CSRFError

from backend import clock
from backend.domain.errors import NotFound
from backend.domain.money import yuan_text
from backend.edge import errors
from backend.edge.console.pages import (
    CONTENT_SECURITY_POLICY,
    FOREVER_S,
    REFUSAL_TITLES,
    FormExpired,
)
from backend.edge.merchant_web import access
from backend.settings import Settings

PREFIX = "/desk"
STATIC = Path(__file__).parent / "static"
DIGEST = hashlib.sha256(
    b"".join(file.read_bytes() for file in sorted(STATIC.iterdir()))
).hexdigest()[:12]

assets = APIBlueprint("desk_assets", __name__, enable_openapi=False, template_folder="templates")


def init_app(app: APIFlask, settings: Settings) -> None:
    """Give an application what the desk's pages rest on; before its edges."""
    app.config.update(
        # Flask's own cookie holds the CSRF token and the message of the last act, nothing else.
        SECRET_KEY=hmac.digest(settings.token_key, b"desk cookie", "sha256"),
        SESSION_COOKIE_NAME="huiquan_desk_form",
        SESSION_COOKIE_PATH=PREFIX,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        SESSION_COOKIE_SECURE=settings.public_base_url.startswith("https://"),
        WTF_CSRF_TIME_LIMIT=None,  # a form lives as long as the sign-in
        # Phones and banks show who they are with each request: the desk's guards alone ask.
        WTF_CSRF_CHECK_DEFAULT=False,
    )
    access.csrf.init_app(app)
    app.register_error_handler(CSRFError, _form_expired)
    app.after_request(_dress)
    app.jinja_env.filters["yuan"] = yuan_text


@assets.app_context_processor
def variables() -> dict[str, object]:
    """Return what the desk's templates use."""
    found: dict[str, object] = {"desk_asset": asset, "today": clock.today()}
    if access.SESSION in request.environ:
        found |= {"desk": access.current_desk(), "clerk": access.current_clerk()}
    return found


def asset(name: str) -> str:
    """Return the address of one of the desk's files; it changes with any of them."""
    return url_for("desk_assets.file", digest=DIGEST, name=name)


@assets.get("/static/<digest>/<name>")
def file(digest: str, name: str) -> Response:
    """Answer a static file; its address never shows anything else, so it is kept for a year."""
    if digest != DIGEST:
        raise NotFound("assets of another release")
    response = send_from_directory(STATIC, name, max_age=FOREVER_S)
    response.cache_control.public = True
    response.cache_control.immutable = True
    return response


def _form_expired(error: CSRFError) -> Response:
    return errors.refuse(FormExpired(error.description or ""))


def _dress(response: Response) -> Response:
    """Turn a refusal into a page for people, and give every page its headers."""
    if not request.path.startswith(f"{PREFIX}/"):
        return response
    for_script = request.blueprint == access.SALES or "poll" in request.args
    if response.status_code >= 400 and response.is_json and not for_script:
        title = REFUSAL_TITLES.get(response.status_code, "暂时无法打开")
        error = response.get_json()["error"]
        response.set_data(render_template("desk/refused.html", title=title, error=error))
        response.content_type = "text/html; charset=utf-8"
    if response.mimetype == "text/html":
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        response.headers["Referrer-Policy"] = "same-origin"
    return response
