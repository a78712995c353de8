"""A changed count reaches the quota exactly once, whatever dies in between."""

from functools import partial

import pytest

from backend.domain.campaigns import ActNotPossible
from backend.extensions import redis_handle
from backend.services import budgets, campaigns, quota_checks, quota_counts
from backend.storage.redis import counts, keys, quota
from tests.factories import MAY, City, approve
from tests.integration.services.budget_parts import confirm, propose_tiers, race
from tests.integration.services.claim_rules import agree, code, rebuild


def left(campaign_id: str = MAY) -> dict[int, int]:
    campaigns.forget_snapshots()
    return quota.left(redis_handle.client, campaigns.terms(campaign_id))


def unheard(id_: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Confirm a change and die before Valkey is told."""
    with monkeypatch.context() as dying:
        dying.setattr(quota_counts, "push", lambda campaign_id: {})
        confirm(id_)


def test_a_raised_count_can_be_claimed_at_once_and_to_the_last_unit(city: City) -> None:
    redis_handle.client.hset(keys.quota(MAY), "left:3", 0)
    assert code(city, city.resident().id, 3, "request-0001") == "quota_exhausted"
    propose_tiers("UP", {3: 402})
    confirm("UP")
    people = [city.resident().id for _ in range(20)]
    found = race(
        city.app,
        [partial(_claim, city, person, n) for n, person in enumerate(people)],
    )
    assert sorted(found) == ["done"] * 2 + ["quota_exhausted"] * 18


def _claim(city: City, person: int, n: int) -> None:
    from backend.services import claims

    claims.claim_voucher(
        campaign_id=MAY, tier_position=3, resident_id=person, request_id=f"request-1{n:04d}"
    )


def test_killed_between_sql_and_valkey_the_job_adds_what_is_missing_once(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    propose_tiers("B1", {1: 2510, 3: 401})
    unheard("B1", monkeypatch)
    propose_tiers("B2", {1: 2530})
    unheard("B2", monkeypatch)
    assert left() == {1: 2500, 2: 2000, 3: 400}
    assert not agree()
    assert quota_counts.push_due() == 3
    assert quota_counts.push_due() == 0
    assert left() == {1: 2530, 2: 2000, 3: 401}
    assert agree()


def test_20_jobs_at_once_add_a_change_once(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    propose_tiers("B1", {1: 2510})
    unheard("B1", monkeypatch)
    assert race(city.app, [quota_counts.push_due] * 20) == ["done"] * 20
    assert left()[1] == 2510
    assert agree()


def test_a_rebuild_takes_the_counts_as_they_are_and_nothing_is_added_again(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    propose_tiers("B1", {1: 2510})
    unheard("B1", monkeypatch)
    city.claim(city.resident())
    from tests.factories import drain

    drain()
    rebuild()
    assert left()[1] == 2509
    assert quota_counts.push_due() == 0
    assert left()[1] == 2509
    assert agree()


def test_a_change_is_taken_in_its_order_and_only_by_its_epoch(city: City) -> None:
    client, campaign = redis_handle.client, campaigns.terms(MAY)
    change = partial(counts.change, client, campaign, tier_position=1)
    assert not change(number=2, units=5)  # the first is missing
    assert change(number=1, units=5)
    assert change(number=1, units=5)
    assert left()[1] == 2505
    assert not change(number=2, units=-2506)
    assert change(number=2, units=-2505)
    assert left()[1] == 0
    client.hset(keys.quota(MAY), "epoch", 7)
    assert not change(number=3, units=5)
    assert counts.last(client, campaign) is None
    assert client.hget(keys.quota(MAY), "left:1") == "0"


def test_a_change_between_loading_and_running_is_not_run_over(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = "Q3-NIGHT"
    approve(night, actor="test")
    real = quota_counts.push

    def lowered_meanwhile(campaign_id: str) -> dict[int, int]:
        held = real(campaign_id)
        with monkeypatch.context() as once:
            once.setattr(quota_counts, "push", real)
            propose_tiers("DOWN", {1: 1000}, campaign_id=night)
            unheard("DOWN", monkeypatch)
        return held

    with monkeypatch.context() as racing:
        racing.setattr(quota_counts, "push", lowered_meanwhile)
        with pytest.raises(ActNotPossible):
            campaigns.run(night, actor="test")
    assert left(night)[1] == 2000  # loaded by the run that was refused
    campaigns.run(night, actor="test")
    assert left(night) == {1: 1000, 2: 1500, 3: 500}
    assert quota_checks.check(looks=1).differences == ()


def test_a_campaign_without_a_quota_has_nothing_to_be_told(city: City) -> None:
    approve("Q3-NIGHT", actor="test")
    assert quota_counts.push("Q3-NIGHT") == {}
    assert quota_counts.push("NO-SUCH") == {}
    assert budgets.list_changes() == []
