"""Live figures of claiming: what is claimed and left, how fast, and why claims are refused.

Units of instant discounts are claimed at the moment of payment, and count alike.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import redis
import structlog

from backend import clock, metrics, redis_clients
from backend.domain.campaigns import MODES_WITH_QUOTA, CampaignTerms
from backend.domain.errors import NotFound
from backend.extensions import db, redis_handle
from backend.services import campaigns, partner_calls
from backend.storage.queries import campaigns as queries
from backend.storage.redis import keys, live_counts, quota, reserve, stream

log = structlog.get_logger()

FLUSH_EVERY_S = 1.0
CACHED_S = 1.0
WINDOW_S = 60
# A second is told when it is over and every process has had its turn to flush.
SETTLED_AFTER_S = 2
_cache_lock = threading.Lock()
_cache: dict[str, tuple[float, "LiveFigures"]] = {}


@dataclass(frozen=True, kw_only=True)
class TierCounts:
    """Units of a tier; claimed and left are None while no quota is loaded.

    Of what is left, `reserved` units wait for the receipts of claims that were lost. `left_today`
    is what can be claimed now: less than `left` where units are released by the day.
    """

    position: int
    threshold_fen: int
    face_value_fen: int
    count: int
    claimed: int | None
    left: int | None
    reserved: int
    left_today: int | None


class Second(NamedTuple):
    """What came of the claims of one second; `at_s` counts from 1970 UTC."""

    at_s: int
    taken: int
    refused: int


@dataclass(frozen=True, kw_only=True)
class LiveFigures:
    """One campaign now. Rates, refusals and latency are of the last 60 settled seconds.

    `by_second` is those seconds, the oldest first.
    """

    now_ms: int
    state: str
    opens_at: str
    tiers: tuple[TierCounts, ...]
    claims_per_s: dict[str, float]
    refusals: dict[str, int]
    latency_ms: dict[str, float | None]
    backlog: int
    by_second: tuple[Second, ...]

    @property
    def claimed(self) -> int | None:
        """Units claimed, over all tiers; None while no quota is loaded."""
        return _sum(tier.claimed for tier in self.tiers)

    @property
    def left(self) -> int | None:
        """Units left, over all tiers; None while no quota is loaded."""
        return _sum(tier.left for tier in self.tiers)

    @property
    def amount_fen(self) -> int:
        """What the campaign spends when every unit is claimed and used."""
        return sum(tier.count * tier.face_value_fen for tier in self.tiers)

    @property
    def claimed_fen(self) -> int:
        """What of it is claimed."""
        return sum((tier.claimed or 0) * tier.face_value_fen for tier in self.tiers)


@dataclass(frozen=True, kw_only=True)
class QuotaCounts:
    """A campaign's units and the claims that wait for SQL, for a scrape."""

    campaign_id: str
    tiers: tuple[TierCounts, ...]
    backlog: int


def flush() -> None:
    """Add what this process counted since the last flush; when Valkey is down it is dropped.

    Trying again could count twice, and nothing rests on these figures.
    """
    partner_calls.flush()
    counts = metrics.flush()
    if not counts:
        return
    try:
        live_counts.add(redis_handle.client, counts)
    except redis.RedisError as error:
        log.warning("live_counts_dropped", error=type(error).__name__)


def start_flushing() -> threading.Event:
    """Flush once a second in a thread of its own, until the event returned is set.

    For a process that serves, after its fork: a claim itself never calls Valkey a second time.
    """
    stopping = threading.Event()

    def work() -> None:
        while not stopping.wait(FLUSH_EVERY_S):
            flush()

    threading.Thread(target=work, name="live-counts", daemon=True).start()
    return stopping


def of_campaign(campaign_id: str) -> LiveFigures:
    """Return a campaign's figures, at most a second old; NotFound for a draft or none.

    Raises redis.RedisError when Valkey cannot be asked.
    """
    with _cache_lock:
        kept = _cache.get(campaign_id)
    if kept is not None and time.monotonic() - kept[0] < CACHED_S:
        return kept[1]
    found = _ask(campaign_id)
    with _cache_lock:
        _cache[campaign_id] = (time.monotonic(), found)
    return found


