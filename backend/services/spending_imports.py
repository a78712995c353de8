"""Bringing in spending of before the start (补录支出): one brings a file, another confirms it.

A record is spent once: its number is its transfer's id. The transfer is dated when it is confirmed,
the record keeps its own day.
"""

import hashlib
from dataclasses import dataclass

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend import clock
from backend.domain.budgets import AlreadyDecided, Decision, refuse_unless_over
from backend.domain.campaigns import ActNotPossible, BudgetExceeded
from backend.domain.errors import NotFound
from backend.domain.postings import (
    CAMPAIGN_KINDS,
    Posting,
    campaign_account,
    campaign_posting,
    pot_account,
)
from backend.domain.refusals import RequestReused
from backend.domain.second_person import refuse_own_work
from backend.domain.spending import (
    Bounds,
    Fault,
    Record,
    SpendingFileRefused,
    SpendingImportedBefore,
    read_records,
)
from backend.extensions import db
from backend.services import audit, campaigns
from backend.services.spending_files import read_rows
from backend.storage.models.budgets import SpendingDecision, SpendingImport
from backend.storage.models.campaigns import Campaign
from backend.storage.models.ledger import LedgerAccount
from backend.storage.models.programmes import Fund, FundQuarter
from backend.storage.queries import budgets as budget_queries
from backend.storage.queries import campaigns as campaign_queries
from backend.storage.queries import ledger as ledger_queries
from backend.storage.queries import spending as queries
from backend.storage.sql import transaction

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Target:
    """Whose money it was: a campaign's, or a quarter's (None: the year's) of a fund."""

    fund_id: str
    quarter: str | None = None
    campaign_id: str | None = None


def of_campaign(campaign_id: str) -> Target:
    """Return a campaign as a target."""
    campaign = campaign_queries.get_campaign(db.session(), campaign_id)
    if campaign is None:
        raise NotFound(f"campaign {campaign_id[:40]!r}")
    return Target(fund_id=campaign.fund_id, quarter=campaign.quarter, campaign_id=campaign_id)


def propose(
    import_id: str, content: bytes, *, file_name: str, target: Target, reason: str, actor: str
) -> SpendingImport:
    """Take a file in, all of it or nothing; no money moves. The same again is the same import.

    Raises SpendingFileRefused with every fault's line, RequestReused for another file under the id.
    """
    digest = hashlib.sha256(content).hexdigest()
    with transaction() as session:
        # Two who propose under one id at once come one after the other.
        if session.get(Fund, target.fund_id, with_for_update={"key_share": True}) is None:
            raise NotFound(f"fund {target.fund_id[:40]!r}")
        if known := session.get(SpendingImport, import_id):
            said = (known.file_digest, known.campaign_id, known.quarter, known.proposed_by)
            if said != (digest, target.campaign_id, target.quarter, actor):
                raise RequestReused(f"spending import {import_id}")
            return known
        _refuse_unknown_quarter(session, target)
        records = _read(session, content, file_name, target)
        row = SpendingImport(
            id=import_id,
            **vars(target),
            file_name=file_name,
            file_digest=digest,
            total_fen=sum(record.amount_fen for record in records),
            reason=reason,
            proposed_by=actor,
            proposed_at=clock.now(),
        )
        session.add(row)
        session.flush()
        queries.add_records(session, [vars(r) | {"import_id": import_id} for r in records])
        audit.record(
            session,
            actor=actor,
            action="spending.propose",
            subject=import_id,
            records=len(records),
            total_fen=row.total_fen,
            digest=digest,
        )
        session.refresh(row, ["decision"])
        return row


def confirm(import_id: str, *, actor: str) -> SpendingDecision:
    """Spend every record of an import, as the second person; the same again changes nothing.

    Raises SpendingImportedBefore, BudgetExceeded, CampaignNotOver, ActNotPossible.
    """
    found = db.session.get(SpendingImport, import_id)
    campaign_id = found.campaign_id if found is not None else None
    if campaign_id is not None:
        campaigns.refuse_waiting_claims(campaign_id)
    try:
        with transaction() as session:
            row, decided = _decide(session, import_id, "confirmed", actor, None)
            if decided:
                return decided
            made = session.get_one(SpendingDecision, import_id)
            _spend(session, row)
    except IntegrityError as error:  # a record that another import brought in meanwhile
        raise SpendingImportedBefore(import_id) from error
    log.info("spending_imported", import_id=import_id)
    return made


def refuse(import_id: str, *, reason: str, actor: str) -> SpendingDecision:
    """Refuse an import, as the second person; its records may come again by another one."""
    with transaction() as session:
        _, decided = _decide(session, import_id, "refused", actor, reason)
        return decided or session.get_one(SpendingDecision, import_id)


def get(import_id: str) -> SpendingImport:
    """Return an import with its decision, or raise NotFound."""
    found = db.session.get(SpendingImport, import_id)
    if found is None:
        raise NotFound(f"spending import {import_id[:40]!r}")
    return found


def list_imports() -> list[SpendingImport]:
    """Return all imports with their decisions, the newest first."""
    return queries.list_imports(db.session())


