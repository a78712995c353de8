"""Monthly statements of entries (月度结算单): drawn up by one person, confirmed by another.

A confirmed statement is one source of settlement: the next sheet of the scenic spot takes it.
"""

import hashlib

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend import clock
from backend.domain import entries as rules
from backend.domain.entries import EntryStatementDecided, EntryStatementEmpty
from backend.domain.errors import NotFound
from backend.domain.second_person import refuse_own_work
from backend.extensions import db
from backend.services import audit
from backend.services.listings import Listing
from backend.storage.models.campaigns import Campaign
from backend.storage.models.entries import EntryStatement
from backend.storage.queries import budgets as budget_queries
from backend.storage.queries import entries as queries
from backend.storage.sql import transaction

log = structlog.get_logger()


def make(*, campaign_id: str, month: str, actor: str) -> EntryStatement:
    """Draw up a month's statement; a month that has one answers with it.

    It takes every entry up to the month's end that stands in none, so that one that was written
    late is stated with the next month. Raises EntryMonthOpen, EntryStatementEmpty, NotFound.
    """
    through = rules.refuse_open_month(month, now=clock.now())
    try:
        with transaction() as session:
            campaign = budget_queries.lock_campaign(session, campaign_id)
            if campaign is None or campaign.mode != "entry":
                raise NotFound(f"entry campaign {campaign_id[:40]!r}")
            if known := queries.live_statement(session, campaign_id, month):
                return known
            number = queries.count_statements(session, campaign_id, month) + 1
            statement_id = rules.statement_id(campaign_id, month, number)
            queries.take_into(session, statement_id, campaign_id=campaign_id, through=through)
            count, persons, free, amount_fen = queries.sums_of(session, statement_id)
            if count == 0:
                raise EntryStatementEmpty(f"{campaign_id} in {month}")
            statement = EntryStatement(
                id=statement_id,
                campaign_id=campaign_id,
                merchant_id=campaign.merchant_id or "",
                month=month,
                through_day=through,
                state="drafted",
                entry_count=count,
                resident_count=persons,
                free_count=free,
                amount_fen=amount_fen,
                digest=_digest(session, statement_id),
                made_by=actor,
                made_at=clock.now(),
            )
            session.add(statement)
            _audit(session, statement, actor=actor, action="entry.state")
            session.refresh(statement)
    except IntegrityError:  # another process was faster
        if known := queries.live_statement(db.session(), campaign_id, month):
            return known
        raise
    log.info("entries_stated", statement_id=statement_id, amount_fen=amount_fen)
    return statement


def confirm(*, statement_id: str, actor: str) -> EntryStatement:
    """Confirm a statement as the second person: from now on settlement owes its sum."""
    return _decide(statement_id, "confirmed", actor=actor, reason=None)


def refuse(*, statement_id: str, reason: str, actor: str) -> EntryStatement:
    """Send a statement back as the second person; its entries are free for the next one."""
    return _decide(statement_id, "refused", actor=actor, reason=reason)


def get(statement_id: str) -> EntryStatement:
    """Return a statement, or raise NotFound."""
    found = db.session.get(EntryStatement, statement_id)
    if found is None:
        raise NotFound(f"entry statement {statement_id[:60]!r}")
    return found


def find(*, month: str = "", state: str = "") -> Listing[EntryStatement]:
    """Return the statements of a month or a state, or all; the newest months first."""
    exactly = {"month": month, "state": state}
    found = select(EntryStatement).filter_by(
        **{name: text for name, text in exactly.items() if text}
    )
    return Listing(found.order_by(EntryStatement.month.desc(), EntryStatement.id.desc()))


def campaigns() -> list[tuple[str, str]]:
    """Return the id and the name of each campaign that waives entries."""
    found = select(Campaign.id, Campaign.name).where(Campaign.mode == "entry")
    return [(row.id, row.name) for row in db.session.execute(found.order_by(Campaign.id))]


def list_all() -> list[EntryStatement]:
    """Return all statements, the newest months first."""
    return queries.list_statements(db.session())


def _decide(
    statement_id: str, state: rules.StatementState, *, actor: str, reason: str | None
) -> EntryStatement:
    with transaction() as session:
        statement = queries.lock_statement(session, statement_id)
        if statement is None:
            raise NotFound(f"entry statement {statement_id[:60]!r}")
        if (statement.state, statement.decided_by) == (state, actor):
            return statement
        if statement.state != "drafted":
            raise EntryStatementDecided(f"{statement_id} is {statement.state}")
        refuse_own_work(made_by=statement.made_by, checked_by=actor)
        statement.state, statement.reason = state, reason
        statement.decided_by, statement.decided_at = actor, clock.now()
        if state == "refused":
            queries.free_from(session, statement_id)
        verb = "confirm" if state == "confirmed" else "refuse"
        _audit(session, statement, actor=actor, action=f"entry.{verb}", reason=reason)
    return statement


def _digest(session: Session, statement_id: str) -> str:
    """Return the SHA-256 over a statement's entries: id, day and amount, by time."""
    found = hashlib.sha256()
    for entry, _ in queries.read_stated(session, statement_id):
        found.update(f"{entry.id}|{entry.business_day}|{entry.amount_fen}\n".encode())
    return found.hexdigest()


def _audit(
    session: Session,
    statement: EntryStatement,
    *,
    actor: str,
    action: str,
    reason: str | None = None,
) -> None:
    audit.record(
        session,
        actor=actor,
        action=action,
        subject=statement.id,
        amount_fen=statement.amount_fen,
        digest=statement.digest,
        reason=reason,
    )
    session.flush()
