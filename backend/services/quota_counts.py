"""Bringing changed tier counts into Valkey: numbered in SQL, each added once (count_changes)."""

import structlog

from backend.domain.campaigns import CampaignTerms
from backend.extensions import db, redis_handle
from backend.storage.queries import budgets as queries
from backend.storage.queries import campaigns as campaign_queries
from backend.storage.redis import counts

log = structlog.get_logger()


def push_due() -> int:
    """Bring every change that Valkey lacks, of campaigns that run; return how many. For the job."""
    campaigns = campaign_queries.list_campaigns(db.session(), ("running", "paused"))
    changed = [c.id for c in campaigns if any(tier.count_number for tier in c.tiers)]
    db.session.close()
    return sum(_push(terms)[1] for terms in map(_terms, changed) if terms is not None)


def push(campaign_id: str) -> dict[int, int]:
    """Bring a campaign's changes into its quota; return the last number it holds by tier position.

    Empty when no quota of its epoch is loaded: loading it takes the counts as they are.
    """
    terms = _terms(campaign_id)
    return _push(terms)[0] if terms is not None else {}


def _terms(campaign_id: str) -> CampaignTerms | None:
    campaign = campaign_queries.get_campaign(db.session(), campaign_id)
    terms = None if campaign is None else campaign_queries.terms_of(campaign)
    db.session.close()  # no SQL transaction stays open over a call to Valkey
    return terms


def _push(campaign: CampaignTerms) -> tuple[dict[int, int], int]:
    client = redis_handle.client
    held = counts.last(client, campaign)
    if held is None:
        return {}, 0
    added = 0
    for tier in campaign.tiers:
        if held[tier.position] >= tier.count_number:
            continue
        changes = queries.count_changes_after(db.session(), tier.id, held[tier.position])
        db.session.close()
        for change in changes:
            if not counts.change(
                client,
                campaign,
                number=change.number,
                tier_position=tier.position,
                units=change.units,
            ):
                log.warning("count_not_changed", campaign_id=campaign.id, number=change.number)
                break
            held[tier.position] = change.number
            added += 1
    return held, added
