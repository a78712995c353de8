"""What is counted for operators: requests, claims, SQL connections.

A label holds a pattern, a code or a campaign's id, never anything of a person. Counting touches
this process's memory alone: under gunicorn a file in PROMETHEUS_MULTIPROC_DIR, and a scrape adds
the files up.
"""

import os
import threading
import time
from bisect import bisect_left
from collections import Counter as Count
from types import TracebackType
from typing import Self

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from sqlalchemy import Engine, event

from backend import clock
from backend.domain import claim_marks
from backend.domain.errors import HuiquanError, NotFound

REGISTRY = CollectorRegistry()
BUCKETS_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
# What nobody flushes is forgotten, so memory stays bounded.
KEPT_S = 60
KEPT_REQUESTS = 200_000

if folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
    os.makedirs(folder, exist_ok=True)  # the package opens its files there and makes no folder

_requests = Counter(
    "huiquan_requests",
    "Answers by pattern of the route, method and status",
    ["route", "method", "status"],
    registry=REGISTRY,
)
_request_seconds = Histogram(
    "huiquan_request_seconds",
    "Time from the request's head to its answer, by pattern of the route",
    ["route"],
    buckets=[ms / 1000 for ms in BUCKETS_MS],
    registry=REGISTRY,
)
_claims = Counter(
    "huiquan_claims",
    "Claims by campaign and outcome: taken, replayed, or the code of the refusal",
    ["campaign", "outcome"],
    registry=REGISTRY,
)
_claim_marks = Counter(
    "huiquan_claim_marks",
    "Marks of claims that were taken, by campaign; a claim may have several or none",
    ["campaign", "mark"],
    registry=REGISTRY,
)
_payments = Counter(
    "huiquan_payments",
    "Payments that came to an end, by provider and outcome",
    ["provider", "outcome"],
    registry=REGISTRY,
)
_payment_notices = Counter(
    "huiquan_payment_notices",
    "Notifications of providers: stored, repeated, or refused as forged",
    ["provider", "outcome"],
    registry=REGISTRY,
)
_wechat_pushes = Counter(
    "huiquan_wechat_pushes",
    "Messages of WeChat by what they tell: applied, repeated, dropped, or refused as forged",
    ["event", "outcome"],
    registry=REGISTRY,
)
_sql_connections = Gauge(
    "huiquan_sql_connections_in_use",
    "Connections taken from the pools of all processes",
    registry=REGISTRY,
    multiprocess_mode="livesum",
)


def request_answered(*, route: str, method: str, status: int, seconds: float) -> None:
    """Count one answer; `route` is the pattern, a method nobody knows is 'other'."""
    _tally.add_request(route, method if method in METHODS else "other", status, seconds)


def claim_answered(*, campaign_id: str, outcome: str, seconds: float) -> None:
    """Count one claim; `outcome` is taken, replayed or the code of a refusal."""
    _tally.add_claim(campaign_id, outcome, seconds)


def claim_marked(*, campaign_id: str, marks: int) -> None:
    """Count each mark of a claim that was taken."""
    _tally.add_marks(campaign_id, marks)


def payment_ended(*, provider: str, outcome: str) -> None:
    """Count one payment's end: redeemed, released, or what makes it a case."""
    _payments.labels(provider, outcome).inc()


def notice_received(*, provider: str, outcome: str) -> None:
    """Count one notification of a provider that this installation has."""
    _payment_notices.labels(provider, outcome).inc()


def push_received(*, event: str, outcome: str) -> None:
    """Count one message of WeChat; `event` is one that we know, or 'other'."""
    _wechat_pushes.labels(event, outcome).inc()


class CountedClaim:
    """One claim: counts what came of it and how long it took, as a `with` block or by `end`."""

    __slots__ = ("_campaign_id", "_started_s", "marks", "outcome")

    def __init__(self, campaign_id: str) -> None:
        self._campaign_id = campaign_id
        self._started_s = time.perf_counter()
        self.marks = 0
        self.outcome = HuiquanError.code  # until the caller says better: taken or replayed

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.end(error)

    def end(self, error: BaseException | None = None) -> None:
        """Count it: under its outcome, or under the code of the refusal that ended it."""
        if isinstance(error, HuiquanError):
            self.outcome = error.code
            if isinstance(error, NotFound):
                self._campaign_id = "none"  # an invented id must not become a label
        seconds = time.perf_counter() - self._started_s
        claim_answered(campaign_id=self._campaign_id, outcome=self.outcome, seconds=seconds)
        if self.marks:
            claim_marked(campaign_id=self._campaign_id, marks=self.marks)


