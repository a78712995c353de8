"""The rules within one campaign, each broken once and kept once."""

from dataclasses import replace
from datetime import datetime

import pytest

from backend.domain.china import CHINA
from backend.domain.programme_campaign_checks import campaign_faults
from backend.domain.programmes import Campaign, QuarterName, Tier
from tests.unit.domain.small_programme import CLAIM, DEFAULTS, ENTRY, SUBSIDY

INSTANT = replace(CLAIM, mode="instant", validity_days=None, claim_day_counts=None)


def wrong(campaign: Campaign) -> list[str]:
    """Return the paths of the campaign's faults below itself, as dotted text."""
    faults = campaign_faults(("c",), campaign, DEFAULTS)
    return [".".join(str(step) for step in fault.path[1:]) for fault in faults]


def tier(position: int, threshold_fen: int, face_value_fen: int, count: int = 1) -> Tier:
    return Tier(
        position=position, threshold_fen=threshold_fen, face_value_fen=face_value_fen, count=count
    )


def with_tiers(campaign: Campaign, *tiers: Tier) -> Campaign:
    return replace(campaign, tiers=tiers, amount_fen=sum(t.amount_fen for t in tiers))


@pytest.mark.parametrize("campaign", [CLAIM, INSTANT, SUBSIDY, ENTRY], ids=lambda c: c.mode)
def test_a_legal_campaign_of_each_mode_has_no_fault(campaign: Campaign) -> None:
    assert wrong(campaign) == []


@pytest.mark.parametrize("difference_fen", [-1, 1])
def test_the_amount_is_face_times_count_to_the_fen(difference_fen: int) -> None:
    assert wrong(replace(CLAIM, amount_fen=10_000 + difference_fen)) == ["amount"]


def test_a_campaign_opens_before_it_ends() -> None:
    assert wrong(replace(CLAIM, ends_at=CLAIM.opens_at)) == ["ends"]
    assert wrong(replace(CLAIM, ends_at=CLAIM.opens_at.replace(minute=1))) == []


@pytest.mark.parametrize(
    ("opens_at", "quarter"),
    [
        (datetime(2023, 1, 1, tzinfo=CHINA), "Q1"),
        (datetime(2023, 3, 31, 23, 59, tzinfo=CHINA), "Q1"),
        (datetime(2023, 4, 1, tzinfo=CHINA), "Q2"),
        (datetime(2023, 6, 30, 23, 59, tzinfo=CHINA), "Q2"),
        (datetime(2023, 7, 1, tzinfo=CHINA), "Q3"),
        (datetime(2023, 9, 30, 23, 59, tzinfo=CHINA), "Q3"),
        (datetime(2023, 10, 1, tzinfo=CHINA), "Q4"),
        (datetime(2023, 12, 31, 23, 59, tzinfo=CHINA), "Q4"),
        (datetime.fromisoformat("2023-03-31T16:00+00:00"), "Q2"),  # 00:00 of 1 April in China
        (datetime.fromisoformat("2023-03-31T15:59+00:00"), "Q1"),
    ],
)
def test_the_quarter_is_that_of_the_opening_in_china(
    opens_at: datetime, quarter: QuarterName
) -> None:
    campaign = replace(CLAIM, opens_at=opens_at, ends_at=datetime(2024, 2, 1, tzinfo=CHINA))
    names: list[QuarterName] = ["Q1", "Q2", "Q3", "Q4"]
    legal = [name for name in names if not wrong(replace(campaign, quarter=name))]
    assert legal == [quarter]
    assert wrong(replace(campaign, quarter=None)) == []


def test_a_wrong_opening_is_told_at_the_key_that_the_mode_writes_it_in() -> None:
    assert wrong(replace(CLAIM, quarter="Q3")) == ["claim_opens"]
    assert wrong(replace(INSTANT, quarter="Q3")) == ["starts"]


@pytest.mark.parametrize(
    ("hours", "legal"),
    [((0, 1440), True), ((1439, 1440), True), ((960, 960), False), ((960, 959), False),
     ((960, 1441), False), ((-1, 60), False)],
)  # fmt: skip
def test_hours_lie_within_one_day(hours: tuple[int, int], legal: bool) -> None:
    assert wrong(replace(CLAIM, hours=hours)) == ([] if legal else ["hours"])


@pytest.mark.parametrize("campaign", [INSTANT, SUBSIDY, ENTRY], ids=lambda c: c.mode)
def test_only_a_claim_has_a_validity(campaign: Campaign) -> None:
    assert wrong(replace(campaign, validity_days=7, claim_day_counts=True)) == ["validity"]
    assert wrong(replace(CLAIM, validity_days=None, claim_day_counts=None)) == ["validity"]


@pytest.mark.parametrize(("days", "legal"), [(0, False), (1, True), (366, True), (367, False)])
def test_a_validity_has_a_day_and_at_most_a_year(days: int, legal: bool) -> None:
    assert wrong(replace(CLAIM, validity_days=days)) == ([] if legal else ["validity.days"])


def test_a_validity_says_whether_the_day_of_the_claim_counts() -> None:
    assert wrong(replace(CLAIM, claim_day_counts=None)) == ["validity"]


