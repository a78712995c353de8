"""What the scripts are told of a moment: times, validity, what is released."""

from datetime import datetime
from typing import NamedTuple

from backend import clock
from backend.domain.campaigns import CampaignTerms, TierTerms
from backend.storage.redis import held


class Moment(NamedTuple):
    """A tier at one millisecond as the claim script wants it: alike for all who claim from it."""

    tier: TierTerms
    now: datetime
    now_ms: int
    validity: tuple[datetime, datetime]  # of what is taken now
    since_opening: str
    times: tuple[str | int, ...]
    release: tuple[str | int, ...]


def moment_of(
    campaign: CampaignTerms, tier: TierTerms, now_ms: int, validity: tuple[datetime, datetime]
) -> Moment:
    """Return a tier at a moment.

    :param validity: what a voucher gets if it is taken now
    """
    now = clock.from_ms(now_ms)
    day_began, _ = clock.day_bounds(now.date())
    return Moment(
        tier=tier,
        now=now,
        now_ms=now_ms,
        validity=validity,
        since_opening=held.since_opening(campaign, now_ms),
        times=(
            clock.to_ms(day_began) - campaign.opens_at_ms,
            clock.to_ms(validity[0]),
            clock.to_ms(validity[1]),
        ),
        release=_release_args(campaign, tier, now),
    )


def _release_args(campaign: CampaignTerms, tier: TierTerms, now: datetime) -> tuple[str | int, ...]:
    release = campaign.daily_release
    if release is None:
        return 0, "", 0
    day = release_day(campaign, now)
    return release.unreleased(tier.count, now), day, release.units_today(now)


def release_day(campaign: CampaignTerms, at: datetime) -> str:
    """Return the release day of a moment as the scripts want it: empty where none is counted."""
    release = campaign.daily_release
    return "" if release is None or release.carry_over else str(release.day(at))
