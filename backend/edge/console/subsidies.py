"""Special subsidies (专项补贴): found, looked into with their papers, reviewed by two people."""

import io
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

from flask import Response, render_template, send_file
from pydantic import Field

from backend.domain.permissions import Permission
from backend.domain.subsidies import SubsidyState
from backend.edge.console import access
from backend.edge.console import money_words as words
from backend.edge.console.access import ConsoleBlueprint, current_staff, permitted
from backend.edge.console.answers import done
from backend.edge.console.cells import Badge, Cell, Link, Money
from backend.edge.console.forms import WithReason
from backend.edge.console.tables import Column, Filter, Table
from backend.services import (
    campaigns,
    subsidies,
    subsidy_accounts,
    subsidy_files,
    subsidy_lists,
    subsidy_payouts,
    subsidy_reviews,
)
from backend.services.listings import Listing
from backend.services.subsidy_lists import SubsidyLine

if TYPE_CHECKING:
    from backend.storage.models.subsidies import Subsidy

blueprint = ConsoleBlueprint("subsidies", __name__)
EVIDENCE_NAMES = {"photo": "照片", "invoice": "发票", "license": "行驶证", "id_card": "身份证件"}
SHARED_NAMES = {
    "invoice": "发票号相同",
    "vin": "车架号相同",
    "account": "另一人使用同一收款账户",
    "file": "材料文件完全相同",
}
Step = tuple[str, str, datetime, str, str | None]


class SubsidyFilter(Filter):
    """Which applications are wanted; both days are included."""

    since: Annotated[date | None, Field(title="申请日自")] = None
    through: Annotated[date | None, Field(title="申请日至")] = None
    state: Annotated[str, Field(title="状态", max_length=16)] = ""
    campaign: Annotated[str, Field(title="活动", max_length=32)] = ""
    resident_id: Annotated[str, Field(title="居民编号", pattern=r"^[0-9]{1,9}$|^$")] = ""
    paper: Annotated[str, Field(title="发票号、车架号或其后四位", max_length=40)] = ""


def _find(wanted: SubsidyFilter) -> Listing[SubsidyLine]:
    return subsidy_lists.find(
        state=wanted.state,
        campaign_id=wanted.campaign,
        since=wanted.since,
        through=wanted.through,
        resident_id=int(wanted.resident_id) if wanted.resident_id else None,
        paper=wanted.paper,
    )


def _link(subsidy: "Subsidy") -> Link:
    return Link(subsidy.id, "subsidies.one", {"subsidy_id": subsidy.id})


def _state(line: SubsidyLine) -> Badge:
    return words.subsidy_state(line.subsidy.state, line.payment, correcting=line.is_correcting)


TABLE: Table[SubsidyLine] = Table(
    name="subsidies",
    title="专项补贴",
    permission=Permission.SUBSIDIES_READ,
    filter=SubsidyFilter,
    find=_find,
    columns=(
        Column("申请编号", lambda line: _link(line.subsidy), width=36),
        Column("申请时间", lambda line: line.subsidy.created_at),
        Column("活动", lambda line: line.subsidy.campaign.name, width=28),
        Column("居民编号", lambda line: str(line.subsidy.resident_id), width=12),
        Column("车架号后四位", lambda line: line.subsidy.vin_last4, width=14),
        Column("发票日期", lambda line: line.subsidy.invoice_day, width=12),
        Column("发票金额", lambda line: Money(line.subsidy.invoice_amount_fen)),
        Column("补贴金额", lambda line: Money(line.subsidy.amount_fen)),
        Column("状态", _state),
        Column("初审人", lambda line: line.subsidy.first_reviewer),
        Column("复审人", lambda line: line.subsidy.second_reviewer),
    ),
    choices={
        "state": lambda: [*words.SUBSIDY_STATES.items(), *words.SUBSIDY_PROGRESS.items()],
        "campaign": lambda: [(c.id, c.name) for c in campaigns.list_all() if c.mode == "subsidy"],
    },
)


