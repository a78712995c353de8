"""Periodic jobs. Each is safe to run twice, late, or on two machines at once."""

import signal
import time
from collections.abc import Callable

import structlog
from apscheduler.schedulers.blocking import BlockingScheduler
from flask import Flask

from backend import clock
from backend.extensions import db
from backend.services import (
    audit_seals,
    campaigns,
    checks,
    claim_marks,
    disqualifications,
    exports,
    instant_returns,
    job_runs,
    merchant_reports,
    partner_calls,
    paybacks,
    payment_asking,
    payment_cases,
    payment_codes,
    payment_notices,
    quota_counts,
    quota_rebuilds,
    reconciliation,
    reconciliation_fetch,
    recycling,
    releases,
    settlements,
    staff_locks,
    staff_sessions,
    vouchers,
)

log = structlog.get_logger()

# (job, seconds between two runs). Reads judge by the clock, so a late job delays only money's way
# back into its pot, never a right answer.
JOBS: tuple[tuple[Callable[[], object], float], ...] = (
    (payment_codes.raise_mark, 5),
    (releases.release_overdue, 5),
    (payment_asking.settle_due, 1),
    (payment_notices.apply_left_over, 5),
    (payment_cases.refund_due, 5),
    (paybacks.settle_due, 5),
    (vouchers.expire_due, 30),
    (recycling.recycle_due, 30),
    (instant_returns.return_due, 5),
    (campaigns.end_due, 10),
    (campaigns.push_states, 10),
    (quota_rebuilds.rebuild_lost, 5),
    (quota_counts.push_due, 5),
    (claim_marks.mark_crowded, 30),
    (settlements.draft_due, 300),
    (reconciliation_fetch.fetch_due, 600),
    (reconciliation.run_due, 60),
    (partner_calls.forget_nonces, 60),
    (audit_seals.seal_due, 10),
    (staff_sessions.end_overdue, 60),
    (staff_locks.forget_old, 3600),
    (exports.run_due, 2),
    (exports.forget_due, 3600),
    (disqualifications.release_due, 5),
    (merchant_reports.take_up, 30),
    (checks.run_due, 600),
)


def run(app: Flask) -> None:
    """Run all jobs on their schedules until a signal ends the process."""
    scheduler = BlockingScheduler(timezone="Asia/Shanghai")
    for job, every_s in JOBS:
        scheduler.add_job(
            lambda job=job: run_job(app, job),
            "interval",
            seconds=every_s,
            id=job_name(job),
            max_instances=1,
            coalesce=True,
        )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: scheduler.shutdown(wait=True))
    log.info("jobs_started", jobs=[job_name(job) for job, _ in JOBS])
    scheduler.start()


def run_job(app: Flask, job: Callable[[], object]) -> object:
    """Run one job; a fault is logged, and the next run tries again."""
    with app.app_context():
        started_at, began_s = clock.now(), time.monotonic()
        done, failed = None, None
        try:
            done = job()
        except Exception as error:
            db.session.close()
            failed = type(error).__name__
            log.exception("job_failed", job=job_name(job))
        job_runs.record(
            job_name(job),
            started_at=started_at,
            length_ms=round((time.monotonic() - began_s) * 1000),
            handled=done if isinstance(done, int) else None,
            error=failed,
        )
        if done:
            log.info("job_done", job=job_name(job), count=done)
        return done


def job_name(job: Callable[[], object]) -> str:
    """Return 'vouchers.expire_due' for the service's function."""
    return f"{job.__module__.rpartition('.')[2]}.{job.__name__}"
