"""Campaigns that are approved: run, paused, stopped; and the quota they load."""

from datetime import datetime

import redis
import structlog
from sqlalchemy.orm import Session

from backend import clock, redis_clients
from backend.domain.budgets import CampaignNotOver
from backend.domain.campaigns import (
    MODES_WITH_QUOTA,
    Act,
    ActNotPossible,
    CampaignTerms,
    next_state,
)
from backend.domain.errors import NotFound
from backend.domain.reconciliation import checked_reason
from backend.extensions import db, redis_handle
from backend.services import audit, instant_campaigns, quota_counts
from backend.services.snapshots import Snapshots
from backend.storage.models.campaigns import Campaign
from backend.storage.queries import campaigns as queries
from backend.storage.redis import keys, quota, stream
from backend.storage.sql import transaction

log = structlog.get_logger()

# The script has the last word on the state at every claim.
STATES_WITH_QUOTA = ("running", "paused")


# What SQL itself gives out, a unit at a time: no quota is loaded.
MODES_OF_SQL = ("entry", "subsidy")


class RuleNotSupported(ActNotPossible):
    code = "campaign_rule_not_supported"
    message = "活动含有本版本尚不能执行的规则，不能批准"


def terms(campaign_id: str) -> CampaignTerms:
    """Return a campaign's terms, at most a second old; NotFound when there is none."""
    return SNAPSHOTS.get(campaign_id)


def _read_terms(campaign_id: str) -> CampaignTerms:
    campaign = queries.get_campaign(db.session(), campaign_id)
    if campaign is None:
        raise NotFound(f"campaign {campaign_id[:40]!r}")
    return queries.terms_of(campaign)


# A claim reads its campaign from memory.
SNAPSHOTS: Snapshots[str, CampaignTerms] = Snapshots(_read_terms)


def forget_snapshots() -> None:
    """Read all terms anew at the next claim."""
    SNAPSHOTS.forget()
    instant_campaigns.forget()


def run(campaign_id: str, *, actor: str) -> None:
    """Load the quota, then let the campaign run; residents can claim from its opening second.

    The quota is loaded before SQL says `running`, and never again afterwards: a quota that is
    missing from a running campaign was lost, and must be rebuilt from what was given.
    """
    campaign = queries.get_campaign(db.session(), campaign_id)
    if campaign is None:
        raise NotFound(f"campaign {campaign_id!r}")
    found = queries.terms_of(campaign)
    next_state(found.state, "run")
    if found.mode in MODES_OF_SQL:
        _refuse_unkept_rules(campaign)
        _act(campaign_id, "run", actor=actor)
        return
    if found.mode not in MODES_WITH_QUOTA:
        raise RuleNotSupported(f"mode {found.mode} cannot run yet")
    db.session.close()  # no SQL transaction stays open over a call to Valkey
    stream.prepare(redis_handle.client, campaign_id)
    quota.load(redis_handle.client, found)
    _act(campaign_id, "run", actor=actor, counted=quota_counts.push(campaign_id))


def pause(campaign_id: str, *, actor: str, reason: str) -> None:
    """Stop claims at once; vouchers already claimed stay usable. Raises ReasonNeeded."""
    _act(campaign_id, "pause", actor=actor, reason=checked_reason(reason))


def resume(campaign_id: str, *, actor: str, reason: str) -> None:
    """Let residents claim again. Raises ReasonNeeded."""
    _act(campaign_id, "resume", actor=actor, reason=checked_reason(reason))


def stop(campaign_id: str, *, actor: str, reason: str) -> None:
    """End claims for good, before the campaign's end. Raises ReasonNeeded."""
    _act(campaign_id, "stop", actor=actor, reason=checked_reason(reason))


def end_due() -> int:
    """End campaigns whose time is over; return how many. For the periodic job."""
    due = [
        campaign.id
        for campaign in queries.list_campaigns(db.session(), ("running", "paused"))
        if campaign.ends_at <= clock.now()
    ]
    for campaign_id in due:
        _act(campaign_id, "end", actor="system")
    return len(due)


