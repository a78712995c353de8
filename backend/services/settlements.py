"""Settlement sheets (结算单): drafted the day after, approved in turn, or sent back."""

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend import clock
from backend.domain import settlements as rules
from backend.domain.errors import NotFound
from backend.domain.second_person import refuse_own_work
from backend.domain.settlements import Line, Role, StepAct
from backend.extensions import db
from backend.services import audit
from backend.storage.models.settlements import SettlementRun, SettlementSheet, SettlementStep
from backend.storage.queries import settlement_sources
from backend.storage.queries import settlements as queries
from backend.storage.sql import allow_long_statements, transaction

log = structlog.get_logger()
SYSTEM = "system"


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What one drafting made. Amounts in fen.

    :param carried: merchants whose open lines come to zero or less: they wait for a later sheet
    """

    through_day: date
    sheet_ids: tuple[str, ...]
    amount_fen: int
    carried: tuple[str, ...]


def draft(*, through_day: date | None = None, actor: str) -> Draft:
    """Draft a sheet for each merchant of all that is open up to a business day, by default
    yesterday; again finds nothing left. Held lines stay out.

    Source: T+1 per merchant. Raises SettlementDayOpen for today and later.
    """
    day = through_day or clock.today() - timedelta(days=1)
    rules.refuse_open_day(day, today=clock.today())
    allow_long_statements(db.session())
    owed = settlement_sources.list_owed(db.session(), through_day=day)
    db.session.close()
    made, amount_fen = [], 0
    for merchant_id, owed_fen in owed:
        if owed_fen > 0 and (sheet := draft_merchant(merchant_id, through_day=day, actor=actor)):
            made.append(sheet.id)
            amount_fen += sheet.amount_fen
    log.info("settlement_drafted", through_day=str(day), sheets=len(made), amount_fen=amount_fen)
    return Draft(
        through_day=day,
        sheet_ids=tuple(made),
        amount_fen=amount_fen,
        carried=tuple(merchant_id for merchant_id, owed_fen in owed if owed_fen <= 0),
    )


def draft_due() -> int:
    """Draft yesterday's sheets once a night, from 00:30 on; return how many. For the job.

    What is rejected later the same day is not drafted again by itself: somebody looks first.
    """
    day = rules.due_day(clock.now())
    if day is None or db.session.get(SettlementRun, day) is not None:
        return 0
    made = draft(through_day=day, actor=SYSTEM)
    try:
        with transaction() as session:
            run = SettlementRun(through_day=day, sheet_count=len(made.sheet_ids))
            run.finished_at = clock.now()
            session.add(run)
    except IntegrityError:  # another machine's job was faster
        log.info("settlement_run_elsewhere", through_day=str(day))
    return len(made.sheet_ids)


def draft_merchant(merchant_id: str, *, through_day: date, actor: str) -> SettlementSheet | None:
    """Draft one merchant's sheet; None when nothing is owed, or another draft was faster.

    Lines come first, the sheet with their sums after: its foreign key is checked at the commit.
    """
    try:
        with transaction() as session:
            allow_long_statements(session)
            queries.lock_merchant(session, merchant_id)
            number = queries.next_number(session, merchant_id, through_day)
            sheet_id = rules.sheet_id(merchant_id, through_day, number)
            settlement_sources.add_lines(
                session, sheet_id=sheet_id, merchant_id=merchant_id, through_day=through_day
            )
            count, amount_fen, from_day = queries.sums_of(session, sheet_id)
            if from_day is None or amount_fen <= 0:
                session.rollback()
                return None
            sheet = SettlementSheet(
                id=sheet_id,
                merchant_id=merchant_id,
                from_day=from_day,
                through_day=through_day,
                line_count=count,
                amount_fen=amount_fen,
                digest=_digest(session, sheet_id),
                drafted_at=clock.now(),
            )
            session.add(sheet)
            session.flush()
            role: Role = "system" if actor == SYSTEM else "bureau"
            _add_step(session, sheet, "draft", role, actor=actor, remark=None, digest=sheet.digest)
            session.refresh(sheet)
    except IntegrityError as error:
        log.info("settlement_drafted_elsewhere", merchant_id=merchant_id, error=str(error.orig))
        return None
    return sheet


def approve(*, sheet_id: str, role: Role, actor: str, remark: str | None = None) -> SettlementSheet:
    """Approve a sheet for the bureau or for finance; again by the same person changes nothing.

    Raises SettlementStepNotPossible out of order, SecondPersonNeeded for whoever took any step
    before, SettlementLineHeld when a line was held since.
    """
    act: StepAct = "approve_bureau" if role == "bureau" else "approve_finance"
    return _act(sheet_id, act, role, actor=actor, remark=remark)


def reject(*, sheet_id: str, role: Role, actor: str, reason: str) -> SettlementSheet:
    """Send a sheet back with a reason; its lines are free for the next sheet at once."""
    return _act(sheet_id, "reject", role, actor=actor, remark=reason)


def _act(
    sheet_id: str, act: StepAct, role: Role, *, actor: str, remark: str | None
) -> SettlementSheet:
    with transaction() as session:
        sheet = queries.lock_sheet(session, sheet_id)
        if sheet is None:
            raise NotFound(f"sheet {sheet_id[:40]!r}")
        last = queries.last_step(session, sheet_id)
        if last is not None and (last.act, last.role, last.actor) == (act, role, actor):
            return sheet
        if act != "reject":
            refuse_held(session, sheet_id)
        take_step(session, sheet, act, role, actor=actor, remark=remark, digest=sheet.digest)
        if act == "reject":
            allow_long_statements(session)
            queries.free_lines(session, sheet_id, at=clock.now())
        session.refresh(sheet)
    log.info("settlement_step_taken", sheet_id=sheet_id, act=act, state=sheet.state)
    return sheet


def take_step(  # every step of a sheet after its draft goes through here
    session: Session,
    sheet: SettlementSheet,
    act: StepAct,
    role: Role,
    *,
    actor: str,
    remark: str | None,
    digest: str,
) -> None:
    """Move a locked sheet one step on and write it down, or refuse.

    :param digest: SHA-256 of what was looked at: the sheet's lines, or the bank's file
    """
    state: rules.SheetState = sheet.state  # type: ignore[assignment]  # a CHECK names them
    reached = rules.next_state(act, role, state, sheet_id=sheet.id)
    steps = queries.list_steps(session, sheet.id)
    # Whoever approves has had no part in the sheet; of payout and answer he is not the one before.
    for step in steps if act in rules.APPROVALS else steps[-1:]:
        refuse_own_work(made_by=step.actor, checked_by=actor)
    if not queries.change_state(session, sheet.id, expected=state, state=reached):
        raise RuntimeError(f"sheet {sheet.id} changed while it was held")  # rolls all back
    sheet.state = reached
    _add_step(session, sheet, act, role, actor=actor, remark=remark, digest=digest)


def refuse_held(session: Session, sheet_id: str) -> None:
    """Refuse a sheet with a line that was held after it was drafted."""
    if held := queries.held_in(session, sheet_id):
        raise rules.SettlementLineHeld(
            f"{sheet_id} holds {', '.join(held[:5])}", details={"redemption_ids": held[:100]}
        )


def sheet_of(sheet_id: str, *, merchant_id: str | None = None) -> SettlementSheet:
    """Return a sheet; NotFound when it is absent or, with a merchant, somebody else's."""
    sheet = queries.get_sheet(db.session(), sheet_id, merchant_id)
    if sheet is None:
        raise NotFound(f"sheet {sheet_id[:40]!r}")
    return sheet


