"""The application as a server runs it.

`wsgi:app` speaks WSGI and is the whole application. `wsgi:asgi` is the same with the claim lane in
front, for `backend.edge.web_worker`; it is made when a server asks for it.
"""

import os
from functools import cache
from typing import Any

from backend.factory import create_app
from backend.services.claim_lane import ClaimLane
from backend.settings import Settings
from miniprogram_api.edges import EDGES
from miniprogram_api.lane_application import LaneApplication

app = create_app(Settings.from_env(os.environ), EDGES)


@cache
def _asgi() -> Any:
    from a2wsgi import WSGIMiddleware  # noqa: PLC0415 - commands and workers do without it

    settings: Settings = app.extensions["settings"]
    return LaneApplication(
        lane=ClaimLane(settings, in_context=app.app_context),
        settings=settings,
        flask_application=WSGIMiddleware(app, workers=int(os.environ.get("HUIQUAN_THREADS", "8"))),
    )


def __getattr__(name: str) -> Any:
    if name == "asgi":
        return _asgi()
    raise AttributeError(name)