@blueprint.get("/subsidies")
@permitted(TABLE.permission)
def page() -> Response | str:
    """List applications, the newest first."""
    return TABLE.answer("console/subsidies.html")


@blueprint.get("/subsidies/<order_id:subsidy_id>")
@permitted(Permission.SUBSIDIES_READ)
def one(subsidy_id: str) -> str:
    """Show an application: what is asked for, its papers, what is doubtful, its way."""
    subsidy = subsidies.of_resident(subsidy_id, None)
    correction = subsidy_accounts.of_return(subsidy_id)
    is_open = correction is not None and correction.state == "submitted"
    attempts = subsidy_payouts.attempts(subsidy_id)
    return render_template(
        "console/subsidy.html",
        subsidy=subsidy,
        state=words.subsidy_state(subsidy.state, subsidies.payment(subsidy_id), correcting=is_open),
        facts=list(_facts(subsidy)),
        files=[(file, _evidence(file.name)) for file in subsidies.files(subsidy_id)],
        doubts=[
            (
                SHARED_NAMES[doubt.shared],
                _link(doubt.other),
                words.SUBSIDY_STATES[doubt.other.state],
            )
            for doubt in subsidy_lists.doubts(subsidy)
        ],
        correction=correction if is_open else None,
        corrected=subsidy_accounts.decrypted(correction) if correction and is_open else None,
        returned_by=attempts[-1][0].answered_by if attempts else None,
        steps=_steps(subsidy_id),
    )


@blueprint.get("/subsidies/<order_id:subsidy_id>/papers/<evidence:name>")
@permitted(Permission.SUBSIDY_PAPERS_READ)
def paper(subsidy_id: str, name: str) -> Response:
    """Hand out a paper of an application, and write down to whom; a PDF only as a download."""
    media_type, content = subsidy_files.read_as_staff(
        subsidy_id=subsidy_id, name=name, actor=current_staff().name
    )
    is_pdf = media_type == "application/pdf"
    return send_file(
        io.BytesIO(content),
        media_type,
        as_attachment=is_pdf,
        download_name=f"{subsidy_id}-{name}.{'pdf' if is_pdf else 'jpg'}",
        max_age=0,
    )


@blueprint.post("/subsidies/<order_id:subsidy_id>/first")
@permitted(Permission.SUBSIDIES_REVIEW_FIRST)
def review_first(subsidy_id: str) -> Response:
    """Pass the first review."""
    subsidy_reviews.first(subsidy_id=subsidy_id, actor=current_staff().name)
    return done("初审已通过，待另一位工作人员复审", "subsidies.one", subsidy_id=subsidy_id)


@blueprint.post("/subsidies/<order_id:subsidy_id>/grant")
@permitted(Permission.SUBSIDIES_REVIEW_SECOND)
def grant(subsidy_id: str) -> Response:
    """Pass the second review: the money is spent."""
    subsidy_reviews.grant(subsidy_id=subsidy_id, actor=current_staff().name)
    return done("复审已通过，补贴待财政发放", "subsidies.one", subsidy_id=subsidy_id)


@blueprint.post("/subsidies/<order_id:subsidy_id>/first/refuse")
@permitted(Permission.SUBSIDIES_REVIEW_FIRST)
def refuse_first(subsidy_id: str) -> Response:
    """Refuse what nobody has reviewed yet."""
    return _refuse(subsidy_id, "submitted")


@blueprint.post("/subsidies/<order_id:subsidy_id>/second/refuse")
@permitted(Permission.SUBSIDIES_REVIEW_SECOND)
def refuse_second(subsidy_id: str) -> Response:
    """Refuse what passed the first review."""
    return _refuse(subsidy_id, "first_reviewed")


@blueprint.post("/subsidies/<order_id:subsidy_id>/account/confirm")
@permitted(Permission.SUBSIDIES_REVIEW_SECOND)
def confirm_account(subsidy_id: str) -> Response:
    """Agree with another account, as another person than who noted the return."""
    subsidy_accounts.confirm(subsidy_id=subsidy_id, actor=current_staff().name)
    return done("更正的账户已通过，编入下一份发放清单", "subsidies.one", subsidy_id=subsidy_id)


