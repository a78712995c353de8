"""Complaints (投诉): the queue by last day, one with its steps, and the work of each office."""

import re
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Annotated, Literal

from flask import Response, make_response, render_template, url_for
from pydantic import Field

from backend import clock
from backend.domain import complaints as rules
from backend.domain.permissions import Permission
from backend.domain.staff import Role
from backend.domain.unmasking import SHOWN_S
from backend.edge.console.access import ConsoleBlueprint, current_staff, may, permitted
from backend.edge.console.answers import done
from backend.edge.console.cells import Badge, Cell, Link, Tone
from backend.edge.console.forms import Form, WithReason
from backend.edge.console.tables import Column, Filter, Table
from backend.services import complaint_lists, complaints, working_days
from backend.services.complaint_lists import Sought

if TYPE_CHECKING:
    from backend.services.listings import Listing
    from backend.storage.models.complaints import Complaint, ComplaintStep

blueprint = ConsoleBlueprint("complaints", __name__)
TONES: dict[str, Tone] = {"received": "busy", "assigned": "busy", "answered": "good"}
NONE_YET = "尚未交办"
ORDER_ID = re.compile(r"[0-9a-f]{32}")
VOUCHER_ID = re.compile(r"[0-9]{1,18}")


class ComplaintFilter(Filter):
    """Which complaints are wanted."""

    number: Annotated[str, Field(title="编号", max_length=24)] = ""
    state: Annotated[
        Literal["", "received", "assigned", "answered", "closed"], Field(title="状态")
    ] = ""
    office: Annotated[str, Field(title="办理单位", max_length=20)] = ""
    category: Annotated[str, Field(title="类别", max_length=20)] = ""
    since: Annotated[date | None, Field(title="提交日自")] = None
    through: Annotated[date | None, Field(title="提交日至")] = None
    overdue: Annotated[Literal["", "yes"], Field(title="是否超期")] = ""


class AssignForm(Form):
    """An office, and what it should know."""

    office: Annotated[str, Field(max_length=20)]
    note: Annotated[str, Field(max_length=rules.MAX_NOTE_LENGTH)] = ""


class AnswerForm(Form):
    """What the person reads."""

    text: Annotated[str, Field(min_length=1, max_length=rules.MAX_TEXT_LENGTH)]


def find(wanted: ComplaintFilter) -> "Listing[Complaint]":
    """Return what a filter wants."""
    return complaint_lists.find(
        Sought(
            state=wanted.state or None,
            office=wanted.office,
            category=wanted.category,
            since=wanted.since,
            through=wanted.through,
            number=wanted.number,
            overdue=wanted.overdue == "yes",
        )
    )


def _state(row: "Complaint") -> Badge:
    if _is_overdue(row):
        return Badge(f"{rules.STATE_NAMES[row.state]}，已超期", "bad")  # type: ignore[index]  # the schema's
    return Badge(rules.STATE_NAMES[row.state], TONES.get(row.state, "plain"))  # type: ignore[index]  # likewise


def _is_overdue(row: "Complaint") -> bool:
    return rules.is_overdue(row.state, row.due_on, clock.today())  # type: ignore[arg-type]  # likewise


def _office(row: "Complaint") -> str:
    return rules.OFFICES[row.office] if row.office else NONE_YET


def _phone(row: "Complaint") -> str:
    return f"*******{row.phone_last4}" if row.cleared_at is None else "已按期清除"


TABLE: "Table[Complaint]" = Table(
    name="complaints",
    title="投诉",
    permission=Permission.COMPLAINTS_READ,
    filter=ComplaintFilter,
    find=find,
    columns=(
        Column("编号", lambda c: Link(c.number, "complaints.one", {"number": c.number})),
        Column("答复期限", lambda c: c.due_on, width=12),
        Column("状态", _state),
        Column("办理单位", _office),
        Column("类别", lambda c: rules.CATEGORIES[c.category], width=28),
        Column("店名", lambda c: c.shop, width=28),
        Column("手机号", _phone),
        Column("提交时间", lambda c: c.filed_at),
    ),
    choices={
        "state": lambda: list(rules.STATE_NAMES.items()),
        "office": lambda: list(rules.OFFICES.items()),
        "category": lambda: list(rules.CATEGORIES.items()),
        "overdue": lambda: [("yes", "只看已超期")],
    },
)


@blueprint.get("/complaints")
@permitted(TABLE.permission)
def page() -> Response | str:
    """List complaints, what is due first at the top, and how many wait at each office."""
    today = clock.today()
    return TABLE.answer(
        "console/complaints.html",
        counts=[
            (
                rules.OFFICES.get(office, NONE_YET),
                waiting,
                f"其中 {overdue} 件已超期" if overdue else None,
            )
            for office, (waiting, overdue) in complaint_lists.counts().items()
        ],
        unknown_years=[
            year for year in (today.year, today.year + 1) if not working_days.is_covered(year)
        ],
    )


