"""Recycling (回收): the unit of a voucher that expired unused can be claimed again, once.

SQL is the record: a batch marks its vouchers, lowers what its tier has given, and has a number.
Then Valkey gives the units back, batch by batch; killed in between, the next run goes on there.
"""

import structlog

from backend import clock
from backend.domain.campaigns import CampaignTerms
from backend.extensions import db, redis_handle
from backend.services import campaigns
from backend.storage.models.campaigns import Recycling
from backend.storage.queries import campaigns as campaign_queries
from backend.storage.queries import recyclings as queries
from backend.storage.redis import quota
from backend.storage.sql import transaction

log = structlog.get_logger()
BATCH = 1000


def recycle_due() -> int:
    """Recycle what has expired in campaigns that still run and want it; return how many units.

    Source: decision 6 of the rules: expired-unused units return to the pool once, and never raise
    the total. Their money went back to `committed` with the expiry; a new claim reserves it anew.
    """
    found = [
        campaign_queries.terms_of(campaign)
        for campaign in campaigns.list_all(campaigns.STATES_WITH_QUOTA)
        if campaign.mode == "claim" and campaign.recycle_expired
    ]
    db.session.close()
    units = 0
    for campaign in found:
        units += sum(_record(campaign.id, tier.id) for tier in campaign.tiers)
        give_back(campaign)
    return units


def _record(campaign_id: str, tier_id: int) -> int:
    """Write one batch of a tier; nobody else writes one of this campaign, or claims, meanwhile."""
    with transaction() as session:
        campaign = campaign_queries.lock_campaign(session, campaign_id)
        if campaign is None or campaign.state not in campaigns.STATES_WITH_QUOTA:
            return 0
        if clock.now() >= campaign.ends_at:
            return 0
        number = queries.of_campaign(session, campaign_id).last_batch + 1
        units = queries.mark_vouchers(session, tier_id, batch=number, limit=BATCH)
        if not units:
            return 0
        campaign_queries.add_claimed_counts(session, {tier_id: -units})
        session.add(
            Recycling(
                campaign_id=campaign_id,
                number=number,
                tier_id=tier_id,
                units=units,
                recycled_at=clock.now(),
            )
        )
    log.info("vouchers_recycled", campaign_id=campaign_id, batch=number, units=units)
    return units


def give_back(campaign: CampaignTerms) -> None:
    """Let Valkey give back every batch that it has not yet; a lost quota is the rebuild's."""
    known = quota.last_recycled(redis_handle.client, campaign.id)
    batches = queries.list_after(db.session(), campaign.id, known)
    db.session.close()
    positions = {tier.id: tier.position for tier in campaign.tiers}
    for batch in batches:
        given = quota.give_back(
            redis_handle.client,
            campaign,
            batch=batch.number,
            tier_position=positions[batch.tier_id],
            units=batch.units,
        )
        if not given:
            log.warning("units_not_given_back", campaign_id=campaign.id, batch=batch.number)
            return
