"""A rebuild that kills itself (-9) at one point. Run as a process by the test beside it."""

import sys

from backend.factory import create_app
from backend.services import quota_rebuilds
from backend.storage.redis import quota, rebuild, stream
from tests.conftest import make_settings
from tests.factories import MAY
from tests.integration.workers.dying_writer import die, then_die

# After each step of the order, and before its last.
POINTS = {
    "after_close": (rebuild, "close"),
    "after_record": (quota_rebuilds.claims, "record"),
    "after_drain": (quota_rebuilds, "_drain"),
    "after_epoch": (quota_rebuilds, "_raise_epoch"),
    "after_clear": (rebuild, "clear"),
    "after_held": (rebuild, "load_held"),
    "before_load": (stream, "prepare"),
    "after_load": (quota, "load"),
}

if __name__ == "__main__":
    point, database_url, redis_url = sys.argv[1:]
    app = create_app(make_settings(database_url=database_url, redis_url=redis_url))
    with app.app_context():
        module, name = POINTS[point]
        setattr(module, name, then_die(getattr(module, name)))
        quota_rebuilds.run(MAY, actor="test", force=True)
        die()