@blueprint.get("/complaints/<number>")
@permitted(Permission.COMPLAINTS_READ)
def one(number: str) -> str:
    """Show one complaint, its steps, and what can be done now."""
    return _render(complaints.get(number))


@blueprint.get("/complaints/<number>/photo")
@permitted(Permission.COMPLAINTS_READ)
def photo(number: str) -> Response:
    """Hand out the photo; who looked is written down."""
    content = complaints.photo_of(number, actor=current_staff().name)
    return Response(content, mimetype="image/jpeg")


@blueprint.post("/complaints/<number>/phone")
@permitted(Permission.COMPLAINTS_ANSWER)
def phone(number: str) -> Response:
    """Show the whole number on the answer itself; the browser then goes back without it."""
    staff = current_staff()
    shown = complaints.phone_of(
        number, reason=WithReason.read().reason, actor=staff.name, role=Role(staff.role)
    )
    answer = make_response(_render(complaints.get(number), phone=shown))
    back = url_for("complaints.one", number=number)
    answer.headers["Refresh"] = f"{SHOWN_S}; url={back}"
    return answer


@blueprint.post("/complaints/<number>/assign")
@permitted(Permission.COMPLAINTS_ASSIGN)
def assign(number: str) -> Response:
    """Give a complaint to an office, or to another one."""
    form = AssignForm.read()
    complaints.assign(number, office=form.office, note=form.note, actor=current_staff().name)
    return done(f"已交{rules.OFFICES[form.office]}办理", "complaints.one", number=number)


@blueprint.post("/complaints/<number>/answer")
@permitted(Permission.COMPLAINTS_ANSWER)
def answer(number: str) -> Response:
    """Answer for one's own office; the person reads it at once."""
    complaints.answer(
        number, text=AnswerForm.read().text, actor=current_staff().name, office=own_office()
    )
    return done("已答复，投诉人现在可以看到", "complaints.one", number=number)


@blueprint.post("/complaints/<number>/send-back")
@permitted(Permission.COMPLAINTS_CLOSE)
def send_back(number: str) -> Response:
    """Have an answer made better by the office that gave it."""
    complaints.send_back(number, reason=WithReason.read().reason, actor=current_staff().name)
    return done("已退回办理单位重新答复", "complaints.one", number=number)


@blueprint.post("/complaints/<number>/close")
@permitted(Permission.COMPLAINTS_CLOSE)
def close(number: str) -> Response:
    """Close what another person has answered."""
    complaints.close(number, actor=current_staff().name)
    return done("已办结", "complaints.one", number=number)


def _render(found: "Complaint", *, phone: str | None = None) -> str:
    is_ours = own_office() == (found.office or rules.FIRST_OFFICE)
    facts: list[tuple[str, Cell]] = [
        ("编号", found.number),
        ("类别", rules.CATEGORIES[found.category]),
        ("提交时间", found.filed_at),
        ("答复期限", found.due_on),
        ("办理单位", _office(found)),
        ("手机号", _phone(found)),
        ("店名", _shop(found.shop)),
        ("订单号或券号", _order(found.order_number)),
    ]
    return render_template(
        "console/complaint.html",
        complaint=found,
        state=_state(found),
        facts=facts,
        steps=[
            ("收到投诉", "plain", found.filed_at, None, None),
            *(_step(step) for step in found.steps),
        ],
        is_ours=is_ours,
        offices={code: name for code, name in rules.OFFICES.items() if code != found.office},
        phone=phone,
        shown_s=SHOWN_S,
        rules=rules,
    )


def own_office() -> str | None:
    """Return for which office somebody answers, None for who does not."""
    return rules.OFFICE_OF.get(Role(current_staff().role))


def _step(step: "ComplaintStep") -> tuple[object, ...]:
    office = rules.OFFICES[step.office]
    words: Mapping[str, str] = {
        "assign": f"交{office}办理",
        "answer": f"{office}答复",
        "close": "办结",
    }
    tone = "good" if step.act == "answer" else "plain"
    said = step.reply or (f"内部说明：{step.note}" if step.note else None)
    return words[step.act], tone, step.at, step.actor, said


def _shop(name: str | None) -> Cell:
    """Lead from a shop's name, as the person wrote it, to merchants of that name."""
    if name and may(Permission.MERCHANTS_READ):
        return Link(name, "merchants.page", {"name": name[:60]})
    return name


def _order(number: str | None) -> Cell:
    """Lead to the order, or to who holds the voucher, when a number looks like one's."""
    if number and ORDER_ID.fullmatch(number) and may(Permission.ORDERS_READ):
        return Link(number, "orders.story", {"order_id": number})
    if number and VOUCHER_ID.fullmatch(number) and may(Permission.RESIDENTS_READ):
        return Link(number, "residents.page", {"voucher_id": number})
    return number
