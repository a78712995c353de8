"""What the tests of budgets share: proposals, both steps at once, and races."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from flask import Flask

from backend.domain.errors import HuiquanError
from backend.services import budget_proposals, budgets, campaigns
from backend.services.ledger import accounts_of_campaign
from backend.storage.models.campaigns import Campaign, Tier
from backend.storage.models.programmes import FundQuarter
from backend.storage.queries.ledger import add_accounts
from backend.storage.sql import transaction
from tests.factories import MAY, MovableClock, rows

FUND = "FUND93"
ASKS, CHECKS = "王科员", "李科长"


def ceiling(quarter: str) -> int:
    return next(q.ceiling_fen for q in rows(FundQuarter) if q.quarter == quarter)


def counts(campaign_id: str = MAY) -> dict[int, int]:
    return {t.position: t.count for t in rows(Tier) if t.campaign_id == campaign_id}


def amount(campaign_id: str = MAY) -> int:
    return next(c.amount_fen for c in rows(Campaign) if c.id == campaign_id)


def propose_quarter(id_: str, quarter: str, new_fen: int, to: str | None = None) -> None:
    budget_proposals.propose_quarter(
        id_,
        fund_id=FUND,
        quarter=quarter,
        to_quarter=to,
        expected_fen=ceiling(quarter),
        new_fen=new_fen,
        reason="按季度安排调剂",
        actor=ASKS,
    )


def propose_tiers(id_: str, wanted: dict[int, int], campaign_id: str = MAY) -> None:
    budget_proposals.propose_tiers(
        id_,
        campaign_id=campaign_id,
        expected_fen=amount(campaign_id),
        counts=wanted,
        reason="群众需求大",
        actor=ASKS,
    )


def propose_return(id_: str, campaign_id: str = MAY) -> None:
    budget_proposals.propose_return(id_, campaign_id=campaign_id, reason="活动结束", actor=ASKS)


def confirm(id_: str) -> None:
    budgets.confirm(id_, actor=CHECKS)


def end(campaign_id: str, moment: MovableClock) -> None:
    """Let a campaign end, and all its vouchers' validity with it."""
    moment.set(campaigns.terms(campaign_id).ends_at + timedelta(days=8))
    campaigns.end_due()


def small_campaigns(count: int, amount_fen: int) -> list[str]:
    """Add campaigns of the second quarter, one tier of one unit each, approved with 1 fen less."""
    ids = [f"SMALL-{n}" for n in range(count)]
    may = next(c for c in rows(Campaign) if c.id == MAY)
    for id_ in ids:
        with transaction() as session:
            columns = {c.name: getattr(may, c.name) for c in Campaign.__table__.columns}
            columns |= {"id": id_, "state": "draft", "epoch": 0, "amount_fen": amount_fen}
            row = Campaign(**columns)
            row.tiers = [Tier(position=1, threshold_fen=0, face_value_fen=amount_fen, count=1)]
            session.add(row)
            session.flush()
            add_accounts(session, accounts_of_campaign(row))
    return ids


def race(app: Flask, acts: Iterable[Callable[[], object]], threads: int = 20) -> list[str]:
    """Run acts at once, each in a context of its own; return "done" or the refusal's code."""

    def one(act: Callable[[], object]) -> str:
        with app.app_context():
            try:
                act()
            except HuiquanError as refused:
                return refused.code
            return "done"

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, acts))
