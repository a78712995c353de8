"""A claim writer that kills itself (-9) at one point. Run as a process by the test beside it."""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from sqlalchemy import event

from backend.extensions import db
from backend.factory import create_app
from backend.services import claims
from backend.storage.queries import voucher_inserts
from backend.storage.redis import stream
from backend.workers import claim_writer
from tests.conftest import make_settings


def die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def then_die(function: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(*args: Any, **kwargs: Any) -> None:
        function(*args, **kwargs)
        die()

    return wrapped


def arm(point: str) -> None:
    if point == "after_read":
        claims.record = die
    elif point == "after_insert":
        voucher_inserts.insert_new = then_die(voucher_inserts.insert_new)
    elif point == "before_commit":
        event.listen(db.session, "before_commit", die)
    elif point == "after_commit":
        claims.record = then_die(claims.record)
    elif point == "after_acknowledge":
        stream.acknowledge = then_die(stream.acknowledge)
    else:
        raise SystemExit(f"no such point: {point}")


if __name__ == "__main__":
    point, database_url, redis_url = sys.argv[1:]
    app = create_app(make_settings(database_url=database_url, redis_url=redis_url))
    with app.app_context():
        arm(point)
        claim_writer.drain_once("dying-writer")
    raise SystemExit("the writer was to die and did not")
