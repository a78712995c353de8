"""What all public pages share: their headers, their stylesheet, and how they refuse."""

import hashlib
from pathlib import Path
from typing import Any

from flask import Response, render_template, request

from backend.services import programmes

STYLESHEET = (Path(__file__).parent / "static" / "huiquan.css").read_bytes()
STYLESHEET_DIGEST = hashlib.sha256(STYLESHEET).hexdigest()[:12]
# Nothing but our own stylesheet and pictures is loaded, whatever text a merchant's name holds.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'"
)
REFUSAL_TITLES = {
    400: "请求内容有误",
    403: "没有提交成功",
    404: "没有找到这个页面",
    429: "操作太频繁",
    503: "系统正忙",
}


def document(description: str, *content_types: str) -> dict[int | str, Any]:
    """Return the OpenAPI responses of a view that answers with text of some content types."""
    content = {content_type: {"schema": {"type": "string"}} for content_type in content_types}
    return {200: {"description": description, "content": content}}


def dress(response: Response) -> Response:
    """Turn a refusal into a page for people, and give every page its headers.

    For a blueprint's after_request. What is below /api/ answers programs and stays JSON; status,
    sentence and headers stay as `backend/edge/errors.py` chose them.
    """
    if response.status_code >= 400 and response.is_json and not request.path.startswith("/api/"):
        error = response.get_json()["error"]
        title = REFUSAL_TITLES.get(response.status_code, "暂时无法打开")
        response.set_data(render_template("refused.html", title=title, error=error))
        response.content_type = "text/html; charset=utf-8"
    if response.mimetype == "text/html":
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        response.headers.setdefault("Referrer-Policy", "no-referrer")
    return response


def variables() -> dict[str, object]:
    """Return what every template may use; for a blueprint's app_context_processor."""
    return {"stylesheet_digest": STYLESHEET_DIGEST, "hotline": programmes.hotline}
