"""Vehicles' numbers, tiers, windows, evidence and notices of special subsidies."""

from datetime import date
from itertools import product
from typing import get_args

import pytest

from backend.domain import subsidies as rules
from backend.domain.campaigns import TierTerms


@pytest.mark.parametrize("vin", ["LSVAA49J132047371", "1M8GDM9AXKP042788", "WVWZZZ1KZ6W000001"])
def test_a_true_vehicles_number_is_taken(vin: str) -> None:
    if vin.startswith("L"):
        weights = zip(vin, rules._VIN_WEIGHTS, strict=True)
        rest = sum(rules._VIN_VALUES[c] * w for c, w in weights) % 11
        vin = vin[:8] + ("X" if rest == 10 else str(rest)) + vin[9:]
    assert rules.is_vin(vin)


@pytest.mark.parametrize(
    "vin", ["", "1M8GDM9AXKP04278", "1M8GDM9AXKP0427881", "1M8GDM9AXKPO42788", "1M8GDM9AXKPI42788",
            "1M8GDM9AXKPQ42788", "1m8gdm9axkp042788", "1M8GDM9AXKP04278８", "1M8GDM9AXKP042788\n"]
)  # fmt: skip
def test_another_text_is_no_vehicles_number(vin: str) -> None:
    assert not rules.is_vin(vin)


def test_a_vehicle_made_in_china_has_one_right_check_digit() -> None:
    found = [c for c in "0123456789X" if rules.is_vin(f"LSVAA49J{c}32047371")]
    assert len(found) == 1
    assert rules.is_vin("1SVAA49J032047371")  # elsewhere it is not asked


def test_an_invoice_reaches_the_highest_tier_inclusive() -> None:
    tiers = [
        TierTerms(id=n, position=n, threshold_fen=t, face_value_fen=1, count=1)
        for n, t in ((1, 5_000_000), (2, 10_000_000))
    ]
    reached = [
        tier.id if (tier := rules.tier_for(tiers, fen)) else None
        for fen in (4_999_999, 5_000_000, 9_999_999, 10_000_000, 99_000_000)
    ]
    assert reached == [None, 1, 1, 2, 2]


def test_an_invoices_day_lies_in_the_campaign_and_not_ahead() -> None:
    first, last, today = date(2023, 7, 1), date(2023, 9, 30), date(2023, 9, 10)
    days = [date(2023, 6, 30), first, today, date(2023, 9, 11), date(2023, 10, 1)]
    found = [rules.in_window(day, first=first, last=last, today=today) for day in days]
    assert found == [False, True, True, False, False]


def test_what_is_typed_needs_no_file_and_the_rest_does() -> None:
    wanted = ("invoice_number", "vin", "photo", "licence")
    assert rules.missing_evidence(wanted, ["photo-2"]) == ["licence"]
    assert rules.missing_evidence(wanted, ["photo", "licence"]) == []


def test_every_state_has_a_sentence_for_the_applicant() -> None:
    for state, payment in product(get_args(rules.SubsidyState), get_args(rules.Payment)):
        assert len(rules.notice(state, payment, None)) > 5
    told = {rules.notice("granted", "returned", c) for c in get_args(rules.CorrectionState)}
    assert len(told | {rules.notice("granted", "returned", None)}) == 4
