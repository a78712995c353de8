"""Instant discounts (刷卡满减): a unit of a tier, taken at the moment of payment and used at once.

Nothing is claimed before. When an order is made, the tiers that are open to it stand beside the
buyer's vouchers; where a tier saves the most, one of its units is taken by the claim script, so the
same limits and the same quota hold, and recorded before the order is written. What no order took
goes back.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import redis
import structlog
from flask import current_app

from backend import clock, metrics
from backend.domain.campaigns import TierTerms
from backend.domain.vouchers import (
    Quote,
    Reason,
    ReasonCode,
    Voucher,
    reason,
    voucher_id,
)
from backend.extensions import db, redis_handle
from backend.services import claim_rows, instant_campaigns, instant_returns
from backend.services.claim_decisions import request_tag
from backend.services.instant_campaigns import InstantCampaign
from backend.settings import Settings
from backend.storage.models.merchants import Merchant
from backend.storage.models.vouchers import Voucher as VoucherRow
from backend.storage.queries import orders as order_queries
from backend.storage.queries.voucher_inserts import NewVoucher
from backend.storage.redis import moments, quota
from backend.storage.redis.quota import Outcome

log = structlog.get_logger()

SENTENCES: dict[ReasonCode, str] = {
    "merchant_day_limit": "您今天在本店享受补贴的次数已满",
    "limit_reached": "您享受本优惠的次数已满",
    "exhausted": "本优惠的名额已用完",
    "unavailable": "本优惠暂时无法使用",
}
WHY: dict[Outcome, ReasonCode] = {
    Outcome.EXHAUSTED: "exhausted",
    Outcome.RELEASED_EXHAUSTED: "exhausted",
    Outcome.PERSON_LIMIT_REACHED: "limit_reached",
    Outcome.DAY_COUNT_REACHED: "limit_reached",
    Outcome.DAY_LIMIT_REACHED: "limit_reached",
}
GIVEN = {Outcome.TAKEN: "taken", Outcome.REPLAYED: "replayed"}


@dataclass(frozen=True, kw_only=True)
class Offers:
    """What stands beside the buyer's vouchers: tiers, or the one unit taken; and why not others."""

    facts: tuple[Voucher, ...] = ()
    reasons: tuple[Reason, ...] = ()

    def without(self, voucher: Voucher, code: ReasonCode) -> "Offers":
        """Return the rest, with the reason why one of them is not to be had."""
        return Offers(
            facts=tuple(fact for fact in self.facts if fact.id != voucher.id),
            reasons=(*self.reasons, reason(voucher, code, SENTENCES[code])),
        )


NONE = Offers()


def to_buyer(*, resident_id: int, merchant_id: str) -> Offers:
    """Return the tiers that are open to a buyer at a merchant now, and why others are not.

    Without an instant campaign that runs for the merchant's trade, nothing is asked. With Valkey
    down none is open: what cannot be counted is not given.
    """
    found, offers = _at_merchant(merchant_id, resident_id)
    now = clock.now()
    for campaign in found:
        codes = _codes(campaign, resident_id, now)
        for tier in campaign.terms.tiers:
            if code := codes.get(tier.position):
                offers = offers.without(campaign.facts(tier), code)
    return offers


@contextmanager
def unit_for(
    *,
    request: tuple[str, str],
    resident_id: int,
    merchant_id: str,
    quote: Callable[[Offers], Quote],
) -> Iterator[Offers]:
    """Give the block what an order may take besides vouchers: one unit, where it saves the most.

    The same request takes the same unit. If it is sold out or a limit says no, the next best is
    tried, and the reasons tell. What the block's order did not take is returned after it.
    :param request: whose request number the order is made under, and the number
    :param quote: chooses among the buyer's vouchers and what it is given; writes nothing
    """
    unit: Voucher | None = None
    # Valkey is not asked before: of a request that comes again, the limits hold its own unit.
    _, offers = _at_merchant(merchant_id, resident_id)
    while offers.facts:
        best = quote(offers).voucher
        db.session.close()
        if best is None or best.kind != "instant":
            offers = Offers(reasons=offers.reasons)
            break
        taken = _take(best, resident_id, request)
        if isinstance(taken, str):
            for fact in offers.facts:
                if fact == best or (
                    taken == "unavailable" and fact.campaign_id == best.campaign_id
                ):
                    offers = offers.without(fact, taken)
            continue
        unit, offers = taken, Offers(facts=(taken,) if taken else (), reasons=offers.reasons)
        break
    try:
        yield offers
    finally:
        if unit is not None and instant_returns.return_unused(unit.id):
            instant_returns.give_back(resident_id)


def _at_merchant(merchant_id: str, resident_id: int) -> tuple[list[InstantCampaign], Offers]:
    """Return the running campaigns for a merchant's trade and area, and what they offer there.

    Those whose uses of one person at one merchant and day are used up are not open any more.
    """
    running, now = instant_campaigns.running(), clock.now()
    if not running:
        return [], NONE
    session = db.session()
    merchant = session.get(Merchant, merchant_id)
    found = [
        campaign
        for campaign in running
        if merchant is not None
        and merchant.domain_id in campaign.domain_ids
        and campaign.area in (None, merchant.area)
        and campaign.terms.opens_at <= now < campaign.terms.ends_at
    ]
    used = order_queries.count_uses(
        session, resident_id=resident_id, merchant_id=merchant_id, day=now.date()
    )
    db.session.close()  # no SQL transaction stays open over a call to Valkey
    offers = Offers(facts=tuple(c.facts(tier) for c in found for tier in c.terms.tiers))
    for campaign in found:
        if used >= campaign.per_merchant_per_day:
            for tier in campaign.terms.tiers:
                offers = offers.without(campaign.facts(tier), "merchant_day_limit")
    if found:
        instant_returns.give_back(resident_id)
    return [campaign for campaign in found if used < campaign.per_merchant_per_day], offers


