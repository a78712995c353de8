"""The programme at a glance (消费季): its money by pot and campaign, its domains, its faults."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from backend.domain.postings import campaign_account
from backend.domain.preflights import Finding
from backend.extensions import db
from backend.services import audit, budgets, campaigns, preflights, programmes
from backend.services.budgets import QuarterBudget
from backend.storage.models.campaigns import Campaign
from backend.storage.models.ledger import LedgerAccount
from backend.storage.models.programmes import Domain
from backend.storage.queries import ledger as ledger_queries
from backend.storage.queries import preflights as preflight_queries


@dataclass(frozen=True, kw_only=True)
class Load:
    """When the programme was loaded, and by whom; the log of an old installation may not say."""

    at: datetime
    actor: str | None


@dataclass(frozen=True, kw_only=True)
class CampaignMoney:
    """A campaign's budget in fen: planned = committed + locked + spent once it is approved.

    Before, nothing of it is. What it gave back is no part of any.
    """

    campaign: Campaign
    committed_fen: int  # not claimed yet
    locked_fen: int  # claimed, not used
    spent_fen: int

    @property
    def planned_fen(self) -> int:
        """What it may spend."""
        return self.campaign.amount_fen - self.campaign.returned_fen

    @property
    def left_fen(self) -> int:
        """What of it is not spent."""
        return self.planned_fen - self.spent_fen


@dataclass(frozen=True, kw_only=True)
class PotMoney:
    """A fund's quarter, or its year, in fen; what was spent of it stands in its campaigns too."""

    budget: QuarterBudget
    spent_fen: int


@dataclass(frozen=True, kw_only=True)
class DomainReach:
    """A domain, the merchants that may redeem there now, and its campaigns."""

    name: str
    shops: int
    campaigns: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class DraftFaults:
    """What the preflight of a draft warns of; nothing for most."""

    campaign: Campaign
    faults: Sequence[Finding]


def loaded() -> Load | None:
    """Return when and by whom the programme was loaded; None before."""
    programme = programmes.current()
    if programme is None:
        return None
    found = audit.entries(action="programme.load", subject=programme.id).page(1, 1)
    return Load(at=programme.loaded_at, actor=found[0].actor if found else None)


def money() -> tuple[list[PotMoney], list[CampaignMoney]]:
    """Return every pot and every campaign, in the order of their opening."""
    session = db.session()
    totals = ledger_queries.balances(session)
    spent: dict[tuple[str, str | None], int] = {}
    for account in session.scalars(select(LedgerAccount).where(LedgerAccount.kind == "spent")):
        pot = (account.fund_id, account.quarter)
        spent[pot] = spent.get(pot, 0) + totals[account.id]
    pots = [
        PotMoney(budget=budget, spent_fen=spent.get((budget.fund_id, budget.quarter), 0))
        for budget in budgets.show()
    ]
    return pots, [
        CampaignMoney(
            campaign=campaign,
            committed_fen=totals.get(campaign_account(campaign.id, "committed"), 0),
            locked_fen=totals.get(campaign_account(campaign.id, "locked"), 0),
            spent_fen=totals.get(campaign_account(campaign.id, "spent"), 0),
        )
        for campaign in campaigns.list_all()
    ]


def domains() -> list[DomainReach]:
    """Return the domains in the order of their ids."""
    session = db.session()
    found = list(session.scalars(select(Domain).order_by(Domain.id)))
    shops = preflight_queries.published_by_domain(session, [d.id for d in found], area=None)
    every = campaigns.list_all()
    return [
        DomainReach(
            name=d.name,
            shops=shops[d.id],
            campaigns=[c.name for c in every if d.id in {of.id for of in c.domains}],
        )
        for d in found
    ]


def faults() -> list[DraftFaults]:
    """Return the drafts whose preflight warns of something, in the order of their opening."""
    found = []
    for campaign in campaigns.list_all(("draft",)):
        warned = [f for f in preflights.of_campaign(campaign.id) if f.is_fault]
        if warned:
            found.append(DraftFaults(campaign=campaign, faults=warned))
    return found
