"""How gunicorn serves Huiquan, in development and in production: `gunicorn -c …`.

`wsgi:app` behind it asks for the plain WSGI application, as HUIQUAN_LANE=off does; `wsgi:console`
for the pages of staff, on a port of their own.
"""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

# Before the application is imported: the library of the metrics decides at its own import how it
# counts. Each process counts into files of this folder, and a scrape adds them up.
if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="huiquan-metrics-")

from gunicorn.glogging import Logger
from gunicorn.workers.base import Worker
from prometheus_client.multiprocess import mark_process_dead

from backend.domain.errors import HuiquanError
from backend.edge.console.streams import Places
from backend.services import live, processes
from backend.services.health import refuse_unsafe_valkey

metrics_folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
metrics_folder.mkdir(parents=True, exist_ok=True)


def _remove_metrics(owner: int) -> None:
    """Remove the folder at the end of the process that made it; workers inherit this call."""
    if os.getpid() == owner:
        shutil.rmtree(metrics_folder, ignore_errors=True)


if metrics_folder.name.startswith("huiquan-metrics-"):
    atexit.register(_remove_metrics, os.getpid())

bind = os.environ.get("HUIQUAN_BIND", "127.0.0.1:8000")
# A worker for each core: more buys nothing. Threads: the SQL pool has room for more than these.
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = int(os.environ.get("HUIQUAN_THREADS", "8"))
# The claim lane: an event loop answers claims and hands the rest to Flask in `threads` threads.
# Without it threads alone serve, and wait for slow clients too (docs/adr/0011-claim-lane.md).
WORKERS = {
    "uvicorn": "backend.edge.web_worker.LaneWorker",
    "off": "gthread",
}
plain = {"wsgi:app", "wsgi:console"}.intersection(sys.argv)
lane = "off" if plain else os.environ.get("HUIQUAN_LANE") or "uvicorn"
if lane not in WORKERS:
    sys.exit(f"HUIQUAN_LANE is {lane!r}, wants one of {', '.join(WORKERS)}")
worker_class = WORKERS[lane]
wsgi_app = "wsgi:app" if lane == "off" else "wsgi:asgi"
if lane != "off":
    threads = 1  # an event loop has none of its own; wsgi.py makes Flask's
reload = os.environ.get("HUIQUAN_RELOAD") == "1"  # while developing: follow the code
preload_app = not reload  # imported once, then forked: half the start time and memory

limit_request_line = 4094
limit_request_fields = 50
limit_request_field_size = 8190

timeout = 30  # a worker whose loop stands still that long is replaced
graceful_timeout = 20  # what is being answered at a stop may take this long
keepalive = 5


class ErrorLogger(Logger):
    """gunicorn's logger without the access log: the application writes that, one line a request.

    With `logconfig_dict` gunicorn would put together all fields of a line that nobody reads, at a
    tenth of a claim's whole cost.
    """

    access_log_enabled = False  # type: ignore[assignment]  # a property there

    def access(self, *_facts: object) -> None:
        """Write nothing: gunicorn's line holds addresses, and paths with a placard's code."""


logger_class = ErrorLogger
errorlog = "-"
# gunicorn's own lines go through the application's JSON renderer as well.
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "loggers": {"gunicorn.error": {"level": "INFO", "handlers": [], "propagate": True}},
}
control_socket_disable = True  # nobody steers it from outside; systemd and signals do


def on_starting(_server: object) -> None:
    """Refuse a Valkey that would lose what was promised, before the first request."""
    for counted in metrics_folder.glob("*.db"):  # by the processes of an earlier start
        counted.unlink(missing_ok=True)
    if reload:
        # The application does not exist yet, so nobody has looked at Valkey; the development
        # stack looks itself.
        if os.environ.get("HUIQUAN_ENV") != "development":
            sys.exit("HUIQUAN_RELOAD is for development alone")
        return
    try:
        refuse_unsafe_valkey()
    except HuiquanError as error:
        sys.exit(f"{error.code}: {error.message} ({error})")


def post_worker_init(worker: Worker) -> None:
    """Let each worker tell once a second what it counted of the claims, and that it lives.

    In the console's no more than half of the threads serve live streams, which end at a stop.
    """
    live.start_flushing()
    processes.start_beating("console" if "wsgi:console" in sys.argv else "web")
    if "wsgi:console" in sys.argv:
        places = Places(max(1, threads // 2), lambda: worker.alive)
        worker.wsgi.extensions["stream_places"] = places


def worker_exit(_server: object, _worker: object) -> None:
    """Tell what was counted since the last time."""
    live.flush()


def child_exit(_server: object, worker: Worker) -> None:
    """Forget what a worker held when it ended; what it counted goes on counting."""
    mark_process_dead(worker.pid)
