"""Proposing budget changes (预算调整): what one person wants, with the value he saw and why."""

from collections.abc import Mapping

from backend import clock
from backend.domain.budgets import (
    BudgetChangedMeanwhile,
    BudgetChangeInvalid,
    Change,
    ChangeKind,
    refuse_counts,
    refuse_unless_over,
    refuse_wrong_direction,
)
from backend.domain.errors import NotFound
from backend.domain.refusals import RequestReused
from backend.extensions import db
from backend.services import audit, budget_moves
from backend.storage.models.budgets import BudgetChange
from backend.storage.models.campaigns import Campaign
from backend.storage.models.programmes import Fund, FundQuarter
from backend.storage.queries import campaigns as campaign_queries
from backend.storage.sql import transaction

FIELDS = (
    *("id", "kind", "fund_id", "quarter", "to_quarter", "campaign_id"),
    *("expected_fen", "new_fen", "expected_to_fen", "document_number", "reason"),
)


def propose_fund(
    change_id: str,
    *,
    fund_id: str,
    expected_fen: int,
    new_fen: int,
    document_number: str,
    reason: str,
    actor: str,
) -> BudgetChange:
    """Propose another amount of a fund, as the city decided it: out of the year, or into it.

    :param expected_fen: the amount the proposer saw; with another one nothing is proposed
    :param document_number: of the city's decision (文号), such as 同财字〔2023〕12号
    """
    fund = db.session.get(Fund, fund_id)
    if fund is None:
        raise NotFound(f"fund {fund_id[:40]!r}")
    if not document_number.strip():
        raise BudgetChangeInvalid(f"{change_id}: no document")
    change = Change(
        id=change_id,
        kind="raise_fund" if new_fen > expected_fen else "lower_fund",
        fund_id=fund_id,
        expected_fen=expected_fen,
        new_fen=new_fen,
        document_number=document_number.strip(),
        reason=reason,
    )
    return _propose(change, found_fen=fund.amount_fen, actor=actor)


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
    rest_fen = budget_moves.rest_fen(db.session(), campaign_id)
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


def change_of(row: BudgetChange) -> Change:
    """Return the change of a proposal's row."""
    numbers = [
        None if counts is None else {int(position): int(n) for position, n in counts.items()}
        for counts in (row.expected_counts, row.new_counts)
    ]
    fields = {field: getattr(row, field) for field in FIELDS}
    return Change(**fields, expected_counts=numbers[0], new_counts=numbers[1])


def _propose(change: Change, *, found_fen: int, actor: str) -> BudgetChange:
    with transaction() as session:
        # Two who propose under one id at once come one after the other.
        session.get(Fund, change.fund_id, with_for_update={"key_share": True})
        known = session.get(BudgetChange, change.id)
        if known is not None:
            if (_said(change_of(known)), known.proposed_by) != (_said(change), actor):
                raise RequestReused(f"budget change {change.id}")
            return known
        if found_fen != change.expected_fen:
            raise BudgetChangedMeanwhile(
                f"{found_fen} fen, {change.expected_fen} was expected",
                details={"found_fen": found_fen, "expected_fen": change.expected_fen},
            )
        refuse_wrong_direction(change)
        row = BudgetChange(
            **{field: getattr(change, field) for field in FIELDS},
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
            document_number=change.document_number,
        )
        session.flush()
        session.refresh(row, ["decision"])
        return row


def _said(change: Change) -> tuple[object, ...]:
    """What the proposer himself said: the rest was read from the books when he first said it."""
    read = ("expected_to_fen", "new_fen") if change.kind == "tiers" else ("expected_to_fen",)
    said = [getattr(change, field) for field in FIELDS if field not in read]
    return (*said, tuple(sorted((change.new_counts or {}).items())))


def _texts(counts: Mapping[int, int] | None) -> dict[str, int] | None:
    return None if counts is None else {str(position): n for position, n in counts.items()}


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
