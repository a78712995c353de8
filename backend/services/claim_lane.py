"""Claiming on an event loop: the same decision as `services/claims.py`, the waits shared.

SQL never runs on the loop. A campaign's terms, who is blocked and who signed out come from memory
and are read anew by a thread before they are a second old.
"""

import asyncio
from collections.abc import Callable, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, NamedTuple, TypeVar

import structlog
from redis.exceptions import RedisError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from backend import clock, metrics
from backend.domain.campaigns import CampaignTerms
from backend.domain.claim_rules import Position
from backend.domain.errors import HuiquanError, Unavailable
from backend.metrics import CountedClaim
from backend.services import blocks, campaigns, card_holders, quota_faults, sign_ins, snapshots
from backend.services.claim_decisions import (
    Came,
    ClaimedVoucher,
    PreparedClaim,
    decide,
    marks_of,
    prepare,
)
from backend.services.snapshots import Snapshots
from backend.settings import Settings
from backend.storage.redis.quota import Take
from backend.storage.redis.quota_async import AsyncQuota

log = structlog.get_logger()
NOBODY: Set[int] = frozenset()
READ_AHEAD_S = snapshots.TTL_S / 2  # from this age on they are read anew

Value = TypeVar("Value")


class AskedClaim(NamedTuple):
    """What a resident asks for, and how it came; `ticket` and `address` decide marks alone."""

    campaign_id: str
    tier_position: int
    resident_id: int
    request_id: str
    sign_in_id: int = 0  # 0: nobody's
    position: Position | None = None
    ticket: str | None = None
    address: str = ""


Told = Callable[[ClaimedVoucher | HuiquanError], None]


