"""Each job's last run (任务运行), for whoever asks why something has not happened.

In SQL and not in Valkey: that a job fails because Valkey is down must be readable then. Jobs of
every second write at most every 15 s, unless they fail or come right again.
"""

import threading
import time
from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from backend import clock
from backend.extensions import db
from backend.storage.models.health import JobRun
from backend.storage.sql import transaction

log = structlog.get_logger()
QUIET_S = 15.0
_lock = threading.Lock()
_written: dict[
    str, tuple[float, bool]
] = {}  # when this process last wrote, and if that was a fault


def record(
    job: str, *, started_at: datetime, length_ms: int, handled: int | None, error: str | None
) -> None:
    """Write a run down, unless the same was said a moment ago. A fault of SQL is only logged."""
    with _lock:
        at_s, had_failed = _written.get(job, (-QUIET_S, False))
        if not error and not had_failed and time.monotonic() - at_s < QUIET_S:
            return
    try:
        with transaction() as session:
            row = session.get(JobRun, job, with_for_update=True)
            failures = 0 if error is None else (row.failures if row else 0) + 1
            succeeded_at = clock.now() if error is None else (row.succeeded_at if row else None)
            session.merge(
                JobRun(
                    job=job,
                    started_at=started_at,
                    length_ms=length_ms,
                    handled=handled,
                    error=error,
                    failures=failures,
                    succeeded_at=succeeded_at,
                )
            )
    except SQLAlchemyError as fault:  # two machines' first runs, or no database: the next tells
        log.warning("job_run_not_written", job=job, error=type(fault).__name__)
        return
    with _lock:
        _written[job] = (time.monotonic(), error is not None)


def forget() -> None:
    """Write the next run of every job."""
    with _lock:
        _written.clear()


def last_runs() -> Sequence[JobRun]:
    """Return what was written of each job, in the order of their names."""
    return list(db.session.scalars(select(JobRun).order_by(JobRun.job)))
