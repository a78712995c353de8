"""Reconciliation (对账): outside parties' files, what agreed, and the work list of what did not."""

from datetime import date
from typing import TYPE_CHECKING, Annotated

from flask import Response, render_template
from pydantic import Field

from backend.domain import reconciliation as domain
from backend.domain.permissions import Permission
from backend.domain.reconciliation import FileKind
from backend.edge.console import money_words as words
from backend.edge.console.access import ConsoleBlueprint, current_staff, permitted
from backend.edge.console.answers import attachment, done
from backend.edge.console.cells import Badge, Link, Money
from backend.edge.console.forms import Form, Reason, Text, WithReason, uploaded
from backend.edge.console.tables import Column, Filter, Table
from backend.edge.http import takes_files
from backend.services import (
    missing_files,
    money_lists,
    outside_files,
    reconciliation,
    reconciliation_items,
    reconciliation_sheets,
)
from backend.services.outside_files import Coming

if TYPE_CHECKING:
    from backend.services.listings import Listing
    from backend.storage.models.reconciliation import OutsideFile, ReconciliationItem

blueprint = ConsoleBlueprint("reconciliation", __name__)
items = ConsoleBlueprint("reconciliation_items", __name__)
FORM_BYTES = 65_536  # of a form around its file


class FileFilter(Filter):
    """Which files are wanted, by the day they speak of; both days are included."""

    since: Annotated[date | None, Field(title="自")] = None
    through: Annotated[date | None, Field(title="至")] = None
    kind: Annotated[str, Field(title="类别", max_length=16)] = ""
    party: Annotated[str, Field(title="对方编号", max_length=64)] = ""


class ItemFilter(Filter):
    """Which differences are wanted."""

    state: Annotated[str, Field(title="状态", max_length=16)] = ""
    result: Annotated[str, Field(title="差异", max_length=16)] = ""
    number: Annotated[str, Field(title="单号", max_length=64)] = ""


class FileForm(Form):
    """Whose file it is, of which day, and which one it corrects and why."""

    kind: FileKind
    party: Text
    day: date
    replaces: int | None = None
    reason: Reason | None = None


def _files(wanted: FileFilter) -> "Listing[OutsideFile]":
    return money_lists.outside_files(
        kind=wanted.kind, party=wanted.party, since=wanted.since, through=wanted.through
    )


def _items(wanted: ItemFilter) -> "Listing[ReconciliationItem]":
    return money_lists.differences(
        state=wanted.state, result=wanted.result, number=wanted.number.strip()
    )


def _file_link(file: "OutsideFile") -> Link:
    return Link(file.name, "reconciliation.file", {"file_id": file.id})


def _file_state(file: "OutsideFile") -> Badge:
    if file.superseded_at:
        return Badge("已被更正")
    return Badge("迟到", "busy") if file.late else Badge("有效", "good")


def _item_link(item: "ReconciliationItem") -> Link:
    return Link(str(item.id), "reconciliation_items.item", {"item_id": item.id})


def _money(amount_fen: int | None) -> Money | None:
    return None if amount_fen is None else Money(amount_fen)


def _note(note: str) -> str:
    """Return a step's note for people; what the comparison itself wrote is in codes."""
    result, _, differs = note.partition(" ")
    if result in domain.RESULT_NAMES:
        name = domain.RESULT_NAMES[result]
        return f"{name}：{domain.differs_text(differs)}" if differs else name
    return {"agreed": "同意说明", "agrees": "双方现已相符"}.get(note, note)


FILES: "Table[OutsideFile]" = Table(
    name="outside_files",
    title="对账文件",
    permission=Permission.RECONCILIATION_READ,
    filter=FileFilter,
    find=_files,
    columns=(
        Column("日期", lambda f: f.day, width=12),
        Column("文件", _file_link, width=32),
        Column("类别", lambda f: domain.KIND_NAMES[f.kind]),
        Column("对方编号", lambda f: f.party),
        Column("笔数", lambda f: f.line_count, width=10),
        Column("合计", lambda f: Money(f.sum_fen)),
        Column("状态", _file_state),
        Column("收到时间", lambda f: f.taken_at),
        Column("收取人", lambda f: f.taken_by),
        Column("更正原因", lambda f: f.reason, width=40),
    ),
    choices={"kind": lambda: list(domain.KIND_NAMES.items())},
)
ITEMS: "Table[ReconciliationItem]" = Table(
    name="reconciliation_items",
    title="对账差异",
    permission=Permission.RECONCILIATION_READ,
    filter=ItemFilter,
    find=_items,
    columns=(
        Column("编号", _item_link, width=10),
        Column("日期", lambda i: i.day, width=12),
        Column("对方", lambda i: f"{domain.KIND_NAMES[i.kind]} {i.party}", width=28),
        Column("类型", lambda i: domain.TYPE_NAMES[i.record_type], width=10),
        Column("单号", lambda i: i.our_number, width=36),
        Column("差异", lambda i: domain.RESULT_NAMES[i.result], width=24),
        Column("我方金额", lambda i: _money(i.our_fen)),
        Column("对方金额", lambda i: _money(i.their_fen)),
        Column("状态", lambda i: words.item_state(i.state)),
        Column("说明", lambda i: i.reason, width=40),
        Column("说明人", lambda i: i.explained_by),
        Column("复核人", lambda i: i.resolved_by),
    ),
    choices={
        "state": lambda: [("waiting", "待处理和待复核"), *domain.STATE_NAMES.items()],
        "result": lambda: [(c, t) for c, t in domain.RESULT_NAMES.items() if c != "matched"],
    },
)