class ClaimLane:
    """Claims of one event loop.

    :param in_context: gives the application's context, in which a thread may use SQL
    """

    def __init__(
        self, settings: Settings, *, in_context: Callable[[], AbstractContextManager[Any]]
    ) -> None:
        self._quota = AsyncQuota(settings.redis_url, wait_replicas=settings.wait_replicas)
        self._settings = settings
        self._token_key = settings.token_key
        self._in_context = in_context
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="terms")
        self._reading_first: set[asyncio.Task[None]] = set()
        self._reading: dict[tuple[Snapshots[str, Any], str], asyncio.Future[Any]] = {}

    def claim_voucher(self, asked: AskedClaim, told: Told, *, now_ms: int) -> None:
        """Take one voucher of a tier for a resident; see `claims.claim_voucher`.

        :param now_ms: the clock's time, which the caller has just read
        :param told: called once, on the loop, with the voucher or the refusal; often before this
            returns. It raises nothing.
        """
        counted = metrics.CountedClaim(asked.campaign_id)
        revoked = self._kept(sign_ins.REVOKED, sign_ins.ALL)
        blocked = self._kept(blocks.SNAPSHOTS, blocks.ALL)
        campaign = self._kept(campaigns.SNAPSHOTS, asked.campaign_id)
        holders = self._kept_holders(campaign)
        if revoked is None or blocked is None or campaign is None or holders is None:
            waiting = asyncio.get_running_loop().create_task(self._read_first(asked, counted, told))
            self._reading_first.add(waiting)
            waiting.add_done_callback(self._reading_first.discard)
            return
        self._ask(asked, revoked, blocked, holders, campaign, counted, told, now_ms)

    async def _read_first(self, asked: AskedClaim, counted: CountedClaim, told: Told) -> None:
        try:
            revoked = self._kept(sign_ins.REVOKED, sign_ins.ALL)
            if revoked is None:
                revoked = await asyncio.shield(self._read(sign_ins.REVOKED, sign_ins.ALL))
            blocked = self._kept(blocks.SNAPSHOTS, blocks.ALL)
            if blocked is None:
                blocked = await asyncio.shield(self._read(blocks.SNAPSHOTS, blocks.ALL))
            campaign = self._kept(campaigns.SNAPSHOTS, asked.campaign_id)
            if campaign is None:
                campaign = await asyncio.shield(self._read(campaigns.SNAPSHOTS, asked.campaign_id))
            holders = self._kept_holders(campaign)
            if holders is None:
                reading = self._read(card_holders.SNAPSHOTS, card_holders.ALL)
                holders = await asyncio.shield(reading)
        except Exception as error:
            _refuse(error, counted, told)
        else:
            self._ask(asked, revoked, blocked, holders, campaign, counted, told, clock.now_ms())

    def _ask(
        self,
        asked: AskedClaim,
        revoked: frozenset[int],
        blocked: frozenset[int],
        holders: Set[int],
        campaign: CampaignTerms,
        counted: CountedClaim,
        told: Told,
        now_ms: int,
    ) -> None:
        try:
            sign_ins.refuse_revoked(asked.sign_in_id, revoked)
            blocks.refuse_claim(asked.resident_id, blocked)
            prepared = prepare(
                campaign,
                tier_position=asked.tier_position,
                resident_id=asked.resident_id,
                request_id=asked.request_id,
                now_ms=now_ms,
                position=asked.position,
                came=Came(ticket=asked.ticket, address=asked.address, settings=self._settings),
                card_bound=asked.resident_id in holders,
            )
            self._quota.take(prepared.call, partial(self._answered, prepared, counted, told))
        except Exception as error:
            _refuse(error, counted, told)

    def _answered(
        self, prepared: PreparedClaim, counted: CountedClaim, told: Told, answer: Take | RedisError
    ) -> None:
        try:
            if isinstance(answer, RedisError):
                raise answer
            voucher = decide(prepared, answer, token_key=self._token_key)
            counted.outcome = "replayed" if voucher.replayed else "taken"
            counted.marks = marks_of(prepared, answer)
        except Exception as error:
            _refuse(error, counted, told)
        else:
            counted.end()
            told(voucher)

    async def close(self) -> None:
        """Answer what waits, then give up the connection."""
        while self._reading_first:
            await asyncio.wait(self._reading_first)
        await self._quota.close()
        self._reader.shutdown(wait=False)

    def _kept_holders(self, campaign: CampaignTerms | None) -> Set[int] | None:
        """Return who has a bound card, nobody where a campaign does not ask; None: to be read."""
        if campaign is None or not campaign.card_required:
            return NOBODY
        return self._kept(card_holders.SNAPSHOTS, card_holders.ALL)

    def _kept(self, values: Snapshots[str, Value], key: str) -> Value | None:
        kept = values.kept(key)
        if kept is None:
            return None
        value, age_s = kept
        if age_s >= READ_AHEAD_S:
            self._read(values, key)
        return value

    def _read(self, values: Snapshots[str, Value], key: str) -> "asyncio.Future[Value]":
        """Read a value in the thread; all who want it meanwhile share one reading."""
        reading = self._reading.get((values, key))
        if reading is None:
            loop = asyncio.get_running_loop()
            reading = loop.run_in_executor(self._reader, self._read_in_context, values, key)
            self._reading[values, key] = reading
            reading.add_done_callback(lambda done: self._have_read((values, key), done))
        return reading

    def _have_read(
        self, name: tuple[Snapshots[str, Any], str], done: "asyncio.Future[Any]"
    ) -> None:
        del self._reading[name]
        if not done.cancelled():
            done.exception()  # looked at: who waits for it has it raised, read ahead nobody waits

    def _read_in_context(self, values: Snapshots[str, Value], key: str) -> Value:
        with self._in_context():
            try:
                return values.read(key)
            except (OperationalError, PoolTimeout) as error:
                log.error("storage_unavailable", error=type(error).__name__)
                raise Unavailable(type(error).__name__) from error


def _refuse(error: Exception, counted: CountedClaim, told: Told) -> None:
    """Count and answer a claim that was refused; a fault of ours is told as one, and logged."""
    if isinstance(error, RedisError):
        error = quota_faults.refusal(error)
    elif not isinstance(error, HuiquanError):
        log.error("crashed", exc_info=error)
        error = HuiquanError()
    counted.end(error)
    told(error)
