"""Drill: 10,000 payments race into a budget for 1,000, on both databases.

Each is an instant discount at a placard: the unit is taken while the order is made, then the clerk
confirms. Exactly 1,000 are given, and no fen beyond the campaign's amount.
"""

import time
from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import bindparam, func, select, text, update

from backend import clock
from backend.extensions import db
from backend.services import campaigns
from backend.storage.models.campaigns import Campaign, Tier
from backend.storage.models.orders import Redemption
from backend.storage.sql import ChinaTime, transaction
from tests.conftest import DATABASES
from tests.drills import Outcome, options, play
from tests.factories import approve
from tests.load import paying
from tests.load.paying import Habits, Payers
from tests.load.proofs import differences
from tests.load.stack import Stack, city

FUEL, STATION = "Q2-FUEL", "TJ0008"
PAYMENTS_FOR_ONE = 10  # race for each that the budget pays
CONNECTIONS = 64
CARDS = text("""
    INSERT INTO resident_identities (resident_id, kind, value_hash, last4, bound_at)
    SELECT id, 'card', 'card-' || id, '0018', :at FROM residents
""").bindparams(bindparam("at", type_=ChinaTime))


def drill() -> Iterator[Outcome]:
    """Play on each database."""
    payments = options().payments
    for database in DATABASES:
        with city(database=database, residents=payments) as stack:
            _open_campaign(payments // PAYMENTS_FOR_ONE)
            paying.open_trade()
            yield play_on(stack, database, payments)


def play_on(stack: Stack, database: str, payments: int) -> Outcome:
    """Let everybody fill up at once; the clerk collects of who got a discount."""
    shop = paying.open_shop(stack, STATION)
    tier_fen = campaigns.terms(FUEL).tiers[0].face_value_fen
    db.session.rollback()  # nothing is read in a transaction while others write
    budget_for = payments // PAYMENTS_FOR_ONE
    people, habits = range(1, payments + 1), Habits(amount_fen=20_000)
    with stack.web() as web, stack.jobs():
        began_s = time.monotonic()
        with Payers(web, stack, shop, people, connections=CONNECTIONS, habits=habits) as payers:
            payers.join()
        took_s = time.monotonic() - began_s
    spent = db.session.execute(
        select(func.count(), func.coalesce(func.sum(Redemption.discount_fen), 0)).where(
            Redemption.campaign_id == FUEL
        )
    ).one()
    db.session.rollback()
    told, differing = payers.told, differences()
    passed = tuple(spent) == (budget_for, budget_for * tier_fen) and differing == 0
    passed &= (len(told.confirmed), told.over) == (budget_for, payments)
    return passed, {
        "database": database,
        "payments": told.over,
        "given": len(told.confirmed),
        "redeemed": spent[0],
        "spent_fen": spent[1],
        "budget_fen": budget_for * tier_fen,
        "refused": dict(told.refused),
        "unanswered": told.cut.total(),
        "differences": differing,
        "payments_per_s": f"{payments / took_s:.0f}",
    }


def _open_campaign(budget_for: int) -> None:
    """Run the campaign of fuel with a budget for so many, without its limits of days."""
    with transaction() as session:
        session.execute(CARDS, {"at": clock.now()})
        face_fen = session.scalar(select(Tier.face_value_fen).where(Tier.campaign_id == FUEL)) or 0
        session.execute(update(Tier).where(Tier.campaign_id == FUEL).values(count=budget_for))
        values = {"opens_at": clock.now() - timedelta(days=1), "amount_fen": budget_for * face_fen}
        values |= {"daily_release": None, "carry_over": False}
        session.execute(update(Campaign).where(Campaign.id == FUEL).values(**values))
    approve(FUEL, actor="load")
    campaigns.run(FUEL, actor="load")
    campaigns.forget_snapshots()


if __name__ == "__main__":
    play("budget_race", drill)
