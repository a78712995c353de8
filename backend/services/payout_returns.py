"""Taking a bank's return file (回盘文件): each line once, all of the file or nothing of it."""

from collections.abc import Mapping, Sequence

import structlog
from sqlalchemy.orm import Session

from backend import clock
from backend.domain.errors import NotFound
from backend.domain.payouts import Outcome, waits_when_returned
from backend.extensions import db
from backend.services import (
    audit,
    disqualifications,
    payout_answers,
    payout_layouts,
    settlements,
)
from backend.services.payout_answers import Faults
from backend.storage.models.payouts import PayoutFile, PayoutLine, PayoutReturn
from backend.storage.queries import payouts as queries
from backend.storage.queries import settlements as sheet_queries
from backend.storage.sql import transaction

log = structlog.get_logger()


def take(*, number: str, content: bytes, actor: str) -> PayoutReturn:
    """Take what the bank says of a payout file; the same file again is the same answer.

    Lines that it does not name stay open. A line answered before must be answered alike. Paid
    sheets keep the bank's serial and day; failed ones wait for the next payout file, those of a
    disqualified merchant until each line has been looked at and released.
    Raises ReturnFileRefused with every fault and its line: an amount that was altered, a line that
    was never sent, a serial used before. The bank's word is final: a payment that comes back after
    it was told as paid is settled with the bank by hand.
    """
    digest = payout_answers.digest(content)
    known = db.session.get(PayoutReturn, (number, digest))
    if known is not None:
        return known
    outcomes = payout_answers.read(payout_layouts.current().answer, content)
    with transaction() as session:
        file = queries.lock_file(session, number)
        if file is None:
            raise NotFound(f"payout file {number[:40]!r}")
        known = session.get(PayoutReturn, (number, digest))
        if known is not None:  # somebody else took it meanwhile
            return known
        sent = {line.line_number: line for line in queries.list_lines(session, number)}
        _refuse_faults(session, file, outcomes, sent)
        for outcome in outcomes:
            _take_one(session, outcome, sent[outcome.line_number], actor=actor, digest=digest)
        taken = _add_return(session, number, digest, outcomes, actor=actor)
    log.info("payout_return_taken", number=number, paid=taken.paid_count, failed=taken.failed_count)
    return taken


def _refuse_faults(
    session: Session,
    file: PayoutFile,
    outcomes: Sequence[Outcome],
    sent: Mapping[int, PayoutLine],
) -> None:
    faults, seen, serials = Faults(), set[int](), set[str]()
    used = queries.used_serials(session, [o.serial for o in outcomes if o.serial])
    for outcome in outcomes:
        line = sent.get(outcome.line_number)
        if line is None or outcome.line_number in seen:
            what = "同一笔出现两次" if line else "代发文件中没有这一笔"
            faults.add(outcome.file_line, "序号", what)
            continue
        seen.add(outcome.line_number)
        _note_mismatches(file, line, outcome, faults)
        if outcome.serial:
            own = (file.number, line.line_number)
            if outcome.serial in serials or used.get(outcome.serial, own) != own:
                faults.add(outcome.file_line, "流水号", "已用于另一笔付款")
            serials.add(outcome.serial)
    faults.raise_if_any()


def _note_mismatches(file: PayoutFile, line: PayoutLine, outcome: Outcome, faults: Faults) -> None:
    if outcome.sheet_id not in (None, "", line.sheet_id):
        faults.add(outcome.file_line, "结算单号", "与代发文件不符")
    if outcome.amount_fen != line.amount_fen:
        faults.add(outcome.file_line, "金额", "与代发文件不符")
    if line.state != "sent" and _said(line) != _says(outcome):
        faults.add(outcome.file_line, "结果", "与此前的回盘不符")
    if outcome.day is not None and not file.day <= outcome.day <= clock.today():
        faults.add(outcome.file_line, "日期", "早于结算日或晚于今天")


def _said(line: PayoutLine) -> tuple[object, ...]:
    return (line.state, line.bank_serial, line.bank_day)


def _says(outcome: Outcome) -> tuple[object, ...]:
    return ("paid" if outcome.paid else "failed", outcome.serial, outcome.day)


def _take_one(
    session: Session, outcome: Outcome, line: PayoutLine, *, actor: str, digest: str
) -> None:
    if line.state != "sent":
        return  # answered alike before
    state = "paid" if outcome.paid else "failed"
    status = queries.merchant_status_held(session, line.sheet_id)
    sheet = sheet_queries.lock_sheet(session, line.sheet_id)
    answered = queries.answer_line(
        session,
        line,
        state=state,
        serial=outcome.serial,
        day=outcome.day,
        reason=outcome.reason,
        at=clock.now(),
    )
    if sheet is None or not answered:
        raise RuntimeError(f"{line.sheet_id} changed while its file was held")  # rolls all back
    remark = f"{outcome.serial} {outcome.day}" if outcome.paid else outcome.reason
    settlements.take_step(
        session,
        sheet,
        "pay" if outcome.paid else "fail_payout",
        "payer",
        actor=actor,
        remark=remark,
        digest=digest,
    )
    if not outcome.paid and waits_when_returned(status):
        disqualifications.hold_returned(
            session, line.sheet_id, file_number=line.file_number, actor=actor
        )


def _add_return(
    session: Session, number: str, digest: str, outcomes: Sequence[Outcome], *, actor: str
) -> PayoutReturn:
    paid = [outcome.amount_fen for outcome in outcomes if outcome.paid]
    failed = [outcome.amount_fen for outcome in outcomes if not outcome.paid]
    taken = PayoutReturn(
        file_number=number,
        digest=digest,
        paid_count=len(paid),
        failed_count=len(failed),
        paid_fen=sum(paid),
        failed_fen=sum(failed),
        taken_by=actor,
        taken_at=clock.now(),
    )
    session.add(taken)
    audit.record(
        session,
        actor=actor,
        action="payout.return",
        subject=number,
        paid_fen=sum(paid),
        failed_fen=sum(failed),
        digest=digest,
    )
    session.flush()
    return taken