def forget() -> None:
    """Ask anew at the next call."""
    with _cache_lock:
        _cache.clear()


def quotas() -> list[QuotaCounts]:
    """Return the units of all campaigns that can be claimed from.

    Left out are those whose node of a cluster is down. Raises redis.RedisError or SQLAlchemyError
    when one of the two cannot be asked.
    """
    found = [
        queries.terms_of(campaign)
        for campaign in campaigns.list_all(campaigns.STATES_WITH_QUOTA)
        if campaign.mode in MODES_WITH_QUOTA
    ]
    db.session.close()
    client, counted = redis_handle.client, []
    for group in redis_clients.by_node(client, found, lambda terms: keys.quota(terms.id)):
        try:
            counted += [
                QuotaCounts(
                    campaign_id=terms.id,
                    tiers=_tiers(terms),
                    backlog=stream.backlog(client, terms.id),
                )
                for terms in group
            ]
        except redis.RedisError as error:
            if not redis_clients.is_cluster(client):
                raise
            log.warning("quota_not_asked", error=type(error).__name__)
    return counted


def _ask(campaign_id: str) -> LiveFigures:
    terms = campaigns.terms(campaign_id)
    db.session.close()
    if terms.state == "draft":
        raise NotFound(f"campaign {campaign_id} is a draft")
    now = clock.now()
    last = int(now.timestamp()) - SETTLED_AFTER_S
    seconds = live_counts.read(
        redis_handle.client, campaign_id, range(last - WINDOW_S + 1, last + 1)
    )
    sums: Counter[str] = Counter()
    for fields in seconds.values():
        sums.update(fields)
    buckets = {int(k[3:]): n for k, n in sums.items() if k.startswith("le:")}
    given = {second: fields.get("taken", 0) for second, fields in seconds.items()}
    return LiveFigures(
        now_ms=clock.to_ms(now),
        state=terms.state,
        opens_at=terms.opens_at.isoformat(),
        tiers=_tiers(terms),
        claims_per_s={
            "last_5_s": round(sum(n for s, n in given.items() if s > last - 5) / 5, 1),
            "last_60_s": round(sum(given.values()) / WINDOW_S, 1),
        },
        refusals=_refusals(sums),
        latency_ms={
            "p50": metrics.percentile_ms(buckets, 0.5),
            "p95": metrics.percentile_ms(buckets, 0.95),
        },
        backlog=stream.backlog(redis_handle.client, campaign_id),
        by_second=tuple(
            Second(second, fields.get("taken", 0), sum(_refusals(fields).values()))
            for second, fields in sorted(seconds.items())
        ),
    )


def _less(issued: int | None, back: int) -> int | None:
    return None if issued is None else issued - back


def _sum(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _refusals(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the counts of refusals by code, of all that a second counts."""
    return {
        name: count
        for name, count in sorted(counts.items())
        if not name.startswith("le:") and name not in ("taken", "replayed")
    }


def _tiers(terms: CampaignTerms) -> tuple[TierCounts, ...]:
    issued = quota.issued(redis_handle.client, terms)
    # What was taken at a till and not paid with is nobody's: it was not claimed.
    back = quota.returned_units(redis_handle.client, terms) if terms.mode == "instant" else {}
    left = quota.left(redis_handle.client, terms)
    reserved = reserve.reserved(redis_handle.client, terms, now_ms=clock.now_ms())
    today = quota.left_today(redis_handle.client, terms, clock.now())
    return tuple(
        TierCounts(
            position=tier.position,
            threshold_fen=tier.threshold_fen,
            face_value_fen=tier.face_value_fen,
            count=tier.count,
            claimed=_less(issued.get(tier.position), back.get(tier.position, 0)),
            left=left.get(tier.position),
            reserved=reserved[tier.position],
            left_today=today.get(tier.position),
        )
        for tier in terms.tiers
    )
