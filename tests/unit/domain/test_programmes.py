"""The facts of a programme: frozen, and honest about cars and money."""

from dataclasses import FrozenInstanceError, fields

import pytest

from backend.domain.programmes import Domain, Tier
from tests.unit.domain.small_programme import CLAIM, PROGRAMME


def test_a_tier_costs_its_face_times_its_count() -> None:
    tier = Tier(position=1, threshold_fen=20_000, face_value_fen=4_000, count=500)
    assert tier.amount_fen == 2_000_000


@pytest.mark.parametrize(
    ("domain", "is_cars"),
    [
        (Domain(id="CAR", name="汽车"), True),
        (Domain(id="CAR", name="机动车"), True),
        (Domain(id="D9", name="新能源汽车"), True),
        (Domain(id="CARD", name="刷卡"), False),
        (Domain(id="FUEL", name="加油站"), False),
    ],
)
def test_cars_are_known_by_id_and_by_name(domain: Domain, is_cars: bool) -> None:
    assert domain.is_cars is is_cars


def test_nothing_of_a_programme_can_be_changed_in_place() -> None:
    funds, merchants = PROGRAMME.funds, PROGRAMME.merchants
    for part in (PROGRAMME, funds[0], funds[0].quarters[0], PROGRAMME.domains[0], CLAIM,
                 CLAIM.tiers[0], merchants[0], PROGRAMME.partners, PROGRAMME.defaults):  # fmt: skip
        name = fields(part)[0].name
        with pytest.raises(FrozenInstanceError):
            setattr(part, name, getattr(part, name))
    hash(PROGRAMME)  # raises if any part, all the way down, could change
