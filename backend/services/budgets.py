"""Budget changes (预算调整): one person proposes, another decides, and the money moves once."""

from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from sqlalchemy.orm import Session

from backend import clock
from backend.domain.budgets import (
    AlreadyDecided,
    BudgetChangedMeanwhile,
    Change,
    ChangeKind,
    Decision,
    refuse_counts,
    refuse_unless_over,
    refuse_wrong_direction,
)
from backend.domain.errors import NotFound
from backend.domain.postings import campaign_account, pot_account
from backend.domain.refusals import RequestReused
from backend.domain.second_person import refuse_own_work
from backend.extensions import db
from backend.services import audit, budget_moves, campaigns, quota_counts
from backend.storage.models.budgets import BudgetChange, BudgetDecision
from backend.storage.models.campaigns import Campaign
from backend.storage.models.programmes import Fund, FundQuarter
from backend.storage.queries import budgets as queries
from backend.storage.queries import campaigns as campaign_queries
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


def propose_quarter(
    change_id: str,
    *,
    fund_id: str,
    quarter: str,
    expected_fen: int,
    new_fen: int,
    reason: str,
    actor: str,
    to_quarter: str | None = None,
) -> BudgetChange:
    """Propose another ceiling of a quarter: out of the year, into it, or into another quarter.

    :param expected_fen: the ceiling the proposer saw; with another one nothing is proposed
    :param to_quarter: the quarter that has the difference; by default the year
    """
    kind: ChangeKind = "raise_quarter" if new_fen > expected_fen else "lower_quarter"
    if to_quarter is not None:
        kind = "move"
    to_fen = None
    if to_quarter is not None:
        to_fen = _quarter(fund_id, to_quarter).ceiling_fen
    change = Change(
        id=change_id,
        kind=kind,
        fund_id=fund_id,
        quarter=quarter,
        to_quarter=to_quarter,
        expected_fen=expected_fen,
        new_fen=new_fen,
        expected_to_fen=to_fen,
        reason=reason,
    )
    found_fen = _quarter(fund_id, quarter).ceiling_fen
    return _propose(change, found_fen=found_fen, actor=actor)


def propose_tiers(
    change_id: str,
    *,
    campaign_id: str,
    expected_fen: int,
    counts: Mapping[int, int],
    reason: str,
    actor: str,
) -> BudgetChange:
    """Propose other counts of a campaign's tiers; tiers that are not named keep theirs.

    :param expected_fen: the campaign's amount the proposer saw
    """
    campaign = _campaign(campaign_id)
    tiers = {tier.position: tier for tier in campaign.tiers}
    refuse_counts(counts, set(tiers))
    new = {position: counts.get(position, tier.count) for position, tier in tiers.items()}
    change = Change(
        id=change_id,
        kind="tiers",
        fund_id=campaign.fund_id,
        quarter=campaign.quarter,
        campaign_id=campaign_id,
        expected_fen=expected_fen,
        new_fen=sum(tiers[position].face_value_fen * count for position, count in new.items()),
        expected_counts={position: tier.count for position, tier in tiers.items()},
        new_counts=new,
        reason=reason,
    )
    return _propose(change, found_fen=campaign.amount_fen, actor=actor)


def propose_return(
    change_id: str, *, campaign_id: str, reason: str, actor: str, amount_fen: int | None = None
) -> BudgetChange:
    """Propose that a campaign that is over gives back its rest, or so much of it."""
    known = db.session.get(BudgetChange, change_id)
    campaign = _campaign(campaign_id)
    refuse_unless_over(campaign_queries.terms_of(campaign), clock.now())
    account = campaign_account(campaign_id, "committed")
    rest_fen = ledger_queries.balance(db.session(), account)
    if amount_fen is None and known is not None:  # asked again, the rest may be another by now
        amount_fen = known.new_fen - known.expected_fen
    returned_fen = campaign.returned_fen if known is None else known.expected_fen
    change = Change(
        id=change_id,
        kind="return_rest",
        fund_id=campaign.fund_id,
        quarter=campaign.quarter,
        campaign_id=campaign_id,
        expected_fen=returned_fen,
        new_fen=returned_fen + (rest_fen if amount_fen is None else amount_fen),
        reason=reason,
    )
    return _propose(change, found_fen=returned_fen, actor=actor)


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
        change = _change(row)
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


def _propose(change: Change, *, found_fen: int, actor: str) -> BudgetChange:
    with transaction() as session:
        # Two who propose under one id at once come one after the other.
        session.get(Fund, change.fund_id, with_for_update={"key_share": True})
        known = session.get(BudgetChange, change.id)
        if known is not None:
            if (_said(_change(known)), known.proposed_by) != (_said(change), actor):
                raise RequestReused(f"budget change {change.id}")
            return known
        if found_fen != change.expected_fen:
            raise BudgetChangedMeanwhile(
                f"{found_fen} fen, {change.expected_fen} was expected",
                details={"found_fen": found_fen, "expected_fen": change.expected_fen},
            )
        refuse_wrong_direction(change)
        row = BudgetChange(
            **{field: getattr(change, field) for field in _FIELDS},
            expected_counts=_texts(change.expected_counts),
            new_counts=_texts(change.new_counts),
            proposed_by=actor,
            proposed_at=clock.now(),
        )
        session.add(row)
        audit.record(
            session,
            actor=actor,
            action="budget.propose",
            subject=change.id,
            kind=change.kind,
            expected_fen=change.expected_fen,
            new_fen=change.new_fen,
        )
        session.flush()
        session.refresh(row, ["decision"])
        return row


_FIELDS = (
    *("id", "kind", "fund_id", "quarter", "to_quarter", "campaign_id"),
    *("expected_fen", "new_fen", "expected_to_fen", "reason"),
)


def _said(change: Change) -> tuple[object, ...]:
    """What the proposer himself said: the rest was read from the books when he first said it."""
    read = ("expected_to_fen", "new_fen") if change.kind == "tiers" else ("expected_to_fen",)
    said = [getattr(change, field) for field in _FIELDS if field not in read]
    return (*said, tuple(sorted((change.new_counts or {}).items())))


def _texts(counts: Mapping[int, int] | None) -> dict[str, int] | None:
    return None if counts is None else {str(position): n for position, n in counts.items()}


def _change(row: BudgetChange) -> Change:
    numbers = [
        None if counts is None else {int(position): int(n) for position, n in counts.items()}
        for counts in (row.expected_counts, row.new_counts)
    ]
    fields = {field: getattr(row, field) for field in _FIELDS}
    return Change(**fields, expected_counts=numbers[0], new_counts=numbers[1])


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


def _campaign(campaign_id: str) -> Campaign:
    campaign = campaign_queries.get_campaign(db.session(), campaign_id)
    if campaign is None:
        raise NotFound(f"campaign {campaign_id[:40]!r}")
    return campaign


def _quarter(fund_id: str, quarter: str) -> FundQuarter:
    found = db.session.get(FundQuarter, (fund_id, quarter))
    if found is None:
        raise NotFound(f"quarter {fund_id[:40]!r} {quarter[:4]!r}")
    return found
