"""A campaign's preflight: what is a fault, on both sides of each line."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from backend.domain.campaigns import TierTerms
from backend.domain.china import CHINA
from backend.domain.preflights import Facts, findings, per_person_fen

OPENS = datetime(2023, 4, 28, 10, tzinfo=CHINA)
TIERS = tuple(
    TierTerms(id=n, position=n, threshold_fen=2 * face, face_value_fen=face, count=100)
    for n, face in ((1, 1_000), (2, 3_000))
)
SOUND = Facts(
    mode="claim",
    tiers=TIERS,
    amount_fen=400_000,
    available_fen=400_000,
    quarter="Q2",
    opens_at=OPENS,
    ends_at=OPENS + timedelta(days=3),
    now=OPENS - timedelta(microseconds=1),
    shops={"百货": 1, "餐饮": 2},
    people=1,
    card_required=False,
    per_person=None,
    per_person_per_tier=1,
)


def faults(facts: Facts) -> list[str]:
    return [finding.title for finding in findings(facts) if finding.is_fault]


def test_a_sound_campaign_has_no_fault() -> None:
    assert faults(SOUND) == []
    assert len(findings(SOUND)) == 8


@pytest.mark.parametrize(
    ("changed", "title"),
    [
        ({"amount_fen": 399_999, "available_fen": 399_999}, "最多支出"),
        ({"available_fen": 399_999}, "资金"),
        ({"now": OPENS}, "时间"),
        ({"now": OPENS + timedelta(days=3)}, "时间"),
        ({"quarter": "Q1"}, "季度"),
        ({"tiers": (replace(TIERS[0], threshold_fen=1_999), TIERS[1])}, "门槛"),
        ({"shops": {"百货": 1, "餐饮": 0}}, "可用商户"),
        ({"people": 0}, "谁可以领"),
    ],
)
def test_each_fault_is_told_by_its_title_alone(changed: dict[str, object], title: str) -> None:
    assert faults(replace(SOUND, **changed)) == [title]  # type: ignore[arg-type]  # any field


@pytest.mark.parametrize(
    ("limits", "most_fen"),
    [({}, 4_000), ({"per_person": 1}, 3_000), ({"per_person_per_tier": 2}, 8_000)],
)
def test_a_person_gets_at_most_the_largest_units_that_the_limits_leave(
    limits: dict[str, int], most_fen: int
) -> None:
    assert per_person_fen(replace(SOUND, **limits)) == most_fen  # type: ignore[arg-type]
