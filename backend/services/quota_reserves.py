"""Keeping what a loss took for those who were told of it (预留): a wait, and a reserve of units.

Serials are given one after the other. So the highest serial that SQL has of a lost epoch shows that
all below it were given, and those that SQL lacks are claims that only phones still know.
"""

from datetime import timedelta

import structlog
from flask import current_app

from backend import clock
from backend.domain import refusals
from backend.domain.campaigns import CampaignTerms
from backend.domain.errors import NotFound
from backend.domain.vouchers import first_serial
from backend.extensions import db, redis_handle
from backend.services import audit
from backend.settings import Settings
from backend.storage.queries import audit as audit_queries
from backend.storage.queries import campaigns as campaign_queries
from backend.storage.queries import vouchers as voucher_queries
from backend.storage.redis import moments, reserve
from backend.storage.redis.reserve import Reserve
from backend.storage.sql import transaction

log = structlog.get_logger()
REBUILD, RELEASE = "quota.rebuild", "quota.release_reserve"


def after_loss(campaign: CampaignTerms) -> Reserve:
    """Return what the quota of a campaign's new epoch keeps for receipts.

    For a rebuild, when its fence is up: no row of an older epoch is written any more.
    """
    settings: Settings = current_app.extensions["settings"]
    now = clock.now()
    kept_for = timedelta(hours=settings.receipt_reserve_hours)
    from_epoch = _from_epoch(campaign, kept_for) if kept_for else campaign.epoch
    # Before the opening nobody was told of anything, and the opening must not wait.
    wait_s = settings.receipt_grace_s if now >= campaign.opens_at else 0
    units: dict[int, int] = {}
    known: dict[tuple[int, int], int] = {}
    for tier in campaign.tiers:
        found = voucher_queries.known_serials(db.session(), tier.id, from_epoch=from_epoch)
        units[tier.position] = 0
        for epoch, (count, highest) in found.items():
            units[tier.position] += highest - first_serial(epoch) + 1 - count
            known[tier.position, epoch] = highest
    db.session.close()
    return Reserve(
        claims_wait_until_ms=clock.to_ms(now) + wait_s * 1000 if wait_s else 0,
        until_ms=clock.to_ms(now + kept_for) if kept_for else 0,
        from_epoch=from_epoch,
        day=moments.release_day(campaign, now),
        units=units,
        known=known,
    )


def _from_epoch(campaign: CampaignTerms, kept_for: timedelta) -> int:
    """Return the first epoch that units are still reserved for.

    What was lost longer ago, or was released since, is everybody's: a second loss must not reserve
    it anew.
    """
    lost: list[int] = []
    since = clock.now() - kept_for
    for act in audit_queries.acts_since(db.session(), campaign.id, (REBUILD, RELEASE), since=since):
        lost = [*lost, int(act.details["epoch"]) - 1] if act.action == REBUILD else []
    return min(lost, default=campaign.epoch)


def release(campaign_id: str, *, actor: str) -> dict[int, int]:
    """Give what is reserved to everybody and end the wait; return the units by tier position.

    Receipts are honoured on, from what is left. Raises NotFound, and QuotaUnavailable while the
    quota is not loaded. Killed in between, it is done again.
    """
    with transaction() as session:
        campaign = campaign_queries.lock_campaign(session, campaign_id)
        if campaign is None:
            raise NotFound(f"campaign {campaign_id[:40]!r}")
        found = campaign_queries.terms_of(campaign)
        audit.record(
            session, actor=actor, action=RELEASE, subject=campaign_id, epoch=campaign.epoch
        )
    units = reserve.release(redis_handle.client, found, now_ms=clock.now_ms())
    if units is None:
        raise refusals.QuotaUnavailable(f"{campaign_id} has no quota of epoch {found.epoch}")
    log.info("reserve_released", campaign_id=campaign_id, units=units)
    return units
