"""Rebuilding a campaign's quota that Valkey lost, in the one order that gives nothing twice.

Close Valkey → write what the stream still has → raise the epoch in SQL → count → load who holds
what → load the quota, its epoch last. Killed anywhere it may be run again (docs/adr/0010).
"""

import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import redis
import structlog

from backend import clock, redis_clients
from backend.domain.campaigns import MODES_WITH_QUOTA, ActNotPossible, CampaignTerms, TierTerms
from backend.domain.errors import HuiquanError, NotFound
from backend.domain.vouchers import first_serial, validity
from backend.extensions import db, redis_handle
from backend.services import audit, campaigns, claims, quota_reserves
from backend.storage.queries import campaigns as queries
from backend.storage.queries import recyclings, returned_units
from backend.storage.queries import vouchers as voucher_queries
from backend.storage.redis import keys, moments, quota, rebuild, safety, stream
from backend.storage.sql import exclusively, transaction

log = structlog.get_logger()
NO_REQUEST = "-"  # the tag of a held unit whose request is not known; no request's own
BATCH = 5000  # rows a round trip: Valkey is busy with it for some 10 ms


class QuotaStillLoaded(HuiquanError):
    code = "quota_still_loaded"
    message = "Valkey 中仍有本场活动的名额，无需重建；确需重建请加 --force"
    category = "conflict"


class QuotaOfLaterEpoch(HuiquanError):
    code = "quota_of_later_epoch"
    message = "Valkey 中的名额比数据库更新，数据库可能是从旧备份恢复的，请先核对 DATABASE_URL"
    category = "conflict"


class RebuildRunning(HuiquanError):
    code = "rebuild_running"
    message = "另一个进程正在重建本场活动的名额，请稍后再看"
    category = "conflict"


@dataclass(frozen=True, kw_only=True)
class Rebuilt:
    """The epoch that was loaded, and the units found given by tier position."""

    epoch: int
    given: dict[int, int]
    seconds: float


def rebuild_lost() -> int:
    """Rebuild every campaign that needs a quota and has none of its epoch; return how many.

    For the job. A server that could lose claims again is not loaded: readiness names its faults.
    """
    found = [
        queries.terms_of(campaign)
        for campaign in queries.list_campaigns(db.session(), claims.STATES_WITH_CLAIMS)
        if campaign.mode in MODES_WITH_QUOTA
    ]
    db.session.close()
    running = [terms for terms in found if terms.state in campaigns.STATES_WITH_QUOTA]
    over = [terms for terms in found if terms not in running and _receipts_matter(terms)]
    rebuilt = 0
    for campaign_id in _lost(running) + _lost(over):  # claims wait for the first ones
        try:
            run(campaign_id, actor="system")
        except HuiquanError as refused:  # another machine does it, or the server is unsafe
            log.warning("quota_not_rebuilt", campaign_id=campaign_id, code=refused.code)
        else:
            rebuilt += 1
    return rebuilt


def _receipts_matter(campaign: CampaignTerms) -> bool:
    """Whether a voucher of a stopped or ended campaign can still be valid, lost or not."""
    if campaign.validity_days is None:
        return False
    _, until = validity(
        campaign.ends_at,
        days=campaign.validity_days,
        claim_day_counts=campaign.claim_day_counts,
    )
    return clock.now() < until


def _lost(found: list[CampaignTerms]) -> list[str]:
    """Return the campaigns whose server answers and has no quota of their epoch.

    An older one came back with a replica that took over, or with an older file: nobody can claim
    from it.
    """
    client, lost = redis_handle.client, []
    for group in redis_clients.by_node(client, found, lambda terms: keys.quota(terms.id)):
        try:
            for terms in group:
                loaded = quota.loaded(client, terms.id)
                if loaded is None or loaded[0] < terms.epoch:
                    lost.append(terms.id)
        except redis.RedisError as error:
            if not redis_clients.is_cluster(client):
                raise
            names = [terms.id for terms in group]
            log.warning("quota_not_asked", campaigns=names, error=type(error).__name__)
    return lost


def run(campaign_id: str, *, actor: str, force: bool = False) -> Rebuilt:
    """Load a campaign's quota anew from SQL; safe to repeat and to kill at any point.

    :param force: also when Valkey still has the current epoch; it is closed and drained first
    Raises QuotaStillLoaded, QuotaOfLaterEpoch, RebuildRunning, ValkeyUnsafe, ActNotPossible.
    """
    started_s = time.monotonic()
    safety.refuse_unsafe(redis_handle.client)
    with exclusively(f"rebuild-{campaign_id}") as alone:
        if not alone:
            raise RebuildRunning(campaign_id)
        _refuse(_terms(campaign_id), force=force)
        rebuild.close(redis_handle.client, campaign_id)
        _drain(campaign_id)
        _raise_epoch(campaign_id, actor=actor)
        given = _load(_terms(campaign_id))
    campaigns.forget_snapshots()
    done = Rebuilt(
        epoch=_terms(campaign_id).epoch, given=given, seconds=time.monotonic() - started_s
    )
    log.warning("quota_rebuilt", campaign_id=campaign_id, epoch=done.epoch, given=given)
    return done


def _terms(campaign_id: str) -> CampaignTerms:
    campaign = queries.get_campaign(db.session(), campaign_id)
    if campaign is None:
        raise NotFound(f"campaign {campaign_id[:40]!r}")
    found = queries.terms_of(campaign)
    db.session.close()  # no SQL transaction stays open over a call to Valkey
    return found


