"""The one place where a refusal becomes HTTP: status, JSON form, headers."""

import secrets
from typing import Any

import structlog
from apiflask import APIFlask
from apiflask.exceptions import HTTPError
from flask import Response, g, jsonify, request
from redis.exceptions import RedisError
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from backend.domain.errors import Category, HuiquanError, InvalidRequest, Unavailable
from backend.extensions import db

log = structlog.get_logger()

REFUSED = "huiquan.refused"  # in the request's environ: the code of its refusal
STATUS: dict[Category, int] = {
    "invalid": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "rule": 422,
    "too_many": 429,
    "unavailable": 503,
}
# Werkzeug's own refusals, as people should read them.
HTTP_ERRORS: dict[int, tuple[str, str]] = {
    400: ("invalid_request", "请求内容有误，请检查后重试"),
    401: ("sign_in_required", "请先登录"),
    403: ("forbidden", "没有权限进行此操作"),
    404: ("not_found", "没有找到您要的内容，请刷新后重试"),
    405: ("method_not_allowed", "不支持这种请求方式"),
    408: ("request_too_slow", "请求没有完整到达，请检查网络后重试"),
    411: ("length_required", "请求缺少长度，请更新客户端后重试"),
    413: ("body_too_large", "提交的内容过大，请精简后重试"),
    414: ("address_too_long", "请求地址过长"),
    415: ("wrong_media_type", "请求格式不正确，请使用 JSON"),
    431: ("headers_too_large", "请求头过大"),
}


def init_app(app: APIFlask) -> None:
    """Register the handlers of every kind of error."""
    app.register_error_handler(HuiquanError, refuse)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(HTTPError, _validation_error)
    app.register_error_handler(RedisError, _storage_down)
    app.register_error_handler(OperationalError, _storage_down)
    app.register_error_handler(PoolTimeout, _storage_down)
    app.register_error_handler(DataError, _data_error)
    app.register_error_handler(Exception, _crashed)


def body(code: str, message: str, details: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the JSON form of every error of the request that is being answered."""
    return form(code, message, details, request_id=g.get("request_id", ""))


def form(
    code: str, message: str, details: dict[str, Any] | None, *, request_id: str
) -> dict[str, Any]:
    """Return the JSON form of every error."""
    return {
        "error": {
            "code": code,
            "message": message,
            "details": details or {},
            "request_id": request_id,
        }
    }


def status_of(error: HuiquanError) -> int:
    """Return the status of a refusal; the base class itself means a fault of ours."""
    return 500 if type(error) is HuiquanError else STATUS[error.category]


def headers_of(error: HuiquanError) -> dict[str, str]:
    """Return the headers that a refusal adds to its answer."""
    headers = {}
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(_retry_after_s(error, error.retry_after_s))
    if STATUS[error.category] == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return headers


def refuse(error: HuiquanError) -> Response:
    """Return the answer of a refusal, and leave its code for whoever counts."""
    db.session.rollback()
    request.environ[REFUSED] = error.code
    log.info("refused", code=error.code, why=str(error))
    response = jsonify(body(error.code, error.message, error.details))
    response.status_code = STATUS[error.category]
    response.headers.update(headers_of(error))
    return response


def _retry_after_s(error: HuiquanError, known_s: int) -> int:
    """Return the seconds of Retry-After: an estimate is spread by half of it, either way.

    Everybody who is refused in one second of overload would otherwise come back in one second. A
    time that is known (the opening, the end of a limit) stays: before it, asking is in vain.
    """
    if "retry_after_s" in vars(error) or error.category == "too_many":
        return known_s
    half_s = max(known_s // 2, 1)
    return max(known_s - half_s + secrets.randbelow(2 * half_s + 1), 1)


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    if error.response is not None or status < 400:  # a redirect is no error
        return error.get_response()  # type: ignore[return-value]
    code, message = HTTP_ERRORS.get(status, ("http_error", "请求无法处理，请稍后重试"))
    response = jsonify(body(code, message))
    response.status_code = status
    if status == 405 and (allow := error.get_response().headers.get("Allow")):
        response.headers["Allow"] = allow
    if status in (411, 413):
        response.headers["Connection"] = "close"  # the unread body must not become a request
    return response


def _validation_error(error: HTTPError) -> Response:
    """A body or query that is not of the documented shape; the input itself is not repeated."""
    fields = error.detail if isinstance(error.detail, dict) else {}
    log.info("refused", code="invalid_request", route=str(request.url_rule))
    response = jsonify(body(InvalidRequest.code, InvalidRequest.message, {"fields": fields}))
    response.status_code = STATUS[InvalidRequest.category]
    return response


def _storage_down(error: Exception) -> Response:
    db.session.rollback()
    log.error("storage_unavailable", error=type(error).__name__)
    return refuse(Unavailable(type(error).__name__))


def _data_error(error: DataError) -> Response:
    """A value that passed every check but not the database: refused, and a gap to be closed."""
    db.session.rollback()
    log.error("data_error", error=type(error.orig).__name__, route=str(request.url_rule))
    return refuse(InvalidRequest("the database refused a value"))


def _crashed(error: Exception) -> Response:
    db.session.rollback()
    log.error("crashed", exc_info=error, route=str(request.url_rule))
    response = jsonify(body(HuiquanError.code, HuiquanError.message))
    response.status_code = 500
    return response
