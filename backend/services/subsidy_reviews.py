"""Reviewing applications (初审、复审): two people, and the money is spent once, at the second."""

import structlog
from sqlalchemy.orm import Session

from backend import clock
from backend.domain import subsidies as rules
from backend.domain.campaigns import BudgetExceeded
from backend.domain.postings import campaign_account, campaign_posting
from backend.domain.second_person import refuse_own_work
from backend.services import audit, subsidies
from backend.storage.models.subsidies import Subsidy
from backend.storage.queries import campaigns as campaign_queries
from backend.storage.queries import ledger as ledger_queries
from backend.storage.sql import transaction

log = structlog.get_logger()


def first(*, subsidy_id: str, actor: str) -> Subsidy:
    """Pass the first review; again by the same person changes nothing."""
    with transaction() as session:
        subsidy = subsidies.held(session, subsidy_id, None)
        if (subsidy.state, subsidy.first_reviewer) == ("first_reviewed", actor):
            return subsidy
        subsidies.refuse_unless(subsidy, ("submitted",))
        subsidy.first_reviewer = actor
        _step(session, subsidy, "first_reviewed", actor=actor, reason=None)
        session.refresh(subsidy)
    return subsidy


def grant(*, subsidy_id: str, actor: str) -> Subsidy:
    """Pass the second review, as another person than the first: the money is spent, once.

    Raises SecondPersonNeeded, SubsidyStepNotPossible, BudgetExceeded when earlier spending that
    was brought in has left too little.
    """
    with transaction() as session:
        subsidy = subsidies.held(session, subsidy_id, None)
        if (subsidy.state, subsidy.second_reviewer) == ("granted", actor):
            return subsidy
        subsidies.refuse_unless(subsidy, ("first_reviewed",))
        refuse_own_work(made_by=subsidy.first_reviewer or "", checked_by=actor)
        campaign_queries.hold_tiers(session, subsidy.campaign_id)
        committed = campaign_account(subsidy.campaign_id, "committed")
        rest_fen = ledger_queries.balance(session, committed)
        if rest_fen < subsidy.amount_fen:
            raise BudgetExceeded(
                f"{subsidy_id} wants {subsidy.amount_fen} of {rest_fen} fen",
                details={"available_fen": rest_fen, "amount_fen": subsidy.amount_fen},
            )
        posting = campaign_posting(
            "spending", subsidy.campaign_id, subsidy.amount_fen, id=f"subsidy:{subsidy_id}"
        )
        ledger_queries.add_transfer(session, posting, at=clock.now())
        subsidy.second_reviewer, subsidy.transfer_id = actor, posting.id
        _step(session, subsidy, "granted", actor=actor, reason=None)
        session.refresh(subsidy)
    log.info("subsidy_granted", subsidy_id=subsidy_id, amount_fen=subsidy.amount_fen)
    return subsidy


def refuse(
    *,
    subsidy_id: str,
    reason: str,
    actor: str,
    under: tuple[rules.SubsidyState, ...] = ("submitted", "first_reviewed"),
) -> Subsidy:
    """Refuse an application with a reason its applicant reads; its unit is free again.

    :param under: the states in which the caller's office may refuse it
    """
    with transaction() as session:
        subsidy = subsidies.held(session, subsidy_id, None)
        if (subsidy.state, subsidy.reason) == ("refused", reason):
            return subsidy
        subsidies.refuse_unless(subsidy, under)
        subsidy.reason = reason
        _step(session, subsidy, "refused", actor=actor, reason=reason)
        campaign_queries.give_unit(session, subsidy.tier_id)
        session.refresh(subsidy)
    return subsidy


def _step(
    session: Session,
    subsidy: Subsidy,
    state: rules.SubsidyState,
    *,
    actor: str,
    reason: str | None,
) -> None:
    subsidies.take_step(session, subsidy, state, actor=actor, reason=reason)
    audit.record(
        session,
        actor=actor,
        action=f"subsidy.{state}",
        subject=subsidy.id,
        amount_fen=subsidy.amount_fen,
        reason=reason,
    )