@blueprint.post("/subsidies/<order_id:subsidy_id>/account/refuse")
@permitted(Permission.SUBSIDIES_REVIEW_SECOND)
def refuse_account(subsidy_id: str) -> Response:
    """Refuse another account with a reason that its applicant reads."""
    subsidy_accounts.refuse(
        subsidy_id=subsidy_id, reason=WithReason.read().reason, actor=current_staff().name
    )
    return done("更正的账户未通过，申请人可重新填写", "subsidies.one", subsidy_id=subsidy_id)


def _refuse(subsidy_id: str, under: SubsidyState) -> Response:
    subsidy_reviews.refuse(
        subsidy_id=subsidy_id,
        reason=WithReason.read().reason,
        actor=current_staff().name,
        under=(under,),
    )
    return done("已退回申请人，名额已释放", "subsidies.one", subsidy_id=subsidy_id)


def _facts(subsidy: "Subsidy") -> Iterator[tuple[str, Cell]]:
    """Yield what is known; who bought what in full only for whoever may read the papers."""
    number = str(subsidy.resident_id)
    known = Link(number, "residents.resident", {"resident_id": subsidy.resident_id})
    yield "居民编号", known if access.may_open("residents.resident") else number
    yield "活动", subsidy.campaign.name
    yield "购车商户", f"{subsidy.merchant_id} {subsidy.merchant.name}"
    yield "发票日期", subsidy.invoice_day
    yield "发票金额（元）", Money(subsidy.invoice_amount_fen)
    last4 = subsidy_accounts.last4_of(subsidy)
    if not access.may(Permission.SUBSIDY_PAPERS_READ):
        yield "车架号", f"尾号 {subsidy.vin_last4}"
        yield "收款账户", f"尾号 {last4}"
        return
    told = subsidies.details(subsidy)
    yield "发票号", told.invoice_number
    yield "车架号", told.vin
    yield (
        "申请时的账户",
        f"{told.account.holder}，{told.account.bank}，尾号 {subsidy.account_last4}",
    )
    if any(made.state == "confirmed" for made in subsidy_accounts.corrections(subsidy.id)):
        yield "现收款账户", f"尾号 {last4}（已更正）"


def _evidence(name: str) -> str:
    kind, _, number = name.partition("-")
    return EVIDENCE_NAMES.get(kind, kind) + (f" {number}" if number else "")


def _steps(subsidy_id: str) -> Sequence[Step]:
    """Return what happened, in its order: steps, payouts, corrections of the account."""
    found: list[Step] = [
        (
            words.SUBSIDY_STEPS[step.state],
            words.SUBSIDY_TONES[step.state],
            step.at,
            _who(step.actor),
            step.reason,
        )
        for step in subsidies.steps(subsidy_id)
    ]
    for line, payout in subsidy_payouts.attempts(subsidy_id):
        number = f"清单 {payout.number}"
        found.append(("编入发放清单", "busy", payout.made_at, payout.made_by, number))
        if line.answered_at is not None:
            word, tone = words.SUBSIDY_PAYMENTS[line.state]
            found.append(
                (word, tone, line.answered_at, line.answered_by or "", f"{number}：{line.proof}")
            )
    for made in subsidy_accounts.corrections(subsidy_id):
        found.append(("更正收款账户", "busy", made.made_at, "申请人", f"尾号 {made.account_last4}"))
        if made.decided_at is not None:
            passed = made.state == "confirmed"
            word, tone = ("更正账户通过", "good") if passed else ("更正账户未通过", "bad")
            found.append((word, tone, made.decided_at, made.decided_by or "", made.reason))
    return sorted(found, key=lambda step: step[2])


def _who(actor: str) -> str:
    return "申请人" if actor.startswith("resident:") else words.who(actor)