def test_an_entry_waiver_names_its_merchant() -> None:
    assert wrong(replace(ENTRY, merchant_id=None)) == ["merchant"]
    assert wrong(replace(CLAIM, merchant_id=None)) == []


def test_evidence_belongs_to_subsidies_and_each_kind_is_asked_once() -> None:
    assert wrong(replace(SUBSIDY, evidence=())) == ["evidence"]
    assert wrong(replace(CLAIM, evidence=("vin",))) == ["evidence"]
    assert wrong(replace(SUBSIDY, evidence=("vin", "photo"))) == []
    assert wrong(replace(SUBSIDY, evidence=("vin", "vin"))) == ["evidence.1"]
    assert wrong(replace(SUBSIDY, evidence=("VIN",))) == ["evidence.0"]


LIMITS = {
    "per_person_per_tier": "per_person_per_tier",
    "per_person": "per_person",
    "per_person_per_day": "per_person_per_day",
    "per_person_per_merchant_per_day": "per_person_per_merchant_per_day",
    "person_per_natural_month": "person_limit.per_natural_month",
    "daily_release": "daily_release",
}


@pytest.mark.parametrize("field", LIMITS)
@pytest.mark.parametrize(
    ("limit", "legal"), [(-1, False), (0, False), (1, True), (9_999_999, True), (10_000_000, False)]
)
def test_a_limit_lets_at_least_one_through(field: str, limit: int, legal: bool) -> None:
    campaign = replace(CLAIM, **{field: limit})  # type: ignore[arg-type]  # each of them is an int
    assert wrong(campaign) == ([] if legal else [LIMITS[field]])


def test_a_limit_taken_from_faulty_defaults_is_not_told_again() -> None:
    faulty = replace(DEFAULTS, per_person_per_tier=0, per_person_per_merchant_per_day=0)
    inherits = replace(CLAIM, per_person_per_tier=0, per_person_per_merchant_per_day=0)
    assert list(campaign_faults(("c",), inherits, faulty)) == []
    assert len(list(campaign_faults(("c",), inherits, DEFAULTS))) == 2


def test_only_a_daily_release_can_carry_over() -> None:
    assert wrong(replace(CLAIM, carry_over=True)) == ["carry_over"]
    assert wrong(replace(CLAIM, carry_over=True, daily_release=1)) == []


def test_a_claim_alone_says_whether_it_wants_a_card() -> None:
    assert wrong(replace(CLAIM, card_required=True)) == []
    for campaign in (INSTANT, SUBSIDY, ENTRY):
        assert wrong(replace(campaign, card_required=True)) == ["card_required"]


def test_a_face_is_one_fen_below_its_threshold_at_most() -> None:
    assert wrong(with_tiers(CLAIM, tier(1, 1_000, 1_000))) == ["tiers.0.face"]
    assert wrong(with_tiers(CLAIM, tier(1, 1_000, 999))) == []


def test_only_an_entry_waiver_may_have_the_threshold_0() -> None:
    assert wrong(with_tiers(CLAIM, tier(1, 0, 1))) == ["tiers.0.threshold", "tiers.0.face"]
    assert wrong(with_tiers(ENTRY, tier(1, 0, 1))) == []
    assert wrong(with_tiers(ENTRY, tier(1, -1, 1))) == ["tiers.0.threshold", "tiers.0.face"]
    assert wrong(with_tiers(ENTRY, tier(1, 1, 1))) == ["tiers.0.face"]
    assert wrong(with_tiers(ENTRY, tier(1, 2, 1))) == []


def test_tiers_ascend_by_threshold_and_by_face() -> None:
    low = tier(1, 100, 10)
    assert wrong(with_tiers(CLAIM, low, tier(2, 101, 11))) == []
    assert wrong(with_tiers(CLAIM, low, tier(2, 100, 11))) == ["tiers.1.threshold"]
    assert wrong(with_tiers(CLAIM, low, tier(2, 99, 11))) == ["tiers.1.threshold"]
    assert wrong(with_tiers(CLAIM, low, tier(2, 101, 10))) == ["tiers.1.face"]
    assert wrong(with_tiers(CLAIM, low, tier(2, 101, 9))) == ["tiers.1.face"]


@pytest.mark.parametrize(
    ("count", "legal"), [(0, False), (1, True), (9_999_999, True), (10_000_000, False)]
)
def test_a_tier_has_between_one_and_9_999_999_vouchers(count: int, legal: bool) -> None:
    # A second tier keeps the amount legal when the first has no voucher at all.
    campaign = with_tiers(CLAIM, tier(1, 100, 1, count), tier(2, 200, 2))
    assert wrong(campaign) == ([] if legal else ["tiers.0.count"])


def test_a_campaign_has_a_tier() -> None:
    assert wrong(replace(CLAIM, tiers=())) == ["tiers"]


def test_an_amount_beyond_a_thousand_million_yuan_is_refused() -> None:
    face_fen = 100_000
    assert wrong(with_tiers(CLAIM, tier(1, 200_000, face_fen, 1_000_000))) == []
    assert wrong(with_tiers(CLAIM, tier(1, 200_000, face_fen, 1_000_001))) == ["amount"]
