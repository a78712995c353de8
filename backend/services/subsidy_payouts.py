"""Payout lists of granted subsidies (发放清单): to applicants' accounts, each answered once."""

import hashlib
import io

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from backend import clock
from backend.domain.errors import NotFound
from backend.domain.second_person import refuse_own_work
from backend.domain.subsidies import SubsidyNothingToPay, SubsidyPaymentAnswered
from backend.extensions import db
from backend.services import audit, subsidy_accounts, workbooks
from backend.services.personal_data import vault
from backend.services.subsidies import Account
from backend.storage.models.subsidies import Subsidy, SubsidyPayout, SubsidyPayoutLine
from backend.storage.queries import subsidies as queries
from backend.storage.sql import transaction

TITLES = ("序号", "申请编号", "活动", "户名", "开户行", "账号", "金额（元）")


def create(*, number: str, actor: str) -> SubsidyPayout:
    """Put every granted subsidy that is not on its way into a list; the same number is the same.

    Raises SubsidyNothingToPay, and SecondPersonNeeded for who granted any of them.
    """
    try:
        return _create(number, actor)
    except IntegrityError as error:  # another list was faster
        raise SubsidyNothingToPay(number) from error


def _create(number: str, actor: str) -> SubsidyPayout:
    with transaction() as session:
        payable = queries.list_payable(session)
        if known := session.get(SubsidyPayout, number):
            return known
        if not payable:
            raise SubsidyNothingToPay(number)
        for subsidy in payable:
            refuse_own_work(made_by=subsidy.second_reviewer or "", checked_by=actor)
        content = _excel(number, payable, subsidy_accounts.accounts_of(session, payable))
        payout = SubsidyPayout(
            number=number,
            line_count=len(payable),
            amount_fen=sum(subsidy.amount_fen for subsidy in payable),
            digest=hashlib.sha256(content).hexdigest(),
            content_encrypted=vault().seal(content),
            made_by=actor,
            made_at=clock.now(),
        )
        session.add(payout)
        session.flush()
        session.add_all(
            SubsidyPayoutLine(
                number=number,
                line=line,
                subsidy_id=subsidy.id,
                amount_fen=subsidy.amount_fen,
                state="sent",
            )
            for line, subsidy in enumerate(payable, start=1)
        )
        audit.record(
            session,
            actor=actor,
            action="subsidy.payout_list",
            subject=number,
            amount_fen=payout.amount_fen,
            digest=payout.digest,
        )
        session.flush()
    return payout


def get(number: str) -> SubsidyPayout:
    """Return a list's row, or raise NotFound."""
    payout = db.session.get(SubsidyPayout, number)
    if payout is None:
        raise NotFound(f"subsidy payout list {number[:64]!r}")
    return payout


def lines(number: str) -> list[tuple[SubsidyPayoutLine, Subsidy]]:
    """Return a list's lines with what the bank did of each, and whose they are."""
    return queries.list_lines(db.session(), number)


def attempts(subsidy_id: str) -> list[tuple[SubsidyPayoutLine, SubsidyPayout]]:
    """Return every time a subsidy was on a list, the oldest first."""
    return queries.list_payments(db.session(), subsidy_id)


def content_of(number: str) -> bytes:
    """Return a list's Excel file, byte for byte as it was made; it names account numbers."""
    return vault().open(get(number).content_encrypted)


def take_out(number: str, *, actor: str) -> bytes:
    """Return a list's Excel file for the bank, and write down who has it."""
    content = content_of(number)
    with transaction() as session:
        audit.record(session, actor=actor, action="subsidy.read_list", subject=number)
    return content


def answer(
    *, number: str, subsidy_id: str, paid: bool, proof: str, actor: str
) -> SubsidyPayoutLine:
    """Write down once what the bank did with a line: paid with its serial, or returned, and why.

    Another person than who made the list. The same answer again changes nothing; a returned
    subsidy goes into the next list, to another account once the applicant's correction of it was
    confirmed. Raises SubsidyPaymentAnswered, SecondPersonNeeded.
    """
    state = "paid" if paid else "returned"
    with transaction() as session:
        payout = session.get(SubsidyPayout, number)
        line = session.scalar(
            select(SubsidyPayoutLine)
            .where(SubsidyPayoutLine.number == number, SubsidyPayoutLine.subsidy_id == subsidy_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        if payout is None or line is None:
            raise NotFound(f"{subsidy_id[:40]!r} on list {number[:64]!r}")
        if (line.state, line.proof) == (state, proof):
            return line
        if line.state != "sent":
            raise SubsidyPaymentAnswered(f"{subsidy_id} on {number} is {line.state}")
        refuse_own_work(made_by=payout.made_by, checked_by=actor)
        line.state, line.proof = state, proof
        line.answered_by, line.answered_at = actor, clock.now()
        audit.record(
            session,
            actor=actor,
            action=f"subsidy.{state}",
            subject=subsidy_id,
            number=number,
            amount_fen=line.amount_fen,
            proof=proof,
        )
        session.flush()
    return line


def _excel(number: str, payable: list[Subsidy], accounts: dict[str, Account]) -> bytes:
    out = io.BytesIO()
    with workbooks.workbook(out, title=f"专项补贴发放清单 {number}") as book:
        page = workbooks.Page(book, "发放清单", [6, 36, 24, 20, 30, 26, 14])
        page.row(*TITLES, bold=True)
        for line, subsidy in enumerate(payable, start=1):
            account = accounts[subsidy.id]
            page.row(
                line,
                subsidy.id,
                subsidy.campaign.name,
                account.holder,
                account.bank,
                account.number,
                workbooks.yuan(subsidy.amount_fen),
            )
        total = workbooks.yuan(sum(subsidy.amount_fen for subsidy in payable))
        page.row("合计", None, None, None, None, None, total, bold=True)
    return out.getvalue()
