"""Live figures, counted over processes, with a real Valkey and both databases."""

import time

import pytest
from flask import Flask

from backend import clock, metrics
from backend.domain import refusals
from backend.domain.errors import NotFound
from backend.extensions import redis_handle
from backend.services import campaigns, live
from backend.storage.redis import keys, live_counts
from tests.factories import MAY, City, MovableClock, drain
from tests.integration.services.claim_rules import with_terms


@pytest.fixture(autouse=True)
def counted_anew(app: Flask) -> None:
    """Neither this process's counts nor what it remembers come from another test."""
    metrics.flush()
    live.forget()


def test_the_figures_of_two_processes_are_added_up(city: City, moment: MovableClock) -> None:
    holder = city.resident()
    for person in (holder, city.resident()):
        city.claim(person)
    with pytest.raises(refusals.ClaimLimitReached):
        city.claim(holder)
    live.flush()
    second = int(clock.now().timestamp())
    other = {(MAY, second): {"taken": 8, "le:5": 8}}  # what a second process counted meanwhile
    live_counts.add(redis_handle.client, other)
    moment.move(seconds=live.SETTLED_AFTER_S)
    figures = live.of_campaign(MAY)
    assert figures.claims_per_s == {"last_5_s": 2.0, "last_60_s": 0.2}  # 10 claims
    assert figures.refusals == {"claim_limit_reached": 1}
    assert (figures.state, figures.backlog) == ("running", 2)
    assert (figures.tiers[0].claimed, figures.tiers[0].left) == (2, 2498)
    assert figures.latency_ms["p50"] is not None
    assert figures.now_ms == clock.to_ms(clock.now())
    drain()
    live.forget()
    assert live.of_campaign(MAY).backlog == 0


def test_a_second_counts_until_it_has_left_the_window(city: City, moment: MovableClock) -> None:
    city.claim(city.resident())
    live.flush()

    def rates() -> tuple[float, float]:
        live.forget()
        figures = live.of_campaign(MAY).claims_per_s
        return figures["last_5_s"], figures["last_60_s"]

    assert rates() == (0, 0)  # the second is not settled
    moment.move(seconds=2)
    assert rates() == (0.2, 0.0)  # 1/60 shows as 0.0
    moment.move(seconds=5)
    assert rates()[0] == 0
    moment.move(seconds=54)
    live.forget()
    assert live.of_campaign(MAY).latency_ms["p95"] is not None
    moment.move(seconds=1)
    live.forget()
    assert live.of_campaign(MAY).latency_ms["p95"] is None


def test_figures_are_at_most_a_second_old(city: City) -> None:
    assert live.of_campaign(MAY).tiers[0].claimed == 0
    city.claim(city.resident())
    assert live.of_campaign(MAY).tiers[0].claimed == 0
    time.sleep(live.CACHED_S)
    assert live.of_campaign(MAY).tiers[0].claimed == 1


def test_a_claim_itself_writes_no_counter_and_the_counter_runs_out(city: City) -> None:
    city.claim(city.resident())
    key = keys.live(MAY, int(clock.now().timestamp()))
    assert not redis_handle.client.exists(key)
    live.flush()
    assert redis_handle.client.hget(key, "taken") == "1"
    assert 0 < redis_handle.client.ttl(key) <= live_counts.TTL_S
    live.flush()
    assert redis_handle.client.hget(key, "taken") == "1"


def test_a_process_that_serves_flushes_by_itself(city: City) -> None:
    stopping = live.start_flushing()
    try:
        city.claim(city.resident())
        key = keys.live(MAY, int(clock.now().timestamp()))
        limit_s = time.monotonic() + 10
        while not redis_handle.client.exists(key) and time.monotonic() < limit_s:
            time.sleep(0.05)
        assert redis_handle.client.hget(key, "taken") == "1"
    finally:
        stopping.set()


def test_a_valkey_that_is_down_costs_figures_and_no_claim(city: City, app: Flask) -> None:
    city.claim(city.resident())
    app.config["REDIS_URL"], kept = "redis://127.0.0.1:9/0", app.config["REDIS_URL"]
    redis_handle.init_app(app)
    try:
        live.flush()
    finally:
        app.config["REDIS_URL"] = kept
        redis_handle.init_app(app)
    assert metrics.flush() == {}


def test_a_draft_and_an_unknown_campaign_have_no_figures(city: City) -> None:
    for campaign_id in ("Q2-APPL", "NO-SUCH"):
        with pytest.raises(NotFound):
            live.of_campaign(campaign_id)


def test_a_scrape_sees_every_campaign_that_can_be_claimed_from(city: City) -> None:
    city.claim(city.resident(), tier=2)
    (found,) = live.quotas()
    assert (found.campaign_id, found.backlog) == (MAY, 1)
    assert [tier.claimed for tier in found.tiers][:2] == [0, 1]
    campaigns.stop(MAY, actor="test", reason="试")
    assert live.quotas() == []


def test_todays_left_is_told_where_units_are_released_by_the_day(city: City) -> None:
    with_terms(daily_release=5, carry_over=False)
    city.claim(city.resident(), tier=3)
    campaigns.forget_snapshots()
    tier = live.of_campaign(MAY).tiers[2]
    assert (tier.left, tier.left_today) == (399, 4)