def watch_pool(engine: Engine) -> None:
    """Count the connections that are taken from an engine's pool and not yet back."""
    event.listen(engine, "checkout", lambda *_: _sql_connections.inc())
    event.listen(engine, "checkin", lambda *_: _sql_connections.dec())


def flush() -> dict[tuple[str, int], Count[str]]:
    """Move what was counted since the last time into Prometheus' counters.

    Return the claims among it by campaign and second: outcome -> claims, le:MS -> claims by
    latency. A process that serves does this once a second.
    """
    requests, claims = _tally.take()
    for (route, method, status), seconds in requests.items():
        _requests.labels(route, method, status).inc(len(seconds))
        _observe(_request_seconds.labels(route), seconds)
    for (campaign_id, _second), counts in claims.items():
        for outcome, count in counts.items():
            if not outcome.startswith("le:"):
                _claims.labels(campaign_id, outcome).inc(count)
    for (campaign_id, marks), count in _tally.take_marks().items():
        for mark in claim_marks.names(marks):
            _claim_marks.labels(campaign_id, mark).inc(count)
    return claims


def _observe(histogram: Histogram, seconds: list[float]) -> None:
    """Observe many at once: the library's own way writes two mapped files for each of them."""
    # Its parts, since it has no way to take more than one.
    parts, bounds = histogram._buckets, histogram._upper_bounds
    for place, count in Count(bisect_left(bounds, one) for one in seconds).items():
        parts[place].inc(count)
    histogram._sum.inc(sum(seconds))


class Tally:
    """What this process counted and nobody has flushed yet.

    A counter of the library costs more than a claim may: it locks, asks for the process's number
    and writes into a mapped file. Here counting is an addition in memory.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: dict[tuple[str, str, int], list[float]] = {}
        self._claims: dict[tuple[str, int], Count[str]] = {}
        self._marks: Count[tuple[str, int]] = Count()

    def add_request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answer."""
        with self._lock:
            kept = self._requests.setdefault((route, method, status), [])
            if len(kept) < KEPT_REQUESTS:
                kept.append(seconds)

    def add_claim(self, campaign_id: str, outcome: str, seconds: float) -> None:
        """Count one claim of this second under its outcome and its bucket of latency."""
        second = clock.now_ms() // 1000
        bucket = f"le:{bucket_ms(seconds * 1000)}"
        with self._lock:
            counts = self._claims.get((campaign_id, second))
            if counts is None:
                self._forget(second - KEPT_S)
                counts = self._claims[campaign_id, second] = Count()
            counts[outcome] += 1
            counts[bucket] += 1

    def take(
        self,
    ) -> tuple[dict[tuple[str, str, int], list[float]], dict[tuple[str, int], Count[str]]]:
        """Return what was counted, and begin anew."""
        with self._lock:
            requests, self._requests = self._requests, {}
            claims, self._claims = self._claims, {}
        return requests, claims

    def add_marks(self, campaign_id: str, marks: int) -> None:
        """Count one claim under its combination of marks."""
        with self._lock:
            self._marks[campaign_id, marks] += 1

    def take_marks(self) -> Count[tuple[str, int]]:
        """Return how many claims had which marks, by campaign, and begin anew."""
        with self._lock:
            taken, self._marks = self._marks, Count()
        return taken

    def _forget(self, before: int) -> None:
        for key in [key for key in self._claims if key[1] < before]:
            del self._claims[key]


_tally = Tally()


def bucket_ms(ms: float) -> int:
    """Return the upper bound of the bucket that a latency belongs to; the last one is open."""
    return BUCKETS_MS[min(bisect_left(BUCKETS_MS, ms), len(BUCKETS_MS) - 1)]


def percentile_ms(buckets: dict[int, int], share: float) -> float | None:
    """Return the latency that `share` of the counts stay below, straight within its bucket.

    None without any count; what lies beyond the last bound is told as the last bound.
    """
    wanted = sum(buckets.values()) * share
    below, lower = 0.0, 0
    for bound in BUCKETS_MS:
        inside = buckets.get(bound, 0)
        if inside and below + inside >= wanted:
            return round(lower + (bound - lower) * (wanted - below) / inside, 1)
        below += inside
        lower = bound
    return None
