"""Carrying out a budget change: in one transaction rows, guards and transfers, or nothing.

Locks are taken in one order: campaign → accounts of pots by id → fund → quarters → tiers by id. The
return of a rest alone holds its campaign's tiers before the pot.
"""

from sqlalchemy.orm import Session

from backend import clock
from backend.domain.budgets import (
    BudgetChangedMeanwhile,
    BudgetChangeInvalid,
    Change,
    refuse_below,
    refuse_unless_over,
)
from backend.domain.campaigns import ActNotPossible, BudgetExceeded
from backend.domain.errors import NotFound
from backend.domain.postings import Posting, TransferKind, campaign_account, pot_account
from backend.services.ledger import accounts_of_pots
from backend.storage.models.budgets import CountChange
from backend.storage.models.campaigns import Campaign, Tier
from backend.storage.models.ledger import LedgerAccount
from backend.storage.models.programmes import FundQuarter
from backend.storage.queries import budgets as queries
from backend.storage.queries import campaigns as campaign_queries
from backend.storage.queries import ledger as ledger_queries
from backend.storage.queries import subsidies as subsidy_queries


def apply(session: Session, change: Change) -> None:
    """Refuse the change or carry it out; the caller's transaction makes it one act.

    Raises BudgetChangedMeanwhile, BudgetBelowUse, BudgetExceeded, CampaignNotOver, ActNotPossible.
    """
    if change.kind == "tiers":
        _change_tiers(session, change)
    elif change.kind == "return_rest":
        _return_rest(session, change)
    elif change.kind in ("raise_fund", "lower_fund"):
        _change_fund(session, change)
    else:
        _move_between_pots(session, change)


def transfer_id(change_id: str, kind: TransferKind) -> str:
    """Return the id of the transfer by which a change moves money."""
    return f"change:{change_id}:{kind}"


def rest_fen(session: Session, campaign_id: str) -> int:
    """Return what a campaign has committed and no application under review may still be granted."""
    committed_fen = ledger_queries.balance(session, campaign_account(campaign_id, "committed"))
    return committed_fen - subsidy_queries.reserved_fen(session, campaign_id)


def _change_fund(session: Session, change: Change) -> None:
    """Give a fund's year more, or take back what neither a quarter nor a campaign has."""
    queries.lock_accounts(session, [pot_account(change.fund_id, None, "available")])
    fund, _ = queries.lock_quarters(session, change.fund_id)
    if fund is None:
        raise NotFound(f"fund {change.fund_id!r}")
    _refuse_unless_expected(fund.amount_fen, change.expected_fen, fund.id)
    least_fen = max(fund.in_quarters_fen + fund.year_committed_fen, 1)
    refuse_below(new_fen=change.new_fen, least_fen=least_fen, what=fund.id)
    if not queries.set_fund_amount(
        session, fund, expected_fen=change.expected_fen, new_fen=change.new_fen
    ):
        raise BudgetChangedMeanwhile(fund.id)
    _open_pot(session, fund.id, None)
    raised = change.kind == "raise_fund"
    _transfer(session, change, "appropriation" if raised else "withdrawal", None)


def _open_pot(session: Session, fund_id: str, pot: str | None) -> None:
    """Open the accounts of a pot that had nothing so far; the fund's lock lets one do it."""
    if session.get(LedgerAccount, pot_account(fund_id, pot, "available")) is None:
        ledger_queries.add_accounts(session, accounts_of_pots(fund_id, [pot]))


def _move_between_pots(session: Session, change: Change) -> None:
    """Take from one pot of a fund and give to another; the fund's sum stays what it is."""
    source, target = _pots(change)
    pots = {pot_account(change.fund_id, pot, "available") for pot in (source, target)}
    queries.lock_accounts(session, pots)
    fund, quarters = queries.lock_quarters(session, change.fund_id)
    if fund is None or not {q for q in (source, target) if q} <= set(quarters):
        raise NotFound(f"fund {change.fund_id} {source} {target}")
    if source is None:
        rest_fen = fund.amount_fen - fund.in_quarters_fen - fund.year_committed_fen
        _refuse_more_than(rest_fen, change.amount_fen, f"the year of {fund.id}")
    else:
        given = quarters[source]
        least_fen = max(given.committed_fen, given.floor_fen, 1)
        new_fen = given.ceiling_fen - change.amount_fen
        _refuse_unless_expected(given.ceiling_fen, change.expected_fen, f"{fund.id}/{source}")
        refuse_below(new_fen=new_fen, least_fen=least_fen, what=f"{fund.id}/{source}")
    _set_ceilings(session, change, quarters)
    into_quarters_fen = change.amount_fen * ((source is None) - (target is None))
    if into_quarters_fen:
        queries.add_in_quarters(session, fund.id, into_quarters_fen)
    _open_pot(session, fund.id, target)
    _transfer(session, change, "withdrawal", source)
    _transfer(session, change, "appropriation", target)


def _pots(change: Change) -> tuple[str | None, str | None]:
    """Return the pot that gives and the pot that takes; None is the year."""
    if change.kind == "raise_quarter":
        return None, change.quarter
    if change.kind == "lower_quarter":
        return change.quarter, None
    return change.quarter, change.to_quarter


def _set_ceilings(session: Session, change: Change, quarters: dict[str, FundQuarter]) -> None:
    steps = [(change.quarter or "", change.expected_fen, change.new_fen)]
    if change.to_quarter is not None:
        expected_fen = change.expected_to_fen or 0
        steps.append((change.to_quarter, expected_fen, expected_fen + change.amount_fen))
    for quarter, expected_fen, new_fen in steps:
        what = f"{change.fund_id}/{quarter}"
        _refuse_unless_expected(quarters[quarter].ceiling_fen, expected_fen, what)
        if not queries.set_ceiling(
            session, change.fund_id, quarter, expected_fen=expected_fen, new_fen=new_fen
        ):
            raise BudgetChangedMeanwhile(what)