def _refuse(campaign: CampaignTerms, *, force: bool) -> None:
    if campaign.mode not in MODES_WITH_QUOTA or campaign.state not in claims.STATES_WITH_CLAIMS:
        raise ActNotPossible(f"{campaign.id} is {campaign.state}, mode {campaign.mode}")
    loaded = quota.loaded(redis_handle.client, campaign.id)
    if loaded is not None and loaded[0] > campaign.epoch:
        raise QuotaOfLaterEpoch(f"epoch {loaded[0]}, SQL says {campaign.epoch}")
    if loaded is not None and loaded[0] == campaign.epoch and not force:
        raise QuotaStillLoaded(f"{campaign.id} epoch {campaign.epoch}")
    first_serial(campaign.epoch + 1)  # no serials left: raised before anything is touched


def _drain(campaign_id: str) -> None:
    """Write what the stream still has, while its epoch still counts.

    Nothing is added meanwhile: the quota is closed. What SQL refuses as another's stays.
    """
    for entries in stream.waiting(redis_handle.client, campaign_id):
        settled = claims.record(entries).settled
        stream.acknowledge(redis_handle.client, campaign_id, settled)


def _raise_epoch(campaign_id: str, *, actor: str) -> None:
    """The fence: from its commit on, entries and processes of the old epoch are refused."""
    with transaction() as session:
        campaign = queries.lock_campaign(session, campaign_id)
        if campaign is None:
            raise NotFound(f"campaign {campaign_id!r}")
        campaign.epoch += 1
        audit.record(
            session,
            actor=actor,
            action=quota_reserves.REBUILD,
            subject=campaign_id,
            epoch=campaign.epoch,
        )


def _load(campaign: CampaignTerms) -> dict[int, int]:
    client = redis_handle.client
    if not rebuild.clear(client, campaign):
        raise RebuildRunning(f"{campaign.id} was loaded meanwhile")
    instant = campaign.mode == "instant"
    if instant:
        given, returned = _load_units(client, campaign)
    else:
        given = {tier.position: _load_tier(client, campaign, tier) for tier in campaign.tiers}
        returned = _returned(campaign)
    stream.prepare(client, campaign.id)
    # Nobody has a receipt of what was taken at a till: what was not paid with is everybody's.
    kept = None if instant else quota_reserves.after_loss(campaign)
    # Read once more: a pause that came meanwhile must not be loaded over.
    terms = _terms(campaign.id)
    quota.load(client, terms, given, _given_today(campaign), returned, kept)
    return given


def _returned(campaign: CampaignTerms) -> quota.Returned:
    """Count what SQL has recycled; a batch written after this is given back by the job."""
    found = recyclings.of_campaign(db.session(), campaign.id)
    db.session.close()
    units = {tier.position: found.units.get(tier.id, 0) for tier in campaign.tiers}
    return quota.Returned(last_batch=found.last_batch, units=units)


def _given_today(campaign: CampaignTerms) -> dict[int, str]:
    """Count what the release day of now has given, where what is left of a day is not given out."""
    now = clock.now()
    day, release = moments.release_day(campaign, now), campaign.daily_release
    if release is None or not day:
        return {}
    counts = voucher_queries.counts_since(db.session(), campaign.id, release.began_at(now))
    db.session.close()
    return {tier.position: f"{day}:{counts.get(tier.id, 0)}" for tier in campaign.tiers}


def _load_tier(client: redis.Redis, campaign: CampaignTerms, tier: TierTerms) -> int:
    """Load who holds units of a tier; return how many are given.

    Valkey writes one page down while SQL reads the next.
    """
    after_serial, given = 0, 0
    with ThreadPoolExecutor(1) as loader:
        loading: Future[None] | None = None
        while True:
            rows = voucher_queries.claims_of_tier(
                db.session(), tier.id, after_serial=after_serial, limit=BATCH
            )
            db.session.close()
            if loading is not None:
                loading.result()
            if not rows:
                return given
            after_serial = rows[-1][0]
            if after_serial >= first_serial(campaign.epoch):
                raise ValueError(f"serial {after_serial} is beyond epoch {campaign.epoch - 1}")
            loading = loader.submit(rebuild.load_held, client, campaign, tier.position, rows)
            given += len(rows)


def _load_units(
    client: redis.Redis, campaign: CampaignTerms
) -> tuple[dict[int, int], quota.Returned]:
    """Load who holds units of an instant campaign; return how many are given, and of these back.

    A unit that went back is nobody's. Those that are held get a tag that no request has: the next
    payment must not be answered with the one before.
    """
    given, back = Counter[int](), Counter[int]()
    for tier in campaign.tiers:
        after_serial = 0
        while units := returned_units.units_of_tier(
            db.session(), tier.id, after_serial=after_serial, limit=BATCH
        ):
            db.session.close()
            after_serial = units[-1].serial
            if after_serial >= first_serial(campaign.epoch):
                raise ValueError(f"serial {after_serial} is beyond epoch {campaign.epoch - 1}")
            rows = [unit[:3] for unit in units if not unit.returned]
            if rows:
                rebuild.load_held(client, campaign, tier.position, rows, tag=NO_REQUEST)
            given[tier.position] += len(units)
            back[tier.position] += len(units) - len(rows)
    positions = [tier.position for tier in campaign.tiers]
    return (
        {position: given[position] for position in positions},
        quota.Returned(last_batch=0, units=back),
    )