def _read(session: Session, content: bytes, file_name: str, target: Target) -> list[Record]:
    years = queries.years_of(session, target.fund_id) or frozenset([clock.today().year])
    quarter = None if target.campaign_id else target.quarter
    bounds = Bounds(years=years, today=clock.today(), quarter=quarter)
    records = read_records(read_rows(content, file_name), bounds)
    known = queries.known_numbers(session, [record.record_number for record in records])
    faults = [
        Fault(line=r.line, where="凭证号", reason="已由另一次补录入账")
        for r in records
        if r.record_number in known
    ]
    if faults:
        raise SpendingFileRefused(faults)
    return records


def _decide(
    session: Session, import_id: str, decision: Decision, actor: str, reason: str | None
) -> tuple[SpendingImport, SpendingDecision | None]:
    """Write the decision, or return the one made before, if it is this one; refuse any other."""
    row = session.get(SpendingImport, import_id, with_for_update={"key_share": True})
    if row is None:
        raise NotFound(f"spending import {import_id[:64]!r}")
    refuse_own_work(made_by=row.proposed_by, checked_by=actor)
    found = session.get(SpendingDecision, import_id)
    if found is not None:
        if (found.decision, found.decided_by) != (decision, actor):
            raise AlreadyDecided(f"{import_id} was {found.decision}")
        return row, found
    session.add(
        SpendingDecision(
            import_id=import_id,
            proposed_by=row.proposed_by,
            decision=decision,
            reason=reason,
            decided_by=actor,
            decided_at=clock.now(),
        )
    )
    verb = "confirm" if decision == "confirmed" else "refuse"
    audit.record(session, actor=actor, action=f"spending.{verb}", subject=import_id)
    session.flush()
    return row, None


def _spend(session: Session, row: SpendingImport) -> None:
    if row.campaign_id is not None:
        campaign = _settled_campaign(session, row.campaign_id)
        pot_id, amount_id = campaign.id, campaign_account(campaign.id, "committed")
        _refuse_more_than(ledger_queries.balance(session, amount_id), row)
        postings = [
            campaign_posting("spending", pot_id, r.amount_fen, id=_transfer_id(r.record_number))
            for r in queries.records_of(session, row.id)
        ]
    else:
        _commit_to_pot(session, row)
        source, target = (pot_account(row.fund_id, row.quarter, k) for k in ("committed", "spent"))
        postings = [
            Posting(
                id=_transfer_id(r.record_number),
                kind="spending",
                from_account_id=source,
                to_account_id=target,
                amount_fen=r.amount_fen,
            )
            for r in queries.records_of(session, row.id)
        ]
    queries.add_transfers(session, postings, at=clock.now())


def _settled_campaign(session: Session, campaign_id: str) -> Campaign:
    """Return the campaign, held; one whose units can still be claimed keeps its money for them."""
    campaign = budget_queries.lock_campaign(session, campaign_id)
    if campaign is None:
        raise NotFound(f"campaign {campaign_id!r}")
    if campaign.mode in ("claim", "instant"):
        refuse_unless_over(campaign_queries.terms_of(campaign), clock.now())
    elif campaign.state == "draft":
        raise ActNotPossible(f"{campaign_id} is a draft", details={"state": campaign.state})
    else:  # entries and subsidies may be spent at this moment: each looks at what is left
        campaign_queries.hold_tiers(session, campaign.id)
    return campaign


def _commit_to_pot(session: Session, row: SpendingImport) -> None:
    """Commit an import's total out of its pot, into accounts of the pot's own."""
    available = pot_account(row.fund_id, row.quarter, "available")
    budget_queries.lock_accounts(session, [available])
    _refuse_more_than(ledger_queries.balance(session, available), row)
    new = [
        LedgerAccount(id=id_, kind=kind, fund_id=row.fund_id, quarter=row.quarter)
        for kind in CAMPAIGN_KINDS
        if kind != "locked"
        and session.get(LedgerAccount, id_ := pot_account(row.fund_id, row.quarter, kind)) is None
    ]
    ledger_queries.add_accounts(session, new)
    budget_queries.add_committed(session, row.fund_id, row.quarter, row.total_fen)
    posting = Posting(
        id=f"commitment:import:{row.id}",
        kind="commitment",
        from_account_id=available,
        to_account_id=pot_account(row.fund_id, row.quarter, "committed"),
        amount_fen=row.total_fen,
    )
    ledger_queries.add_transfer(session, posting, at=clock.now())


def _transfer_id(record_number: str) -> str:
    return queries.TRANSFER_PREFIX + record_number


def _refuse_more_than(rest_fen: int, row: SpendingImport) -> None:
    if row.total_fen > rest_fen:
        raise BudgetExceeded(
            f"import {row.id} wants {row.total_fen} of {rest_fen} fen",
            details={"available_fen": rest_fen, "amount_fen": row.total_fen},
        )


def _refuse_unknown_quarter(session: Session, target: Target) -> None:
    if target.quarter and session.get(FundQuarter, (target.fund_id, target.quarter)) is None:
        raise NotFound(f"quarter {target.fund_id!r} {target.quarter!r}")
