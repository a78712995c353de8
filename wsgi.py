"""The applications as a server runs them, each made when a server asks for it.

`wsgi:app` speaks WSGI and is the whole application but the console. `wsgi:asgi` is the same with
the claim lane in front, for `backend.edge.web_worker`. `wsgi:console` is the pages of staff.
"""

import os
from functools import cache
from typing import Any

from apiflask import APIFlask

from backend.factory import create_app, create_console
from backend.services.claim_lane import ClaimLane
from backend.settings import Settings
from miniprogram_api.edges import EDGES
from miniprogram_api.lane_application import LaneApplication


@cache
def _app() -> APIFlask:
    return create_app(Settings.from_env(os.environ), EDGES)


@cache
def _console() -> APIFlask:
    return create_console(Settings.from_env(os.environ))


@cache
def _asgi() -> Any:
    from a2wsgi import WSGIMiddleware  # noqa: PLC0415 - commands and workers do without it

    app = _app()
    settings: Settings = app.extensions["settings"]
    return LaneApplication(
        lane=ClaimLane(settings, in_context=app.app_context),
        settings=settings,
        flask_application=WSGIMiddleware(app, workers=int(os.environ.get("HUIQUAN_THREADS", "8"))),
    )


_APPLICATIONS = {"app": _app, "asgi": _asgi, "console": _console}


def __getattr__(name: str) -> Any:
    if name in _APPLICATIONS:
        return _APPLICATIONS[name]()
    raise AttributeError(name)