def _change_tiers(session: Session, change: Change) -> None:
    """Give tiers other counts; the campaign's amount and its pot follow (plan, part four)."""
    campaign = _locked_campaign(session, change)
    if campaign.state not in ("approved", "running", "paused"):
        raise ActNotPossible(
            f"{campaign.id} is {campaign.state}", details={"state": campaign.state}
        )
    available = pot_account(campaign.fund_id, campaign.quarter, "available")
    queries.lock_accounts(session, [available])
    _refuse_unless_expected(campaign.amount_fen, change.expected_fen, campaign.id)
    difference_fen = _set_counts(session, campaign, change)
    if difference_fen != change.new_fen - change.expected_fen:
        raise BudgetChangeInvalid(f"{change.id}: counts make {difference_fen} fen of difference")
    if difference_fen == 0:
        return
    if difference_fen > 0:
        _refuse_more_than(ledger_queries.balance(session, available), difference_fen, available)
    queries.add_committed(session, campaign.fund_id, campaign.quarter, difference_fen)
    if not queries.set_amount(
        session, campaign.id, expected_fen=change.expected_fen, new_fen=change.new_fen
    ):
        raise BudgetChangedMeanwhile(campaign.id)
    _transfer(session, change, "commitment" if difference_fen > 0 else "return", campaign.quarter)


def _set_counts(session: Session, campaign: Campaign, change: Change) -> int:
    """Change the counts that differ, tiers ascending by id; return the difference in fen."""
    counts = {tier.position: tier.count for tier in campaign.tiers}
    if counts != dict(change.expected_counts or {}):
        raise BudgetChangedMeanwhile(f"{campaign.id} has counts {counts}")
    wanted, difference_fen = dict(change.new_counts or {}), 0
    for tier in sorted(campaign.tiers, key=lambda tier: tier.id):
        new = wanted[tier.position]
        if new != tier.count:
            difference_fen += (new - tier.count) * tier.face_value_fen
            _set_count(session, campaign, tier, new, change)
    return difference_fen


def _set_count(session: Session, campaign: Campaign, tier: Tier, new: int, change: Change) -> None:
    units = new - tier.count
    what = f"{campaign.id} tier {tier.position}"
    if units < 0 and campaign.state != "approved":
        # Claims are decided in Valkey: what SQL takes away here may be promised there already.
        least_fen = tier.count * tier.face_value_fen
        refuse_below(new_fen=new * tier.face_value_fen, least_fen=least_fen, what=what)
    number = tier.count_number + 1
    if not queries.set_count(session, tier.id, expected=tier.count, new=new):
        raise BudgetChangedMeanwhile(what)
    session.add(
        CountChange(
            tier_id=tier.id,
            number=number,
            units=units,
            change_id=change.id,
            decided_at=clock.now(),
        )
    )


def _return_rest(session: Session, change: Change) -> None:
    """Give back to the pot what a campaign that is over will not spend."""
    campaign = _locked_campaign(session, change)
    refuse_unless_over(campaign_queries.terms_of(campaign), clock.now())
    # A subsidy that is being granted at this moment, or the last entry of the last day, spends of
    # what is read below. It holds the tiers; nobody holds them and waits for what we hold.
    campaign_queries.hold_tiers(session, campaign.id)
    queries.lock_accounts(session, [pot_account(campaign.fund_id, campaign.quarter, "available")])
    _refuse_unless_expected(campaign.returned_fen, change.expected_fen, campaign.id)
    _refuse_more_than(rest_fen(session, campaign.id), change.amount_fen, campaign.id)
    if not queries.set_returned(
        session, campaign.id, expected_fen=change.expected_fen, new_fen=change.new_fen
    ):
        raise BudgetChangedMeanwhile(campaign.id)
    queries.add_committed(session, campaign.fund_id, campaign.quarter, -change.amount_fen)
    _transfer(session, change, "return", campaign.quarter)


def _transfer(session: Session, change: Change, kind: TransferKind, pot: str | None) -> None:
    """Write the transfer of a change; its amount is the change's."""
    available = pot_account(change.fund_id, pot, "available")
    if change.campaign_id is not None:
        other = campaign_account(change.campaign_id, "committed")
    else:
        other = pot_account(change.fund_id, pot, "appropriated")
    out = kind in ("withdrawal", "commitment")
    posting = Posting(
        id=transfer_id(change.id, kind),
        kind=kind,
        from_account_id=available if out else other,
        to_account_id=other if out else available,
        amount_fen=change.amount_fen,
    )
    ledger_queries.add_transfer(session, posting, at=clock.now())


def _locked_campaign(session: Session, change: Change) -> Campaign:
    campaign = queries.lock_campaign(session, change.campaign_id or "")
    if campaign is None:
        raise NotFound(f"campaign {change.campaign_id!r}")
    return campaign


def _refuse_unless_expected(found_fen: int, expected_fen: int, what: str) -> None:
    if found_fen != expected_fen:
        raise BudgetChangedMeanwhile(
            f"{what} is {found_fen} fen, {expected_fen} was expected",
            details={"found_fen": found_fen, "expected_fen": expected_fen},
        )


def _refuse_more_than(rest_fen: int, amount_fen: int, what: str) -> None:
    if amount_fen > rest_fen:
        raise BudgetExceeded(
            f"{what} has {rest_fen} fen, {amount_fen} wanted",
            details={"available_fen": rest_fen, "amount_fen": amount_fen},
        )
