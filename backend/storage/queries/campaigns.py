"""Reading campaigns, and adding to what their tiers have given."""

from collections.abc import Mapping, Sequence

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from backend.domain.campaigns import CampaignTerms, State, TierTerms
from backend.domain.claim_rules import ClaimArea, ClaimWindow, DailyRelease, first_release
from backend.storage.models.campaigns import Campaign, Tier

UNLIMITED = 9_999_999  # more than any tier has units
_ALL = select(Campaign).order_by(Campaign.opens_at, Campaign.id)
_IN_STATES = _ALL.where(Campaign.state.in_(bindparam("states", expanding=True)))


def get_campaign(session: Session, campaign_id: str) -> Campaign | None:
    """Return a campaign with its tiers and domains, or None."""
    return session.get(Campaign, campaign_id)


def lock_campaign(session: Session, campaign_id: str) -> Campaign | None:
    """Return a campaign nobody else can change until the transaction ends, or None."""
    return session.scalar(
        select(Campaign).where(Campaign.id == campaign_id).with_for_update(of=Campaign)
    )


def hold_epochs(session: Session, campaign_ids: Sequence[str]) -> dict[str, int]:
    """Return the epochs of campaigns; nobody can raise them until the transaction ends."""
    rows = session.execute(
        select(Campaign.id, Campaign.epoch)
        .where(Campaign.id.in_(campaign_ids))
        .order_by(Campaign.id)
        .with_for_update(read=True)
    )
    return {row.id: row.epoch for row in rows}


def list_campaigns(session: Session, states: Sequence[str] | None = None) -> list[Campaign]:
    """Return campaigns in the order of their opening; all, or those in some states."""
    if states is None:
        return list(session.scalars(_ALL))
    return list(session.scalars(_IN_STATES, {"states": states}))


def voucher_terms(
    session: Session, campaign_ids: Sequence[str]
) -> dict[tuple[str, int], tuple[int, int]]:
    """Return (threshold_fen, face_value_fen) of each tier, by campaign id and the tier's id."""
    rows = session.execute(
        select(Tier.campaign_id, Tier.id, Tier.threshold_fen, Tier.face_value_fen).where(
            Tier.campaign_id.in_(campaign_ids)
        )
    )
    return {(name, id_): (threshold, face) for name, id_, threshold, face in rows}


def add_claimed_counts(session: Session, counts: Mapping[int, int]) -> None:
    """Add to claimed_count by tier id; the schema refuses to pass a tier's count.

    Ascending by id, so that two writers cannot wait for each other in a circle.
    """
    for tier_id, count in sorted(counts.items()):
        session.execute(
            update(Tier)
            .where(Tier.id == tier_id)
            .values(claimed_count=Tier.claimed_count + count)
            .execution_options(synchronize_session=False)
        )


def terms_of(campaign: Campaign) -> CampaignTerms:
    """Return what a claim is decided on."""
    state: State = campaign.state  # type: ignore[assignment]  # the schema knows only these states
    return CampaignTerms(
        id=campaign.id,
        name=campaign.name,
        mode=campaign.mode,
        state=state,
        epoch=campaign.epoch,
        opens_at=campaign.opens_at,
        ends_at=campaign.ends_at,
        validity_days=campaign.validity_days,
        claim_day_counts=bool(campaign.claim_day_counts),
        # What is claimed is limited by the tier, what is taken off at the till by the other limits.
        per_person_per_tier=(
            campaign.per_person_per_tier if campaign.mode == "claim" else UNLIMITED
        ),
        one_tier_per_day=campaign.one_tier_per_day,
        per_person=campaign.per_person,
        per_person_per_day=campaign.per_person_per_day,
        daily_release=_daily_release(campaign),
        claim_windows=tuple(
            ClaimWindow(**{**window, "weekdays": tuple(window["weekdays"])})
            for window in campaign.claim_windows or ()
        ),
        claim_area=ClaimArea(**campaign.claim_area) if campaign.claim_area else None,
        card_required=campaign.card_required,
        tiers=tuple(
            TierTerms(
                id=tier.id,
                position=tier.position,
                threshold_fen=tier.threshold_fen,
                face_value_fen=tier.face_value_fen,
                count=tier.count,
                count_number=tier.count_number,
            )
            for tier in campaign.tiers
        ),
    )


def use_minutes(campaign: Campaign) -> tuple[int, int] | None:
    """Return [from, until) of the day in which a campaign's subsidy is used; None: all day."""
    start, end = campaign.use_from_minute, campaign.use_until_minute
    return None if start is None or end is None else (start, end)


def _daily_release(campaign: Campaign) -> DailyRelease | None:
    if campaign.daily_release is None:
        return None
    return DailyRelease(
        units=campaign.daily_release,
        first_at=first_release(campaign.opens_at, campaign.release_minute),
        carry_over=campaign.carry_over,
    )


def take_unit(session: Session, tier_id: int) -> bool:
    """Take one unit of a tier that SQL itself gives out; False when none is left."""
    taken = session.scalar(
        update(Tier)
        .where(Tier.id == tier_id, Tier.claimed_count < Tier.count)
        .values(claimed_count=Tier.claimed_count + 1)
        .execution_options(synchronize_session=False)
        .returning(Tier.id)
    )
    return taken is not None


def give_unit(session: Session, tier_id: int) -> None:
    """Give a unit back that `take_unit` took; the schema refuses to go below none."""
    session.execute(
        update(Tier)
        .where(Tier.id == tier_id)
        .values(claimed_count=Tier.claimed_count - 1)
        .execution_options(synchronize_session=False)
    )


def hold_tiers(session: Session, campaign_id: str) -> None:
    """Hold a campaign's tiers: nobody takes a unit of them until the transaction ends."""
    session.execute(
        select(Tier.id)
        .where(Tier.campaign_id == campaign_id)
        .order_by(Tier.id)
        .with_for_update(key_share=True)
    )
