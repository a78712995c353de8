"""Claiming on an event loop: the same decision as `services/claims.py`, the waits shared.

SQL never runs on the loop. A campaign's terms and who is blocked come from memory and are read anew
by a thread before they are a second old.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import structlog
from redis.exceptions import RedisError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from backend import clock, metrics
from backend.domain.claim_rules import Position
from backend.domain.errors import Unavailable
from backend.services import blocks, campaigns, quota_faults, snapshots
from backend.services.claim_decisions import Came, ClaimedVoucher, decide, marks_of, prepare
from backend.services.snapshots import Snapshots
from backend.settings import Settings
from backend.storage.redis.quota_async import AsyncQuota

log = structlog.get_logger()
READ_AHEAD_S = snapshots.TTL_S / 2  # from this age on they are read anew

Value = TypeVar("Value")


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
        self._reading: dict[tuple[Snapshots[str, Any], str], asyncio.Future[Any]] = {}

    async def claim_voucher(
        self,
        *,
        campaign_id: str,
        tier_position: int,
        resident_id: int,
        request_id: str,
        position: Position | None = None,
        ticket: str | None = None,
        address: str = "",
    ) -> ClaimedVoucher:
        """Take one voucher of a tier for a resident; see `claims.claim_voucher`."""
        with metrics.CountedClaim(campaign_id) as counted:
            blocked = self._kept(blocks.SNAPSHOTS, blocks.ALL)
            if blocked is None:
                blocked = await asyncio.shield(self._read(blocks.SNAPSHOTS, blocks.ALL))
            blocks.refuse_claim(resident_id, blocked)
            campaign = self._kept(campaigns.SNAPSHOTS, campaign_id)
            if campaign is None:
                campaign = await asyncio.shield(self._read(campaigns.SNAPSHOTS, campaign_id))
            prepared = prepare(
                campaign,
                tier_position=tier_position,
                resident_id=resident_id,
                request_id=request_id,
                now=clock.now(),
                position=position,
                came=Came(ticket=ticket, address=address, settings=self._settings),
            )
            try:
                answer = await self._quota.take(prepared.call)
            except RedisError as error:
                raise quota_faults.refusal(error) from error
            voucher = decide(prepared, answer, token_key=self._token_key)
            counted.outcome = "replayed" if voucher.replayed else "taken"
            counted.marks = marks_of(prepared, answer)
            return voucher

    async def close(self) -> None:
        """Answer what waits, then give up the connection."""
        await self._quota.close()
        self._reader.shutdown(wait=False)

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