def push_states() -> None:
    """Tell Valkey every state that SQL has decided; mends a push that failed. For the job."""
    known = [
        (campaign.id, campaign.state)
        for campaign in queries.list_campaigns(db.session(), None)
        if campaign.mode in MODES_WITH_QUOTA and campaign.state not in ("draft", "approved")
    ]
    db.session.close()
    client, fault = redis_handle.client, None
    for group in redis_clients.by_node(client, known, lambda named: keys.quota(named[0])):
        try:
            for campaign_id, state in group:
                quota.set_state(client, campaign_id, state)
        except redis.RedisError as error:  # one node of a cluster: the others' campaigns go on
            fault = error
    if fault is not None:
        raise fault


def list_all(states: tuple[str, ...] | None = None) -> list[Campaign]:
    """Return campaigns in the order of their opening."""
    return queries.list_campaigns(db.session(), states)


def left(campaign_id: str) -> dict[int, int]:
    """Return the units that can be claimed now by tier position; empty when not loaded."""
    found = terms(campaign_id)
    db.session.close()
    return quota.left_today(redis_handle.client, found, clock.now())


def refuse_waiting_claims(campaign_id: str) -> None:
    """Refuse to take money from a campaign while claims of it wait for the writer."""
    db.session.close()
    if waiting := stream.backlog(redis_handle.client, campaign_id):
        raise CampaignNotOver(f"{campaign_id}: {waiting} claims are not in SQL yet")


def next_release(campaign: Campaign, at: datetime) -> datetime | None:
    """Return when a campaign gives out units again; None without a daily release or after it."""
    release = queries.terms_of(campaign).daily_release
    return release.next_at(at, ends_at=campaign.ends_at) if release else None


def _act(
    campaign_id: str,
    act: Act,
    *,
    actor: str,
    counted: dict[int, int] | None = None,
    **details: str,
) -> None:
    """Do an act; with `counted` only while SQL has no later change of a tier's count."""
    with transaction() as session:
        campaign = _locked(session, campaign_id)
        if counted is not None and counted != {t.position: t.count_number for t in campaign.tiers}:
            raise ActNotPossible(f"{campaign_id}: a tier's count was changed meanwhile")
        state = next_state(queries.terms_of(campaign).state, act)
        campaign.state, mode = state, campaign.mode
        audit.record(session, actor=actor, action=f"campaign.{act}", subject=campaign_id, **details)
    forget_snapshots()
    log.info("campaign_state_changed", campaign_id=campaign_id, state=state)
    if mode not in MODES_OF_SQL:
        quota.set_state(redis_handle.client, campaign_id, state)


def _refuse_unkept_rules(campaign: Campaign) -> None:
    """Refuse what an entry waiver or a subsidy would not keep: it must not seem to hold."""
    rules: dict[str, object] = {
        "daily_release": campaign.daily_release,
        "one_tier_per_day": campaign.one_tier_per_day,
        "per_person_per_day": campaign.per_person_per_day,
        "area": campaign.area,
    }
    if campaign.mode == "entry":
        rules |= {"per_person": campaign.per_person, "tiers": len(campaign.tiers) > 1}
    else:
        rules |= {
            "hours": campaign.use_from_minute is not None,
            "per_natural_month": campaign.person_per_natural_month,
        }
    if unkept := [name for name, value in rules.items() if value]:
        raise RuleNotSupported(
            f"{campaign.id} of mode {campaign.mode}: {', '.join(unkept)}",
            details={"rules": unkept},
        )


def _locked(session: Session, campaign_id: str) -> Campaign:
    campaign = queries.lock_campaign(session, campaign_id)
    if campaign is None:
        raise NotFound(f"campaign {campaign_id!r}")
    return campaign
