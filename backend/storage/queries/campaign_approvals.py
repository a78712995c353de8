"""Submissions of campaigns and what was decided of them."""

from collections.abc import Sequence

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from backend.storage.models.campaigns import Campaign, CampaignDecision, CampaignSubmission

_OPEN = ~(
    select(CampaignDecision.number)
    .where(
        CampaignDecision.campaign_id == CampaignSubmission.campaign_id,
        CampaignDecision.number == CampaignSubmission.number,
    )
    .exists()
)

# Of the campaign in whose statement it stands: whether a submission waits.
IS_SUBMITTED = (
    select(CampaignSubmission.number)
    .where(CampaignSubmission.campaign_id == Campaign.id, _OPEN)
    .correlate(Campaign)
    .exists()
)


def staged() -> Select[Campaign, bool]:
    """Return a statement for campaigns, each with whether a submission of it waits."""
    return select(Campaign, IS_SUBMITTED)


def list_submissions(session: Session, campaign_id: str) -> Sequence[CampaignSubmission]:
    """Return a campaign's submissions with their decisions, the newest first."""
    return session.scalars(
        select(CampaignSubmission)
        .where(CampaignSubmission.campaign_id == campaign_id)
        .order_by(CampaignSubmission.number.desc())
    ).all()


def list_open(session: Session) -> Sequence[CampaignSubmission]:
    """Return all submissions that nobody has decided, the oldest first."""
    return session.scalars(
        select(CampaignSubmission)
        .where(_OPEN)
        .order_by(CampaignSubmission.submitted_at, CampaignSubmission.campaign_id)
    ).all()
