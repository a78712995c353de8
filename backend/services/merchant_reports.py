"""Merchants that a bank reports (提报): one by hand, a file of them, or by its signed calls.

Source: plan, part seven: 银行机构将符合条件的参与商户信息提报给市商务和口岸局和上级银行机构.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import IO

import structlog
from flask import current_app
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend import clock
from backend.domain import applicants as rules
from backend.domain.applicants import (
    Applicant,
    ApplicantInvalid,
    AppliedFor,
    MerchantIdentityTaken,
    Signature,
    Tills,
)
from backend.domain.merchant_steps import Step
from backend.domain.reconciliation import Fault
from backend.extensions import db
from backend.gateways.merchant_reports import APPLIED_FOR, COLUMNS, read_rows
from backend.services import audit, merchant_steps, pledges
from backend.services.merchant_steps import Act
from backend.services.pledges import Pledged
from backend.settings import Settings
from backend.storage import files
from backend.storage.models.merchants import Merchant
from backend.storage.models.onboarding import MerchantReport, MerchantTerminal
from backend.storage.queries import onboarding as queries
from backend.storage.sql import transaction

log = structlog.get_logger()
MAX_FILE_BYTES = 5_000_000
FILE_COLUMNS = COLUMNS  # of a bank's file, in any order


@dataclass(frozen=True, kw_only=True)
class Line:
    """One merchant of a file, from its pledge to its tills."""

    number: int
    pledged: Pledged
    applied_for: AppliedFor
    tills: Tills


def report(merchant_id: str, tills: Tills, *, actor: str) -> Merchant:
    """Report a merchant that has applied, with its numbers; the review of all offices begins.

    Raises ApplicantInvalid, MerchantIdentityTaken, and what a step raises.
    """
    if faults := list(rules.till_faults(tills)):
        raise ApplicantInvalid([Fault(line=0, where=w, reason=r) for w, r in faults])
    try:
        with transaction() as session:
            merchant = merchant_steps.locked(session, merchant_id)
            _refuse_taken(session, tills)
            _enter(session, merchant, tills, actor=actor)
    except IntegrityError:  # another merchant got the number at once
        _refuse_taken(db.session(), tills)
        raise
    return merchant


def take_file(source: IO[bytes], *, file_name: str, actor: str) -> MerchantReport:
    """Take a bank's file whole: each line is pledged, applied and reported; or refuse it whole.

    The same bytes again are the same report. Raises ApplicantInvalid with every fault's line.
    """
    settings: Settings = current_app.extensions["settings"]
    try:
        with files.receive(settings.files_dir, source, max_bytes=MAX_FILE_BYTES) as received:
            if known := queries.get_report(db.session(), received.digest):
                return known
            faults: list[Fault] = []
            rows = read_rows(received.path, file_name, faults)
            lines = [line for row in rows if (line := _line(*row, faults)) is not None]
            return _take(received.digest, file_name, lines, faults, actor=actor)
    except files.FileTooLarge as error:
        reason = f"超过 {MAX_FILE_BYTES // 1_000_000} MB"
        raise ApplicantInvalid([Fault(line=0, where="文件", reason=reason)]) from error


def take_up() -> int:
    """Report merchants that a partner proposed by its calls, once they have applied.

    A proposal may come before the pledge or after it. Returns how many moved. Safe on several
    machines at once: the step is taken from `applied` alone.
    """
    waiting = queries.waiting_proposals(db.session())
    db.session.close()
    moved = 0
    for proposal in waiting:
        tills = Tills(
            merchant_number=proposal.merchant_number,
            terminal_numbers=tuple(proposal.terminal_numbers.split()),
        )
        try:
            with transaction() as session:
                merchant = queries.lock_applied(session, proposal.uscc)
                if merchant is not None:
                    _refuse_taken(session, tills)
                    _enter(session, merchant, tills, actor=f"partner:{proposal.partner_id}")
                    moved += 1
        except (MerchantIdentityTaken, IntegrityError) as error:  # staff see it among proposals
            log.warning("proposal_not_taken_up", proposal_id=proposal.id, why=str(error)[:80])
    return moved


def reports() -> list[MerchantReport]:
    """Return the files that were taken, the newest first."""
    return queries.list_reports(db.session())


def terminals(merchant_id: str) -> list[str]:
    """Return the numbers of a merchant's terminals."""
    return queries.terminals(db.session(), merchant_id)