@blueprint.get("/reconciliation")
@permitted(FILES.permission)
def page() -> Response | str:
    """List files, the newest day first."""
    return FILES.answer(
        "console/reconciliation.html",
        kinds=domain.KIND_NAMES,
        missing=missing_files.list_missing(),
    )


@blueprint.post("/reconciliation")
@takes_files(domain.MAX_FILE_BYTES + FORM_BYTES)
@permitted(Permission.RECONCILIATION_EXPLAIN)
def take() -> Response:
    """Take a file whole, or refuse it line by line, and compare it."""
    form, upload = FileForm.read(), uploaded()
    coming = Coming(
        kind=form.kind,
        party=form.party,
        day=form.day,
        name=upload.filename or "",
        replaces=form.replaces,
        reason=form.reason,
    )
    taken = outside_files.take(upload.stream, coming, actor=current_staff().name)
    if taken.new:
        reconciliation.run(taken.file.id)
    text = "文件已收下并完成核对" if taken.new else "此前已收过同一份文件，未作改动"
    return done(text, "reconciliation.file", file_id=taken.file.id)


@blueprint.get("/reconciliation/<int:file_id>")
@permitted(Permission.RECONCILIATION_READ)
def file(file_id: int) -> str:
    """Show a file and the result of its last comparison."""
    found = reconciliation.get_file(file_id)
    waiting = money_lists.differences(file_id=file_id, state="waiting")
    return render_template(
        "console/reconciliation_file.html",
        file=found,
        kind=domain.KIND_NAMES[found.kind],
        state=_file_state(found),
        sums=reconciliation.sums_of(file_id),
        results=domain.RESULT_NAMES,
        waiting=waiting.page(1, 50),
        waiting_count=waiting.count(at_most=1_000),
        item_state=words.item_state,
    )


@blueprint.get("/reconciliation/<int:file_id>/excel")
@permitted(Permission.RECONCILIATION_READ)
def excel(file_id: int) -> Response:
    """Answer the result of a file's last comparison."""
    found = reconciliation.get_file(file_id)
    name = f"reconciliation-{found.party}-{found.day}-{file_id}.xlsx"
    return attachment(reconciliation_sheets.workbook(file_id), name)


@blueprint.post("/reconciliation/<int:file_id>/run")
@permitted(Permission.RECONCILIATION_EXPLAIN)
def run(file_id: int) -> Response:
    """Compare a file again with what is ours by now."""
    reconciliation.run(file_id)
    return done("已重新核对", "reconciliation.file", file_id=file_id)


@items.get("/reconciliation-items")
@permitted(ITEMS.permission)
def page_of_items() -> Response | str:
    """List differences, the oldest day first."""
    return ITEMS.answer("console/orders.html")


@items.get("/reconciliation-items/<int:item_id>")
@permitted(Permission.RECONCILIATION_READ)
def item(item_id: int) -> str:
    """Show a difference, what became of it, and the forms of its next step."""
    found = reconciliation_items.get(item_id)
    steps = [
        (
            domain.STATE_NAMES[step.state],
            words.TONES[step.state],
            step.at,
            words.who(step.actor),
            _note(step.note),
        )
        for step in reconciliation_items.history(item_id)
    ]
    return render_template(
        "console/reconciliation_item.html",
        item=found,
        kind=domain.KIND_NAMES[found.kind],
        record_type=domain.TYPE_NAMES[found.record_type],
        result=domain.RESULT_NAMES[found.result],
        differs=domain.differs_text(found.differs) if found.differs else "",
        state=words.item_state(found.state),
        cells=[
            ("我方金额（元）", _money(found.our_fen)),
            ("对方金额（元）", _money(found.their_fen)),
            ("我方优惠（元）", _money(found.our_discount_fen)),
            ("对方优惠（元）", _money(found.their_discount_fen)),
        ],
        steps=steps,
        wants_second=found.result not in domain.WITHOUT_MONEY,
    )


@items.post("/reconciliation-items/<int:item_id>/explain")
@permitted(Permission.RECONCILIATION_EXPLAIN)
def explain(item_id: int) -> Response:
    """Say why a difference is there."""
    reason = WithReason.read().reason
    reconciliation_items.explain(item_id, reason=reason, actor=current_staff().name)
    return done("已登记说明", "reconciliation_items.item", item_id=item_id)


@items.post("/reconciliation-items/<int:item_id>/resolve")
@permitted(Permission.RECONCILIATION_RESOLVE)
def resolve(item_id: int) -> Response:
    """Agree with a colleague's explanation."""
    reconciliation_items.resolve(item_id, actor=current_staff().name)
    return done("已复核", "reconciliation_items.item", item_id=item_id)


@items.post("/reconciliation-items/<int:item_id>/reopen")
@permitted(Permission.RECONCILIATION_RESOLVE)
def reopen(item_id: int) -> Response:
    """Send an explanation back."""
    reason = WithReason.read().reason
    reconciliation_items.reopen(item_id, reason=reason, actor=current_staff().name)
    return done("已退回重新说明", "reconciliation_items.item", item_id=item_id)
