"""A city on several servers: one application on SQLite a module, its clock stands still."""

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import flask_migrate
import pytest

from backend import clock
from backend.domain.errors import HuiquanError
from backend.extensions import db, redis_handle
from backend.factory import create_app
from backend.services import campaigns, claims
from backend.services.claim_lane import AskedClaim, ClaimLane
from backend.storage.redis import keys
from miniprogram_api.edges import EDGES
from tests.conftest import OPENING, make_settings
from tests.factories import MAY, City, MovableClock, approve
from tests.lane_rush import claim_on


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="hq-nodes-") as made:
        yield Path(made)


@contextmanager
def city_on(redis_url: str, folder: Path, also: tuple[str, ...] = ()) -> Iterator[City]:
    """Give a city whose quotas are on these servers; `also` runs these campaigns besides."""
    clock.use(MovableClock(OPENING + timedelta(minutes=1)))
    settings = make_settings(database_url=f"sqlite:///{folder}/city.db", redis_url=redis_url)
    app = create_app(settings, EDGES)
    with app.app_context():
        flask_migrate.upgrade()
        campaigns.forget_snapshots()
        city = City.opened(app)
        for campaign_id in also:
            approve(campaign_id, actor="test")
            campaigns.run(campaign_id, actor="test")
            redis_handle.client.hset(keys.quota(campaign_id), "opens_at_ms", 0)
        yield city
        db.session.remove()
        db.engine.dispose()
    app.extensions["wechat"].close()
    clock.use(clock.Clock())


Claim = Callable[[City, int, str, str], str]


def by_view(city: City, resident_id: int, campaign_id: str, request_id: str) -> str:
    """Claim as a thread of Flask does; return the voucher's number or the refusal's code."""
    try:
        voucher = claims.claim_voucher(
            campaign_id=campaign_id, tier_position=1, resident_id=resident_id, request_id=request_id
        )
    except HuiquanError as refused:
        return refused.code
    return str(voucher.voucher_id)


class LaneLoop:
    """A claim lane that lives through a whole test, on a loop of its own."""

    def __init__(self, city: City) -> None:
        self._loop = asyncio.new_event_loop()
        self._lane = ClaimLane(city.settings, in_context=city.app.app_context)

    def __call__(self, city: City, resident_id: int, campaign_id: str, request_id: str) -> str:
        """Claim on the event loop; return the voucher's number or the refusal's code."""
        claim = claim_on(self._lane, AskedClaim(campaign_id, 1, resident_id, request_id))
        try:
            return str(self._loop.run_until_complete(claim).voucher_id)
        except HuiquanError as refused:
            return refused.code

    def close(self) -> None:
        self._loop.run_until_complete(self._lane.close())
        self._loop.close()


@contextmanager
def both_ways(city: City) -> Iterator[tuple[Claim, Claim]]:
    """Give the two ways in: the view's and the lane's."""
    lane = LaneLoop(city)
    yield by_view, lane
    lane.close()


__all__ = ["MAY", "both_ways", "city_on"]