def _codes(campaign: InstantCampaign, resident_id: int, now: datetime) -> dict[int, ReasonCode]:
    """Return by tier position why a unit is not to be had now, as Valkey sees it."""
    terms, positions = campaign.terms, [tier.position for tier in campaign.terms.tiers]
    client = redis_handle.client
    try:
        loaded = quota.loaded(client, terms.id)
        left = quota.left_today(client, terms, now)
        held = quota.held_by(client, [terms], resident_id)[terms.id]
    except redis.RedisError as error:
        log.warning("instant_discounts_not_asked", error=type(error).__name__)
        return dict.fromkeys(positions, "unavailable")
    if loaded != (terms.epoch, "running"):
        return dict.fromkeys(positions, "unavailable")
    began, _ = clock.day_bounds(now.astimezone(clock.CHINA).date())
    today = sum(claim.claimed_at >= began for claim in held)
    limits = ((terms.per_person, len(held)), (terms.per_person_per_day, today))
    if any(limit is not None and count >= limit for limit, count in limits):
        return dict.fromkeys(positions, "limit_reached")
    return {position: "exhausted" for position in positions if left.get(position, 0) < 1}


def _take(best: Voucher, resident_id: int, request: tuple[str, str]) -> Voucher | ReasonCode | None:
    """Take one unit of a tier and record it, or say why not; None when this request's order has it.

    Without an answer it may have been taken. Then it is in the stream, comes into SQL with the
    writer, and goes back when its time is over.
    """
    found = _of(best)
    if found is None:
        return "unavailable"
    campaign, tier = found
    for _ in range(2):
        now_ms = clock.now_ms()
        validity = _validity(clock.from_ms(now_ms))
        call = quota.take_call(
            campaign.terms,
            moments.moment_of(campaign.terms, tier, now_ms, validity),
            resident_id=resident_id,
            request_tag=request_tag(":".join(request)),
        )
        with metrics.CountedClaim(campaign.terms.id) as counted:
            counted.outcome = "unavailable"
            try:
                answer = quota.take(redis_handle.client, call)
            except redis.RedisError as error:
                log.error("instant_discount_unanswered", error=type(error).__name__)
                return "unavailable"
            if answer.outcome not in GIVEN or answer.claim is None:
                counted.outcome = WHY.get(answer.outcome, "unavailable")
                return WHY.get(answer.outcome, "unavailable")
            counted.outcome = GIVEN[answer.outcome]
        number = voucher_id(tier.id, answer.claim.serial)
        _record(campaign, tier, number, resident_id, at=answer.claim.claimed_at)
        status = _status(number, resident_id)
        if status == "unused":
            return campaign.facts(tier, voucher_id=number)
        if status in ("locked", "used"):
            return None
        # Taken by this request before, and not paid with in its time: it goes back, and comes anew.
        instant_returns.return_unused(number)
        instant_returns.give_back(resident_id)
    return "unavailable"


def _of(best: Voucher) -> tuple[InstantCampaign, TierTerms] | None:
    """Return the campaign and tier that an offer stands for; None when it runs no more."""
    for campaign in instant_campaigns.running():
        for tier in campaign.terms.tiers:
            if campaign.facts(tier).id == best.id:
                return campaign, tier
    return None


def _record(
    campaign: InstantCampaign, tier: TierTerms, number: int, resident_id: int, *, at: datetime
) -> None:
    """Write a unit into SQL now, as the writer would in a moment; by its number, so never twice."""
    valid_from, valid_until = _validity(at)
    row = NewVoucher(
        id=number,
        resident_id=resident_id,
        campaign_id=campaign.terms.id,
        tier_id=tier.id,
        threshold_fen=tier.threshold_fen,
        face_value_fen=tier.face_value_fen,
        claimed_at_ms=clock.to_ms(at),
        valid_from_ms=clock.to_ms(valid_from),
        valid_until_ms=clock.to_ms(valid_until),
    )
    result = claim_rows.insert([(campaign.terms.epoch, row)])
    if result.stale or result.taken:  # a rebuild came between, or two hold one number
        log.error("instant_unit_refused", campaign_id=campaign.terms.id, voucher_id=number)


def _status(number: int, resident_id: int) -> str:
    """Return the status of a resident's unit, judged by the clock."""
    unit = db.session.get(VoucherRow, number)
    db.session.close()
    if unit is None or unit.resident_id != resident_id:
        return "refused"
    overdue = unit.status == "unused" and clock.now() >= unit.valid_until
    return "expired" if overdue else unit.status


def _validity(at: datetime) -> tuple[datetime, datetime]:
    """A unit is for one order: it counts as long as an order holds what it took."""
    settings: Settings = current_app.extensions["settings"]
    return at, at + timedelta(seconds=settings.order_lock_ttl_s)
