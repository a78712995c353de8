"""Budget changes (预算调整): shown, and decided by a second person; then the money moves once."""

from dataclasses import dataclass

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import clock
from backend.domain.budgets import AlreadyDecided, Decision
from backend.domain.errors import NotFound
from backend.domain.postings import pot_account
from backend.domain.second_person import refuse_own_work
from backend.extensions import db
from backend.services import audit, budget_moves, campaigns, quota_counts
from backend.services.budget_proposals import change_of
from backend.storage.models.budgets import BudgetChange, BudgetDecision
from backend.storage.models.programmes import Fund
from backend.storage.queries import budgets as queries
from backend.storage.queries import ledger as ledger_queries
from backend.storage.sql import transaction

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class QuarterBudget:
    """A pot's figures; `quarter` None is the year. Amounts in fen."""

    fund_id: str
    quarter: str | None
    ceiling_fen: int
    floor_fen: int
    committed_fen: int
    available_fen: int


def show() -> list[QuarterBudget]:
    """Return every pot's ceiling, floor, and what is committed and available, by fund."""
    session, found = db.session(), []
    totals = ledger_queries.balances(session)
    for fund in session.query(Fund).order_by(Fund.id):
        pots = [(q.quarter, q.ceiling_fen, q.floor_fen, q.committed_fen) for q in fund.quarters]
        year_fen = fund.amount_fen - fund.in_quarters_fen
        for quarter, ceiling_fen, floor_fen, committed_fen in [
            *pots,
            (None, year_fen, 0, fund.year_committed_fen),
        ]:
            account = pot_account(fund.id, quarter, "available")
            found.append(
                QuarterBudget(
                    fund_id=fund.id,
                    quarter=quarter,
                    ceiling_fen=ceiling_fen,
                    floor_fen=floor_fen,
                    committed_fen=committed_fen,
                    available_fen=totals.get(account, 0),
                )
            )
    return found


def confirm(change_id: str, *, actor: str) -> BudgetDecision:
    """Carry a change out, as the second person; the same again changes nothing.

    Valkey is told afterwards, outside the transaction, and by the job should that fail.
    """
    found = db.session.get(BudgetChange, change_id)
    if found is not None and found.kind == "return_rest":
        campaigns.refuse_waiting_claims(found.campaign_id or "")
    with transaction() as session:
        row = _proposed(session, change_id)
        refuse_own_work(made_by=row.proposed_by, checked_by=actor)
        change = change_of(row)
        decided = _decided(session, row, "confirmed", actor)
        if decided is None:
            decided = _decide(session, row, "confirmed", actor, None)
            budget_moves.apply(session, change)
    campaigns.forget_snapshots()
    log.info("budget_changed", change_id=change_id, kind=change.kind, fund_id=change.fund_id)
    if change.kind == "tiers":
        quota_counts.push(change.campaign_id or "")
    return decided


def refuse(change_id: str, *, reason: str, actor: str) -> BudgetDecision:
    """Refuse a change, as the second person; nothing moves."""
    with transaction() as session:
        row = _proposed(session, change_id)
        refuse_own_work(made_by=row.proposed_by, checked_by=actor)
        decided = _decided(session, row, "refused", actor)
        return decided or _decide(session, row, "refused", actor, reason)


def list_changes() -> list[BudgetChange]:
    """Return all changes with their decisions, the newest first."""
    return list(queries.list_changes(db.session()))


def _decided(
    session: Session, row: BudgetChange, decision: Decision, actor: str
) -> BudgetDecision | None:
    """Return the decision that was made before, if it is this one; refuse any other."""
    found = session.get(BudgetDecision, row.id)
    if found is not None and (found.decision, found.decided_by) != (decision, actor):
        raise AlreadyDecided(f"{row.id} was {found.decision}")
    return found


def _decide(
    session: Session, row: BudgetChange, decision: Decision, actor: str, reason: str | None
) -> BudgetDecision:
    """Write the decision first: its key lets one of two who decide at once go on."""
    made = BudgetDecision(
        change_id=row.id,
        proposed_by=row.proposed_by,
        decision=decision,
        reason=reason,
        decided_by=actor,
        decided_at=clock.now(),
    )
    session.add(made)
    verb = "confirm" if decision == "confirmed" else "refuse"
    audit.record(session, actor=actor, action=f"budget.{verb}", subject=row.id)
    session.flush()
    return made


def _proposed(session: Session, change_id: str) -> BudgetChange:
    """Hold the proposal: whoever decides it meanwhile is seen."""
    row = session.get(BudgetChange, change_id, with_for_update={"key_share": True})
    if row is None:
        raise NotFound(f"budget change {change_id[:64]!r}")
    return row


def funds() -> list[Fund]:
    """Return the programme's funds in the order of their ids."""
    return list(db.session.scalars(select(Fund).order_by(Fund.id)))


def get_change(change_id: str) -> BudgetChange:
    """Return a proposed change with its decision, or raise NotFound."""
    found = db.session.get(BudgetChange, change_id)
    if found is None:
        raise NotFound(f"budget change {change_id[:40]!r}")
    return found
