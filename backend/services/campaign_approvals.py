"""Campaigns are approved by two people (双人复核): one sends the draft, another decides it.

The campaign stays a draft to all that read it until its money is committed; what waits is a
submission without a decision. The campaign's row is locked by every act, so one of two wins.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy.orm import Session

from backend import clock
from backend.domain.campaign_approvals import (
    CampaignAlreadySubmitted,
    CampaignNotSubmitted,
    Decision,
    stage_name,
)
from backend.domain.campaigns import ActNotPossible, BudgetExceeded, next_state
from backend.domain.errors import NotFound
from backend.domain.postings import Posting, campaign_account, pot_account
from backend.domain.reconciliation import checked_reason
from backend.domain.second_person import refuse_own_work
from backend.extensions import db
from backend.services import audit, campaigns
from backend.services.listings import Listing
from backend.storage.models.campaigns import Campaign, CampaignDecision, CampaignSubmission
from backend.storage.models.ledger import LedgerAccount
from backend.storage.queries import budgets as budget_queries
from backend.storage.queries import campaign_approvals as queries
from backend.storage.queries import campaigns as campaign_queries
from backend.storage.queries import ledger as ledger_queries
from backend.storage.sql import transaction


def submit(campaign_id: str, *, actor: str, faults: Sequence[str] = ()) -> None:
    """Send a draft for approval; `faults` are what its preflight warned of, kept with it.

    Raises NotFound, ActNotPossible for what is no draft, CampaignAlreadySubmitted.
    """
    with transaction() as session:
        _draft(session, campaign_id)
        before = queries.list_submissions(session, campaign_id)
        if before and before[0].decision is None:
            raise CampaignAlreadySubmitted(campaign_id)
        session.add(
            CampaignSubmission(
                campaign_id=campaign_id,
                number=len(before) + 1,
                faults=list(faults),
                submitted_by=actor,
                submitted_at=clock.now(),
            )
        )
        audit.record(session, actor=actor, action="campaign.submit", subject=campaign_id)


def approve(campaign_id: str, *, actor: str) -> None:
    """Commit the campaign's money and fix its terms (plan, part four: 按各档期活动方案投放).

    Raises NotFound, ActNotPossible, CampaignNotSubmitted, SecondPersonNeeded, BudgetExceeded.
    """
    with transaction() as session:
        campaign = _draft(session, campaign_id)
        _decide(session, campaign_id, "approved", actor=actor, reason=None)
        campaign.state = next_state(campaign_queries.terms_of(campaign).state, "approve")
        _commit_money(session, campaign)
        campaign.epoch = 1
        audit.record(
            session,
            actor=actor,
            action="campaign.approve",
            subject=campaign.id,
            amount_fen=campaign.amount_fen,
        )
    campaigns.forget_snapshots()


def send_back(campaign_id: str, *, reason: str, actor: str) -> None:
    """Leave a campaign a draft, and say why; it may be sent again.

    Raises NotFound, ActNotPossible, CampaignNotSubmitted, SecondPersonNeeded, ReasonNeeded.
    """
    said = checked_reason(reason)
    with transaction() as session:
        _draft(session, campaign_id)
        _decide(session, campaign_id, "sent_back", actor=actor, reason=said)
        audit.record(
            session, actor=actor, action="campaign.send_back", subject=campaign_id, reason=said
        )


def history(campaign_id: str) -> Sequence[CampaignSubmission]:
    """Return a campaign's submissions with what was decided, the newest first."""
    return queries.list_submissions(db.session(), campaign_id)


def waiting() -> dict[str, str]:
    """Return who sent each campaign that waits for its second person, by campaign id."""
    return {row.campaign_id: row.submitted_by for row in queries.list_open(db.session())}


class Staged(NamedTuple):
    """A campaign, and whether it waits for its second person."""

    campaign: Campaign
    submitted: bool

    @property
    def stage_name(self) -> str:
        """Where it stands, in words."""
        return stage_name(campaign_queries.terms_of(self.campaign).state, submitted=self.submitted)


def listing(
    *, stage: str = "", mode: str = "", name: str = "", latest_first: bool = False
) -> Listing[Staged]:
    """Return campaigns by their opening; `stage` is a state, or 'submitted'."""
    wanted = queries.staged()
    if stage in ("draft", "submitted"):
        wanted = wanted.where(
            Campaign.state == "draft", queries.IS_SUBMITTED.is_(stage == "submitted")
        )
    elif stage:
        wanted = wanted.where(Campaign.state == stage)
    if mode:
        wanted = wanted.where(Campaign.mode == mode)
    if name:
        wanted = wanted.where(Campaign.name.contains(name, autoescape=True))
    opens = Campaign.opens_at.desc() if latest_first else Campaign.opens_at
    return Listing(wanted.order_by(opens, Campaign.id), read=lambda row: Staged(row[0], row[1]))


def one(campaign_id: str) -> Staged:
    """Return one campaign; NotFound when there is none."""
    found = db.session.execute(queries.staged().where(Campaign.id == campaign_id)).one_or_none()
    if found is None:
        raise NotFound(f"campaign {campaign_id!r}")
    return Staged(found[0], found[1])


def count_waiting(login_name: str) -> int:
    """Return how many campaigns wait for a second person who is not whoever sent them."""
    return sum(sent_by != login_name for sent_by in waiting().values())


def _draft(session: Session, campaign_id: str) -> Campaign:
    """Hold a campaign that is a draft."""
    campaign = campaign_queries.lock_campaign(session, campaign_id)
    if campaign is None:
        raise NotFound(f"campaign {campaign_id!r}")
    if campaign.state != "draft":
        raise ActNotPossible(f"{campaign_id} is {campaign.state}")
    return campaign


def _decide(
    session: Session, campaign_id: str, decision: Decision, *, actor: str, reason: str | None
) -> None:
    found = queries.list_submissions(session, campaign_id)
    if not found or found[0].decision is not None:
        raise CampaignNotSubmitted(campaign_id)
    refuse_own_work(made_by=found[0].submitted_by, checked_by=actor)
    session.add(
        CampaignDecision(
            campaign_id=campaign_id,
            number=found[0].number,
            submitted_by=found[0].submitted_by,
            decision=decision,
            reason=reason,
            decided_by=actor,
            decided_at=clock.now(),
        )
    )
    session.flush()


def _commit_money(session: Session, campaign: Campaign) -> None:
    source = pot_account(campaign.fund_id, campaign.quarter, "available")
    available_fen = ledger_queries.balance(session, _locked_account(session, source))
    if available_fen < campaign.amount_fen:
        raise BudgetExceeded(
            f"{campaign.id} wants {campaign.amount_fen} of {available_fen} fen",
            details={"available_fen": available_fen, "amount_fen": campaign.amount_fen},
        )
    ledger_queries.add_transfer(
        session,
        Posting(
            id=f"commitment:{campaign.id}",
            kind="commitment",
            from_account_id=source,
            to_account_id=campaign_account(campaign.id, "committed"),
            amount_fen=campaign.amount_fen,
        ),
        at=clock.now(),
    )
    budget_queries.add_committed(session, campaign.fund_id, campaign.quarter, campaign.amount_fen)


def _locked_account(session: Session, account_id: str) -> str:
    """Hold the pot, so that two approvals cannot both see the same money."""
    account = session.get(LedgerAccount, account_id, with_for_update=True)
    if account is None:
        raise BudgetExceeded(f"no account {account_id}")
    return account.id
