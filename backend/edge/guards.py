"""Who may call: every blueprint declares it, and what declares nothing is refused."""

from collections.abc import Callable
from dataclasses import dataclass

from apiflask import APIBlueprint
from flask import Flask, request

from backend.domain.errors import NotFound


@dataclass(frozen=True)
class Guard:
    """A named check that runs before a view and raises when the caller may not pass."""

    name: str
    check: Callable[[], None]
    security_scheme: str | None = None  # its name in the OpenAPI document


@dataclass(frozen=True, kw_only=True)
class Edge:
    """A blueprint, where it hangs and who may call it."""

    blueprint: APIBlueprint
    prefix: str
    guard: Guard


public = Guard("public", lambda: None)


class MissingGuard(Exception):
    """A blueprint came without a guard; the application is not built."""


def init_app(app: Flask, edges: tuple[Edge, ...]) -> None:
    """Register the edges; a route outside them answers as if it were absent."""
    guards: dict[str, Guard] = {}
    for edge in edges:
        if not isinstance(edge.guard, Guard):
            raise MissingGuard(edge.blueprint.name)
        guards[edge.blueprint.name] = edge.guard
        app.register_blueprint(edge.blueprint, url_prefix=edge.prefix or None)
    app.extensions["guards"] = guards

    @app.before_request
    def check() -> None:
        if request.endpoint is None:
            return  # no such route: Flask's own 404 follows
        guard = guard_of(app, request.endpoint)
        if guard is None:
            raise NotFound(f"endpoint {request.endpoint} has no guard")
        guard.check()


def guard_of(app: Flask, endpoint: str) -> Guard | None:
    """Return the guard of an endpoint, or None when it has none."""
    guards: dict[str, Guard] = app.extensions["guards"]
    if endpoint == "openapi.spec":
        return public
    return guards.get(endpoint.rpartition(".")[0])