def _take(
    digest: str, file_name: str, lines: Sequence[Line], faults: list[Fault], *, actor: str
) -> MerchantReport:
    with transaction() as session:
        programme = pledges.programme_held(session)
        if known := queries.get_report(session, digest):
            return known
        faults += _faults(session, lines)
        if faults:
            raise ApplicantInvalid(sorted(faults, key=lambda fault: fault.line))
        ids = []
        for line in lines:
            merchant = pledges.enter(session, programme, line.pledged, actor=actor)
            pledges.enter_application(session, merchant, line.applied_for, actor=actor)
            _enter(session, merchant, line.tills, actor=actor)
            ids.append(merchant.id)
        made = MerchantReport(
            digest=digest,
            file_name=file_name[:200],
            merchant_ids=" ".join(ids),
            reported_by=actor,
            reported_at=clock.now(),
        )
        session.add(made)
        audit.record(
            session, actor=actor, action="merchant.report_file", subject=digest, merchants=len(ids)
        )
    return made


def _enter(session: Session, merchant: Merchant, tills: Tills, *, actor: str) -> None:
    merchant_steps.take(session, merchant, Act(step=Step.REPORTED, actor=actor, office="bank"))
    merchant.merchant_number = tills.merchant_number
    session.add_all(
        MerchantTerminal(number=number, merchant_id=merchant.id)
        for number in tills.terminal_numbers
    )
    session.flush()


def _refuse_taken(session: Session, tills: Tills) -> None:
    number = Merchant.merchant_number == tills.merchant_number
    taken = [("商户号", holder)] if (holder := queries.holder_of(session, number)) else []
    for terminal in queries.holders_of_terminals(session, tills.terminal_numbers):
        taken.append((f"终端号 {terminal.number}", terminal.merchant_id))
    for field, holder in taken:
        raise MerchantIdentityTaken(
            f"{field} of {holder}", details={"field": field, "merchant_id": holder}
        )


def _line(number: int, cells: Mapping[str, str], faults: list[Fault]) -> Line | None:
    """Return a row as a line; what has no form at all is added to the faults."""
    wrong, signed_on = [], date.min
    try:
        signed_on = date.fromisoformat(cells["签订日期"])
    except ValueError:
        wrong.append(("签订日期", "须为 2023-04-28 形式"))
    version = cells["承诺书版本"]
    if not (version.isascii() and version.isdigit() and len(version) < 6):
        wrong.append(("承诺书版本", "须为版本号，如 1"))
    applied_for = APPLIED_FOR.get(cells["申请"])
    if applied_for is None:
        wrong.append(("申请", f"须为{'或'.join(APPLIED_FOR)}"))
    faults += [Fault(line=number, where=where, reason=reason) for where, reason in wrong]
    if wrong or applied_for is None:
        return None
    return Line(
        number=number,
        pledged=Pledged(
            applicant=Applicant(
                name=cells["商户名称"],
                legal_name=cells["营业执照名称"],
                uscc=cells["统一社会信用代码"],
                licence_number=cells["营业执照编号"] or None,
                domain_id=cells["领域"],
                area=cells["区域"] or None,
                address=cells["地址"],
                contact=cells["联系人"],
                phone=cells["联系电话"],
            ),
            signature=Signature(
                text_version=int(version), signed_by=cells["签订人"], signed_on=signed_on
            ),
        ),
        applied_for=applied_for,
        tills=Tills(
            merchant_number=cells["商户号"], terminal_numbers=tuple(cells["终端号"].split())
        ),
    )


def _faults(session: Session, lines: Sequence[Line]) -> list[Fault]:
    """Return all that is wrong with each line by itself, beside others, and beside merchants."""
    found: list[Fault] = []
    first_at: dict[tuple[str, str], int] = {}
    for line in lines:
        pledged, tills = line.pledged, line.tills
        wrong = [
            *pledges.faults_of(session, pledged.applicant, pledged.signature),
            *rules.till_faults(tills),
        ]
        for where, number in _numbers(line):
            if (first := first_at.setdefault((where, number), line.number)) != line.number:
                wrong.append((where, f"与第 {first} 行重复"))
        try:
            pledges.refuse_taken(session, pledged.applicant)
            _refuse_taken(session, tills)
        except MerchantIdentityTaken as error:
            field, holder = error.details["field"], error.details["merchant_id"]
            wrong.append((str(field), f"已属于 {holder}"))
        found += [Fault(line=line.number, where=where, reason=reason) for where, reason in wrong]
    return found


def _numbers(line: Line) -> list[tuple[str, str]]:
    applicant = line.pledged.applicant
    return [
        ("统一社会信用代码", applicant.uscc),
        *([("营业执照编号", applicant.licence_number)] if applicant.licence_number else []),
        ("商户号", line.tills.merchant_number),
        *(("终端号", number) for number in dict.fromkeys(line.tills.terminal_numbers)),
    ]
