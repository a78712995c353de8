"""Whether shops show their placard and posters."""

from datetime import timedelta
from typing import Any

import pytest

from backend import clock
from backend.domain import refusals
from backend.domain.errors import NotFound
from backend.services import placements
from backend.services.placements import PlacementInvalid
from backend.storage.models.onboarding import PlacementCheck
from tests.factories import RESTAURANT, SUPERMARKET, City, rows
from tests.subsidising import picture


def record(check_id: str = "check-1", **changed: Any) -> PlacementCheck:
    given = {
        "merchant_id": SUPERMARKET,
        "material": "poster",
        "found": True,
        "place": "正门玻璃",
        "actor": "孙经办",
    }
    return placements.record(check_id=check_id, **given | changed)


def test_a_check_says_what_was_seen_where_when_and_by_whom(city: City) -> None:
    made = record(photo=picture(), seen_at=clock.now() - timedelta(hours=1))
    assert (made.found, made.place, made.checked_by) == (True, "正门玻璃", "孙经办")
    assert made.photo_digest
    assert made.recorded_at - made.seen_at == timedelta(hours=1)
    record("check-2", merchant_id=RESTAURANT, material="placard", found=False)
    assert [row.id for row in placements.list_checks()] == ["check-2", "check-1"]
    assert [row.id for row in placements.list_checks(SUPERMARKET)] == ["check-1"]


def test_the_same_number_is_the_same_check_and_with_other_contents_refused(city: City) -> None:
    first = record()
    assert record().id == first.id
    with pytest.raises(refusals.RequestReused):
        record(found=False)
    assert len(rows(PlacementCheck)) == 1


def test_a_check_of_tomorrow_of_nowhere_or_of_nobody_is_refused(city: City) -> None:
    record(place="门" * 200, seen_at=clock.now())
    for wrong in (
        {"place": " "},
        {"place": "门" * 201},
        {"seen_at": clock.now() + timedelta(microseconds=1)},
    ):
        with pytest.raises(PlacementInvalid):
            record("check-2", **wrong)
    with pytest.raises(NotFound):
        record("check-2", merchant_id="TJ9999")
    assert len(rows(PlacementCheck)) == 1