def sheets(
    *,
    merchant_id: str | None = None,
    states: tuple[str, ...] = (),
    page: int = 1,
    page_size: int = 50,
) -> list[SettlementSheet]:
    """Return one page of sheets, the newest days first; all merchants' or one's."""
    return queries.list_sheets(
        db.session(),
        merchant_id=merchant_id,
        states=states,
        through_day=None,
        limit=page_size,
        offset=(page - 1) * page_size,
    )


def steps(sheet_id: str) -> list[SettlementStep]:
    """Return a sheet's steps in their order."""
    return queries.list_steps(db.session(), sheet_id)


def lines(sheet_id: str, *, page: int, page_size: int) -> list[Line]:
    """Return one page of a sheet's lines in the order of their times."""
    session, offset = db.session(), (page - 1) * page_size
    return list(queries.read_lines(session, sheet_id, limit=page_size, offset=offset))


def _add_step(
    session: Session,
    sheet: SettlementSheet,
    act: StepAct,
    role: Role,
    *,
    actor: str,
    remark: str | None,
    digest: str,
) -> None:
    last = queries.last_step(session, sheet.id)
    session.add(
        SettlementStep(
            sheet_id=sheet.id,
            position=last.position + 1 if last else 1,
            act=act,
            state=sheet.state,
            actor=actor,
            role=role,
            remark=remark,
            digest=digest,
            at=clock.now(),
        )
    )
    audit.record(
        session,
        actor=actor,
        action=f"settlement.{act}",
        subject=sheet.id,
        amount_fen=sheet.amount_fen,
        remark=remark,
    )
    session.flush()


def _digest(session: Session, sheet_id: str) -> str:
    """Return the SHA-256 over a sheet's lines: kind, source, order and amount, by time."""
    found = hashlib.sha256()
    for text in queries.digest_texts(session, sheet_id):
        found.update(text.encode())
    return found.hexdigest()
