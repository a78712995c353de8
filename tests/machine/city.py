"""The ground the rules stand on: a small city with scarce vouchers, and how an act is taken."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import yaml
from apiflask import APIFlask
from hypothesis import currently_in_test_context, event
from hypothesis.stateful import RuleBasedStateMachine
from sqlalchemy import select, update

from backend import clock
from backend.domain.errors import HuiquanError
from backend.extensions import db
from backend.services import merchants, placards, programmes
from backend.storage.models.campaigns import Campaign, Tier
from backend.storage.models.orders import Order
from backend.storage.sql import transaction
from tests import conftest
from tests.factories import MAY, SUPERMARKET, City, MovableClock
from tests.load.programme import sample
from tests.machine.provider import TruthfulProvider
from tests.settling import MALL, with_account

SHOPS = (
    SUPERMARKET,
    MALL,
)  # the first's placard collects by a provider
UNITS = {1: 6, 2: 6, 3: 5}
HARMLESS = ("rule", "conflict")  # what a person may meet on the way


class Ground(RuleBasedStateMachine):
    """A city of two shops and four residents.

    :cvar app: the application, within its context
    :cvar done: how often each act succeeded, over all examples
    """

    app: APIFlask
    done: Counter[str]

    def __init__(self) -> None:
        super().__init__()
        self.moment = MovableClock(conftest.OPENING + timedelta(minutes=1))
        clock.use(self.moment)
        conftest.begin_empty(self.app)
        programmes.load(programme(), actor="test")
        self.city = City.opened(self.app, loaded=True)
        self.residents = [self.city.resident() for _ in range(4)]
        self.clerks = {shop: self.city.clerk(shop) for shop in SHOPS}
        self.city.placard[MALL] = placards.issue(MALL, actor="test").url
        self.provider = TruthfulProvider()
        self.app.extensions["payment_providers"]["wechat_pay"] = self.provider
        merchants.set_payment_provider(SUPERMARKET, "wechat_pay", actor="test", reason="线上收款")
        for shop in SHOPS:
            with_account(shop)
        self.told: dict[int, int] = {}  # vouchers that were acknowledged, with their residents
        self.ordered: list[str] = []  # orders as they were made: the same walk, the same order
        self.redeemed: set[str] = set()  # orders that were acknowledged as redeemed
        self.number = 0
        self.seen: Counter[str] = Counter()  # what waits for somebody, for the preconditions

    def teardown(self) -> None:
        self.app.extensions["payment_providers"].pop("wechat_pay", None)
        db.session.close()

    def next(self, word: str) -> str:
        """Return a number for what a person hands in."""
        self.number += 1
        return f"{word}-{self.number}"

    def act(self, name: str, do: Callable[[], Any]) -> Any:
        """Do it; return what came, or None for a refusal that a person could meet.

        Whatever else is raised is a fault, and so is a refusal that says the system is broken.
        """
        try:
            found = do()
        except HuiquanError as refused:
            if refused.category not in HARMLESS:
                raise
            _note(f"{name}: {refused.code}")
            return None
        finally:
            db.session.close()
        self.done[name] += 1
        _note(name)
        return found

    def orders(self, *statuses: str) -> list[Order]:
        """Return orders in these states, the oldest first."""
        rows = list(db.session.scalars(select(Order).where(Order.status.in_(statuses))))
        db.session.close()
        return sorted(rows, key=lambda order: self.ordered.index(order.id))


def _note(text: str) -> None:
    """Add it to hypothesis' statistics, where hypothesis leads the walk."""
    if currently_in_test_context():
        event(text)


def scarce(campaign_id: str, units: Mapping[int, int], **terms: Any) -> None:
    """Leave a campaign that does not run yet so few units by tier position, and their money."""
    with transaction() as session:
        tiers = session.scalars(select(Tier).where(Tier.campaign_id == campaign_id)).all()
        for tier in tiers:
            tier.count = units[tier.position]
        amount_fen = sum(tier.count * tier.face_value_fen for tier in tiers)
        session.execute(
            update(Campaign)
            .where(Campaign.id == campaign_id)
            .values(amount_fen=amount_fen, **terms)
        )


def programme() -> str:
    """Return the sample with a 五一乐购券 of few units, which recycles and lasts for two months."""
    made = yaml.safe_load(sample(UNITS))
    campaign = next(c for c in made["campaigns"] if c["id"] == MAY)
    campaign |= {"recycle_expired": True, "per_person": 20, "ends": "2023-06-20"}
    made["defaults"]["per_person_per_tier"] = 4
    return yaml.safe_dump(made, allow_unicode=True, sort_keys=False)
