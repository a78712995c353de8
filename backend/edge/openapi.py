"""The OpenAPI document: what APIFlask gathers, and what is the same for every operation."""

from typing import Any

from apiflask import APIFlask

from backend.edge.guards import guard_of

ERROR_SCHEMA = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "details", "request_id"],
            "properties": {
                "code": {"type": "string", "description": "stable; for programs"},
                "message": {"type": "string", "description": "Chinese; for people"},
                "details": {"type": "object"},
                "request_id": {"type": "string"},
            },
        }
    },
}
REFUSALS = {
    "4XX": "A refusal: its code, and a sentence that says what to do next.",
    "503": "Ask again with the same request, after Retry-After seconds.",
}


def init_app(app: APIFlask) -> None:
    """Describe the errors and the guards of all operations, once."""
    app.security_schemes = {
        "resident": {"type": "http", "scheme": "bearer", "description": "居民登录令牌"},
        "clerk": {"type": "http", "scheme": "bearer", "description": "收银员登录令牌"},
    }

    @app.spec_processor
    def complete(spec: Any) -> Any:
        spec.setdefault("components", {}).setdefault("schemas", {})["Error"] = ERROR_SCHEMA
        spec["components"]["schemas"].pop("HTTPError", None)
        spec["components"]["schemas"].pop("ValidationError", None)
        endpoints = _endpoints(app)
        for path, operations in spec["paths"].items():
            for method, operation in operations.items():
                _complete(app, operation, endpoints[path, method.upper()])
        return spec


def _complete(app: APIFlask, operation: dict[str, Any], endpoint: str) -> None:
    responses = operation["responses"]
    for status in [status for status in responses if status[0] in "45"]:
        del responses[status]
    for status, description in REFUSALS.items():
        responses[status] = {
            "description": description,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
        }
    guard = guard_of(app, endpoint)
    if guard is not None and guard.security_scheme is not None:
        operation["security"] = [{guard.security_scheme: []}]


def _endpoints(app: APIFlask) -> dict[tuple[str, str], str]:
    found = {}
    for rule in app.url_map.iter_rules():
        path = "".join(
            f"{{{part}}}" if is_dynamic else part
            for is_dynamic, part in ((d, p) for d, p in rule._trace)
        ).lstrip("|")
        for method in rule.methods or ():
            found[path, method] = rule.endpoint
    return found
