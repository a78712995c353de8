"""The values of the claim's own rules in a programme file: as written, and told when wrong."""

import pytest

from backend.domain.claim_rules import ClaimArea, ClaimWindow
from backend.services.programme_files import parse_programme
from tests.unit.services.sample_programme import SAMPLE, changed, faults_of

MAY = "claim_opens: 2023-04-28T10:00, ends: 2023-05-10"
SQUARE = '{name: 东北亚广场, centre: "47.651300,132.510400", radius_m: 300}'


def test_release_windows_and_area_are_read_in_minutes_and_millionths_of_a_degree() -> None:
    more = (
        'daily_release: 50, carry_over: true, release_at: "09:30", per_person: 3, '
        'claim_windows: [{weekdays: [5, 6, 7], hours: "18:00-24:00"}, {hours: "00:00-01:00"}], '
        f"claim_area: {SQUARE}"
    )
    programme = parse_programme(changed((MAY, f"{MAY}, {more}")))
    campaign = next(c for c in programme.campaigns if c.id == "Q2-MAY")
    assert (campaign.daily_release, campaign.release_minute) == (50, 570)
    assert campaign.claim_windows == (
        ClaimWindow(weekdays=(5, 6, 7), from_minute=1080, until_minute=1440),
        ClaimWindow(weekdays=(1, 2, 3, 4, 5, 6, 7), from_minute=0, until_minute=60),
    )
    assert campaign.claim_area == ClaimArea(
        name="东北亚广场", latitude_e6=47_651_300, longitude_e6=132_510_400, radius_m=300
    )


def test_a_campaign_may_want_a_bound_card() -> None:
    programme = parse_programme(changed((MAY, f"{MAY}, card_required: true")))
    assert [c.id for c in programme.campaigns if c.card_required] == ["Q2-MAY"]


def test_the_sample_has_none_of_them() -> None:
    for campaign in parse_programme(SAMPLE).campaigns:
        assert (campaign.release_minute, campaign.claim_windows, campaign.claim_area) == (
            None, (), None,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("more", "where", "reason"),
    [
        ('release_at: "10:00"', "release_at", "没有写每日投放量"),
        ('daily_release: 5, release_at: "24:00"', "release_at", '应写成 "10:00"'),
        ("daily_release: 5, release_at: 10", "release_at", '应写成 "10:00"'),
        ('claim_windows: [{hours: "18:00-02:00"}]', "claim_windows[0].hours", "不能跨零点"),
        (
            'claim_windows: [{weekdays: [0], hours: "18:00-20:00"}]',
            "claim_windows[0].weekdays",
            "1（周一）至 7（周日）",
        ),
        (
            'claim_windows: [{weekdays: [5, 5], hours: "18:00-20:00"}]',
            "claim_windows[0].weekdays",
            "不能重复",
        ),
        (f"claim_area: {SQUARE.replace('300}', '19}')}", "claim_area.radius_m", "20"),
        (f"claim_area: {SQUARE.replace('47.651300', '47.6513')}", "claim_area.centre", "六位小数"),
        (
            f"claim_area: {SQUARE.replace('47.651300,132.510400', '91.651300,47.651300')}",
            "claim_area.centre",
            "先写纬度",
        ),
        (f"claim_area: {SQUARE.replace('东北亚广场', '')}", "claim_area.name", ""),
    ],
)
def test_a_wrong_value_is_told_at_its_place(more: str, where: str, reason: str) -> None:
    [(_, place, said), *_] = faults_of(changed((MAY, f"{MAY}, {more}")))
    assert place == f"campaigns[3].{where}"
    assert reason in said


def test_what_is_not_claimed_has_no_window_and_no_area() -> None:
    fuel = "starts: 2023-05-01, ends: 2023-06-29"
    text = changed((fuel, f'{fuel}, claim_windows: [{{hours: "18:00-20:00"}}]'))
    [(_, place, said)] = faults_of(text)
    assert (place, "只有领券活动" in said) == ("campaigns[5].claim_windows", True)
