"""A rush on the claim lane's own code, without HTTP: for drills of the servers behind it."""

import asyncio
import time
from collections import Counter

from sqlalchemy import insert

from backend import clock
from backend.domain.errors import HuiquanError
from backend.services.claim_decisions import ClaimedVoucher
from backend.services.claim_lane import AskedClaim, ClaimLane
from backend.storage.models.residents import Resident
from backend.storage.sql import transaction
from tests.factories import City

RESIDENTS = 30_000
PATIENCE_S = 40.0  # for one claim: a failover and more


def add_residents() -> None:
    """Write down as many as may come; their phones are nobody's."""
    row = {"phone_encrypted": b"", "phone_last4": "0000", "created_at": clock.now()}
    with transaction() as session:
        session.execute(insert(Resident), [{"id": n, **row} for n in range(1, RESIDENTS + 1)])


async def claim_on(lane: ClaimLane, asked: AskedClaim) -> ClaimedVoucher:
    """Claim; return the voucher, or raise the refusal."""
    answered: asyncio.Future[ClaimedVoucher] = asyncio.get_running_loop().create_future()

    def told(outcome: ClaimedVoucher | HuiquanError) -> None:
        if answered.done():  # whoever asked did not wait
            return
        if isinstance(outcome, HuiquanError):
            answered.set_exception(outcome)
        else:
            answered.set_result(outcome)

    lane.claim_voucher(asked, told, now_ms=clock.now_ms())
    return await answered


class Rush:
    """Residents who claim once each, and ask again with the same request while unanswered."""

    def __init__(self, city: City, campaign_ids: tuple[str, ...], *, pause_s: float) -> None:
        self.lane = ClaimLane(city.settings, in_context=city.app.app_context)
        self._campaign_ids = campaign_ids
        self._pause_s = pause_s
        self._resident_id = 0
        self.told: dict[tuple[str, int], int] = {}
        self.refused: Counter[str] = Counter()
        self.taken_at_s: dict[str, list[float]] = {name: [] for name in campaign_ids}
        self.over = False
        self._callers: list[asyncio.Task[None]] = []

    def start(self, callers: int) -> None:
        """Let this many call for each campaign."""
        self._callers = [
            asyncio.create_task(self._call(name))
            for name in self._campaign_ids
            for _ in range(callers)
        ]

    async def end(self) -> None:
        """Let what was begun be asked to its end."""
        self.over = True
        await asyncio.wait_for(asyncio.gather(*self._callers), 60)

    async def _call(self, campaign_id: str) -> None:
        while not self.over:
            self._resident_id += 1
            await self._claim(campaign_id, self._resident_id)
            await asyncio.sleep(self._pause_s)

    async def again(self) -> int:
        """Ask every answered claim again; return how many are told something else."""
        wrong = 0
        for (campaign_id, resident_id), voucher_id in self.told.items():
            wrong += await self._ask_patiently(campaign_id, resident_id) != voucher_id
        return wrong

    async def _ask_patiently(self, campaign_id: str, resident_id: int) -> int:
        """Return the number of the voucher that is told, or 0 for a refusal that is one."""
        deadline_s = time.monotonic() + PATIENCE_S
        while True:
            try:
                return await self._ask(campaign_id, resident_id)
            except HuiquanError as refused:
                self.refused[refused.code] += 1
                if refused.category != "unavailable" or time.monotonic() > deadline_s:
                    return 0
                await asyncio.sleep(0.05)

    async def _claim(self, campaign_id: str, resident_id: int) -> None:
        if number := await self._ask_patiently(campaign_id, resident_id):
            self.told[campaign_id, resident_id] = number
            self.taken_at_s[campaign_id].append(time.monotonic())

    async def _ask(self, campaign_id: str, resident_id: int) -> int:
        asked = AskedClaim(campaign_id, 1, resident_id, f"drill-{resident_id:08d}")
        return (await claim_on(self.lane, asked)).voucher_id
