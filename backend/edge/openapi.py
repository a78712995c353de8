"""The OpenAPI document: what APIFlask gathers, and what is the same for every operation."""

from typing import Any

from apiflask import APIFlask
from werkzeug.routing import BaseConverter, IntegerConverter, Rule

from backend.edge.guards import guard_of
from backend.edge.http import file_bound
from backend.edge.public import pages

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
# What APIFlask adds of its own; our errors have another form.
FILES = ("image/jpeg", "image/png", "application/pdf")  # what a view that takes files takes
FRAMEWORK_SCHEMAS = ("HTTPError", "ValidationError")


def init_app(app: APIFlask) -> None:
    """Describe the errors, the guards and the path parameters of all operations, once."""
    app.security_schemes = {
        "resident": {"type": "http", "scheme": "bearer", "description": "居民登录令牌"},
        "clerk": {"type": "http", "scheme": "bearer", "description": "收银员登录令牌"},
        "partner": {
            "type": "apiKey",
            "in": "header",
            "name": "X-Signature",
            "description": "合作机构签名，连同 X-Partner、X-Key-Id、X-Timestamp、X-Nonce",
        },
    }

    @app.spec_processor
    def complete(spec: Any) -> Any:
        schemas = spec.setdefault("components", {}).setdefault("schemas", {})
        schemas["Error"] = ERROR_SCHEMA
        for name in FRAMEWORK_SCHEMAS:
            schemas.pop(name, None)
        spec["tags"] = list({tag["name"]: tag for tag in spec.get("tags", [])}.values())
        rules = _rules(app)
        for path, operations in spec["paths"].items():
            for method, operation in operations.items():
                _complete(app, operation, rules[path, method.upper()])
        return spec


def path_of(rule: Rule) -> str:
    """Return a rule's path as the document writes it: /campaigns/{campaign_id}."""
    # The trace is werkzeug's own record of a rule's parts: (is dynamic, text); the first is '|'.
    return "".join(f"{{{part}}}" if dynamic else part for dynamic, part in rule._trace).lstrip("|")


def _rules(app: APIFlask) -> dict[tuple[str, str], Rule]:
    rules = app.url_map.iter_rules()
    return {(path_of(rule), method): rule for rule in rules for method in rule.methods or ()}


def _complete(app: APIFlask, operation: dict[str, Any], rule: Rule) -> None:
    responses = operation["responses"]
    for status in [s for s, response in responses.items() if _is_frameworks(s, response)]:
        del responses[status]
    for status, description in REFUSALS.items():
        responses.setdefault(status, _refusal(app, rule, description))
    for parameter in operation["parameters"]:
        if parameter["in"] == "path":
            parameter["schema"] = _path_schema(rule._converters[parameter["name"]])
    if bound := file_bound(app, rule.endpoint):
        schema = {"type": "string", "format": "binary", "maxLength": bound}
        operation["requestBody"] = {"content": {kind: {"schema": schema} for kind in FILES}}
    if "requestBody" in operation:
        operation["requestBody"]["required"] = True
    guard = guard_of(app, rule.endpoint)
    if guard is not None and guard.security_scheme is not None:
        operation["security"] = [{guard.security_scheme: []}]


def _is_frameworks(status: str, response: dict[str, Any]) -> bool:
    """Tell the errors that APIFlask invents from those that a view documents."""
    if status[0] not in "45":
        return False
    content = response.get("content", {}).get("application/json", {})
    name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    return name in ("", *FRAMEWORK_SCHEMAS)


def _refusal(app: APIFlask, rule: Rule, description: str) -> dict[str, Any]:
    schema: dict[str, Any] = {"$ref": "#/components/schemas/Error"}
    content = {"application/json": {"schema": schema}}
    blueprint = rule.endpoint.rpartition(".")[0]
    is_page = not rule.rule.startswith("/api/")
    if is_page and pages.dress in app.after_request_funcs.get(blueprint, ()):
        content = {"text/html": {"schema": {"type": "string"}}}
    return {"description": description, "content": content}


def _path_schema(converter: BaseConverter) -> dict[str, Any]:
    """Say which values of a path parameter lead to the operation; all others are a 404."""
    if isinstance(converter, IntegerConverter):
        bounds = {"minimum": converter.min or 0, "maximum": converter.max}
        return {"type": "integer"} | {k: v for k, v in bounds.items() if v is not None}
    return {"type": "string", "pattern": f"^{converter.regex}$"}
