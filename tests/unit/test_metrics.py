"""Counting: outcomes, bounded memory, percentiles."""

from datetime import timedelta

import pytest

from backend import clock, metrics
from backend.domain.errors import NotFound
from backend.domain.refusals import QuotaExhausted
from tests.conftest import OPENING
from tests.factories import MovableClock


def value(campaign_id: str, outcome: str) -> float:
    metrics.flush()
    labels = {"campaign": campaign_id, "outcome": outcome}
    return metrics.REGISTRY.get_sample_value("huiquan_claims_total", labels) or 0


def test_each_claim_is_counted_once_under_its_campaign_and_outcome() -> None:
    for outcome in ("taken", "replayed"):
        with metrics.CountedClaim("UNIT-1") as counted:
            counted.outcome = outcome
    with pytest.raises(QuotaExhausted), metrics.CountedClaim("UNIT-1"):
        raise QuotaExhausted("none left")
    with pytest.raises(RuntimeError), metrics.CountedClaim("UNIT-1"):
        raise RuntimeError
    for outcome in ("taken", "replayed", "quota_exhausted", "internal_error"):
        assert value("UNIT-1", outcome) == 1, outcome


def test_an_invented_campaign_makes_no_label() -> None:
    before = value("none", "not_found")
    with pytest.raises(NotFound), metrics.CountedClaim("INVENTED"):
        raise NotFound("INVENTED")
    assert value("INVENTED", "not_found") == 0
    assert value("none", "not_found") == before + 1


def test_a_method_nobody_knows_makes_no_label() -> None:
    metrics.request_answered(route="/unit", method="BREW", status=405, seconds=0.001)
    metrics.flush()
    labels = {"route": "/unit", "method": "other", "status": "405"}
    assert metrics.REGISTRY.get_sample_value("huiquan_requests_total", labels) == 1


def test_counts_that_nobody_flushes_are_forgotten_after_60_seconds(moment: MovableClock) -> None:
    counts = metrics.Tally()
    for second in range(200):
        moment.set(OPENING + timedelta(seconds=second))
        counts.add_claim("A", "taken", 0.001)
    _, kept = counts.take()
    now = int(clock.now().timestamp())
    assert sorted(second for _, second in kept) == list(range(now - 60, now + 1))
    assert counts.take() == ({}, {})


def test_requests_that_nobody_flushes_take_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "KEPT_REQUESTS", 10)
    counts = metrics.Tally()
    for _ in range(20):
        counts.add_request("/unit", "GET", 200, 0.001)
    requests, _ = counts.take()
    assert len(requests["/unit", "GET", 200]) == 10


def test_the_time_of_an_answer_is_observed_at_the_flush() -> None:
    def seen(le: str) -> float:
        labels = {"route": "/unit-time", "le": le}
        return metrics.REGISTRY.get_sample_value("huiquan_request_seconds_bucket", labels) or 0

    for seconds in (0.004, 0.3):
        metrics.request_answered(route="/unit-time", method="GET", status=200, seconds=seconds)
    metrics.flush()
    assert (seen("0.005"), seen("0.2"), seen("0.5"), seen("+Inf")) == (1, 1, 2, 2)


@pytest.mark.parametrize(
    ("ms", "bucket"), [(0, 1), (1, 1), (1.01, 2), (99, 100), (5000, 5000), (60_000, 5000)]
)
def test_a_bucket_holds_its_upper_bound(ms: float, bucket: int) -> None:
    assert metrics.bucket_ms(ms) == bucket


def test_percentiles_lie_straight_within_their_bucket() -> None:
    assert metrics.percentile_ms({}, 0.5) is None
    assert metrics.percentile_ms({10: 100}, 0.5) == 7.5  # from 5 to 10
    assert metrics.percentile_ms({10: 90, 100: 10}, 0.95) == 75.0
    assert metrics.percentile_ms({5000: 1}, 1.0) == 5000.0
