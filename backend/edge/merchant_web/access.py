"""Who is at a desk: the cookie of a session that a clerk's phone has opened, and its guard."""

from typing import TYPE_CHECKING

from flask import Response, abort, request, url_for
from flask_wtf import CSRFProtect

from backend.edge import limits
from backend.edge.console.answers import see
from backend.edge.guards import Guard
from backend.services import desk_sessions
from backend.services.desk_sessions import DeskSessionOver

if TYPE_CHECKING:
    from backend.storage.models.desk import DeskSession
    from backend.storage.models.merchants import Clerk

COOKIE = "huiquan_desk"
SALES = "desk_sales"  # the blueprint that answers a page's script, in JSON
SESSION = "huiquan.desk"  # in the request's own environ, as all who call are remembered
csrf = CSRFProtect()


def current_desk() -> "DeskSession":
    """Return the desk's session; for views behind the guard `desk`."""
    found: DeskSession = request.environ[SESSION]
    return found


def current_clerk() -> "Clerk":
    """Return whose desk it is."""
    return current_desk().clerk


def _check() -> None:
    """Let a request of an open desk through, with its form's token; send others to sign in.

    What a page asks for by itself says `poll`, and keeps no desk open.
    """
    try:
        token = request.cookies.get(COOKIE, "")
        found = desk_sessions.current(token, in_use="poll" not in request.args)
    except DeskSessionOver:
        if request.blueprint == SALES or "poll" in request.args:
            raise
        abort(_to_sign_in())
    request.environ[SESSION] = found
    request.environ[limits.ACCOUNT] = f"clerk-{found.clerk_id}"
    csrf.protect()


def _to_sign_in() -> Response:
    return see(url_for("desk_sign_in.page"))


# Signing in has no session yet, and its form a token all the same.
form = Guard("form", csrf.protect)
desk = Guard("desk", _check)
