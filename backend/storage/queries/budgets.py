"""Budgets: locked in one order, changed only from the expected value, guarded by the schema."""

from collections.abc import Iterable, Sequence
from typing import Any, cast

from sqlalchemy import CursorResult, Update, func, select, update
from sqlalchemy.orm import Session

from backend.storage.models.budgets import BudgetChange, CountChange
from backend.storage.models.campaigns import Campaign, Tier
from backend.storage.models.ledger import LedgerAccount
from backend.storage.models.programmes import Fund, FundQuarter, Programme


def lock_campaign(session: Session, campaign_id: str) -> Campaign | None:
    """Return a campaign that nobody else changes, with its tiers; who refers to it never waits.

    FOR NO KEY UPDATE: a redemption's foreign key to the campaign passes it.
    """
    return session.scalar(
        select(Campaign)
        .where(Campaign.id == campaign_id)
        .with_for_update(of=Campaign, key_share=True)
        .execution_options(populate_existing=True)
    )


def lock_accounts(session: Session, account_ids: Iterable[str]) -> None:
    """Lock accounts of pots, ascending by id."""
    session.execute(
        select(LedgerAccount.id)
        .where(LedgerAccount.id.in_(sorted(account_ids)))
        .order_by(LedgerAccount.id)
        .with_for_update(key_share=True)
    ).all()


def lock_quarters(session: Session, fund_id: str) -> tuple[Fund | None, dict[str, FundQuarter]]:
    """Return a fund and its quarters that nobody else changes: the fund first, then by quarter."""
    fund = session.scalar(
        select(Fund).where(Fund.id == fund_id).with_for_update(key_share=True, of=Fund)
    )
    quarters = session.scalars(
        select(FundQuarter)
        .where(FundQuarter.fund_id == fund_id)
        .order_by(FundQuarter.quarter)
        .with_for_update(key_share=True)
    )
    return fund, {quarter.quarter: quarter for quarter in quarters}


def set_ceiling(
    session: Session, fund_id: str, quarter: str, *, expected_fen: int, new_fen: int
) -> bool:
    """Change a quarter's ceiling from the expected value; False when it is another."""
    return _changed(
        session,
        update(FundQuarter)
        .where(
            FundQuarter.fund_id == fund_id,
            FundQuarter.quarter == quarter,
            FundQuarter.ceiling_fen == expected_fen,
        )
        .values(ceiling_fen=new_fen),
    )


def set_fund_amount(session: Session, fund: Fund, *, expected_fen: int, new_fen: int) -> bool:
    """Change a fund's amount, and its programme's total with it; False when it is another."""
    changed = _changed(
        session,
        update(Fund)
        .where(Fund.id == fund.id, Fund.amount_fen == expected_fen)
        .values(amount_fen=new_fen),
    )
    return changed and _changed(
        session,
        update(Programme)
        .where(Programme.id == fund.programme_id)
        .values(total_fen=Programme.total_fen + (new_fen - expected_fen)),
    )


def add_in_quarters(session: Session, fund_id: str, amount_fen: int) -> None:
    """Add to what a fund's quarters have; the schema refuses to pass the fund's amount."""
    session.execute(
        update(Fund)
        .where(Fund.id == fund_id)
        .values(in_quarters_fen=Fund.in_quarters_fen + amount_fen)
        .execution_options(synchronize_session=False)
    )


def add_committed(session: Session, fund_id: str, quarter: str | None, amount_fen: int) -> None:
    """Add to what a pot has committed; the schema refuses to pass the pot's ceiling."""
    if quarter is None:
        statement = (
            update(Fund)
            .where(Fund.id == fund_id)
            .values(year_committed_fen=Fund.year_committed_fen + amount_fen)
        )
    else:
        statement = (
            update(FundQuarter)
            .where(FundQuarter.fund_id == fund_id, FundQuarter.quarter == quarter)
            .values(committed_fen=FundQuarter.committed_fen + amount_fen)
        )
    session.execute(statement.execution_options(synchronize_session=False))


def set_amount(session: Session, campaign_id: str, *, expected_fen: int, new_fen: int) -> bool:
    """Change a campaign's amount from the expected value; False when it is another."""
    return _changed(
        session,
        update(Campaign)
        .where(Campaign.id == campaign_id, Campaign.amount_fen == expected_fen)
        .values(amount_fen=new_fen),
    )


def set_returned(session: Session, campaign_id: str, *, expected_fen: int, new_fen: int) -> bool:
    """Change what a campaign has returned from the expected value; False when it is another."""
    return _changed(
        session,
        update(Campaign)
        .where(Campaign.id == campaign_id, Campaign.returned_fen == expected_fen)
        .values(returned_fen=new_fen),
    )


def set_count(session: Session, tier_id: int, *, expected: int, new: int) -> bool:
    """Change a tier's count from the expected value, and number the change; else False."""
    return _changed(
        session,
        update(Tier)
        .where(Tier.id == tier_id, Tier.count == expected, Tier.claimed_count <= new)
        .values(count=new, count_number=Tier.count_number + 1),
    )


def count_changes_after(session: Session, tier_id: int, number: int) -> list[CountChange]:
    """Return the changes of a tier's count above a number, ascending."""
    return list(
        session.scalars(
            select(CountChange)
            .where(CountChange.tier_id == tier_id, CountChange.number > number)
            .order_by(CountChange.number)
        )
    )


def list_changes(session: Session) -> Sequence[BudgetChange]:
    """Return all changes, the newest first."""
    return session.scalars(
        select(BudgetChange).order_by(BudgetChange.proposed_at.desc(), BudgetChange.id)
    ).all()


def committed_of(session: Session, fund_id: str) -> dict[str | None, int]:
    """Return Σ (amount − returned) of a fund's approved campaigns by quarter, None for the year."""
    rows = session.execute(
        select(Campaign.quarter, func.sum(Campaign.amount_fen - Campaign.returned_fen))
        .where(Campaign.fund_id == fund_id, Campaign.state != "draft")
        .group_by(Campaign.quarter)
    )
    return {quarter: int(total) for quarter, total in rows}


def _changed(session: Session, statement: Update) -> bool:
    done = session.execute(statement.execution_options(synchronize_session=False))
    return bool(cast(CursorResult[Any], done).rowcount)
