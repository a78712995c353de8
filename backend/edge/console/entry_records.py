"""Single entries (入园记录): who entered where, and what was recorded by mistake undone."""

from datetime import date
from typing import TYPE_CHECKING, Annotated

from flask import Response, render_template
from pydantic import Field

from backend.domain.permissions import Permission
from backend.edge.console.access import ConsoleBlueprint, current_staff, permitted
from backend.edge.console.answers import done
from backend.edge.console.cells import Badge, Cell, Link, Money
from backend.edge.console.forms import WithReason
from backend.edge.console.tables import Column, Filter, Table
from backend.services import entries

if TYPE_CHECKING:
    from backend.services.listings import Listing
    from backend.storage.models.entries import Entry

blueprint = ConsoleBlueprint("entry_records", __name__)
STATES = {
    "counted": Badge("免首道门票", "good"),
    "free": Badge("本就免票"),
    "undone": Badge("已撤销", "bad"),
}


class EntryFilter(Filter):
    """Which entries are wanted; both days are included."""

    since: Annotated[date | None, Field(title="自")] = None
    through: Annotated[date | None, Field(title="至")] = None
    merchant: Annotated[str, Field(title="景区（商户编号）", max_length=16)] = ""
    state: Annotated[str, Field(title="状态", max_length=16)] = ""


def _find(wanted: EntryFilter) -> "Listing[Entry]":
    return entries.find(
        since=wanted.since,
        through=wanted.through,
        merchant_id=wanted.merchant.strip(),
        state=wanted.state,
    )


def _stated(entry: "Entry") -> Cell:
    if entry.statement_id is None:
        return None
    return Link(entry.statement_id, "entries.statement", {"statement_id": entry.statement_id})


TABLE: "Table[Entry]" = Table(
    name="entries",
    title="入园记录",
    permission=Permission.ENTRIES_READ,
    filter=EntryFilter,
    find=_find,
    columns=(
        Column(
            "入园时间",
            lambda e: Link(
                f"{e.entered_at:%Y-%m-%d %H:%M:%S}", "entry_records.entry", {"entry_id": e.id}
            ),
        ),
        Column("景区", lambda e: e.merchant.name),
        Column("活动", lambda e: e.campaign.name),
        Column("居民编号", lambda e: str(e.resident_id)),
        Column("金额（元）", lambda e: Money(e.amount_fen)),
        Column("状态", lambda e: STATES[e.state]),
        Column("月度结算单", _stated, width=28),
    ),
    choices={"state": lambda: [(state, badge.text) for state, badge in STATES.items()]},
)


@blueprint.get("/entry-records")
@permitted(TABLE.permission)
def page() -> Response | str:
    """List entries, the newest first."""
    return TABLE.answer("console/entry_records.html")


@blueprint.get("/entry-records/<entry_id>")
@permitted(Permission.ENTRIES_READ)
def entry(entry_id: str) -> str:
    """Show one entry and what became of it."""
    row, undone = entries.get(entry_id), entries.undo_of(entry_id)
    return render_template(
        "console/entry_record.html",
        entry=row,
        facts=[
            ("景区", row.merchant.name),
            ("活动", row.campaign.name),
            ("居民编号", str(row.resident_id)),
            ("金额（元）", Money(row.amount_fen)),
            ("状态", STATES[row.state]),
            ("月度结算单", _stated(row)),
        ],
        steps=[
            ("入园", "good", row.entered_at, f"收银员 {row.clerk_id}", None),
            *(
                [("撤销", "bad", undone.undone_at, undone.undone_by, undone.reason)]
                if undone
                else []
            ),
        ],
        can_undo=row.state != "undone" and row.statement_id is None,
    )


@blueprint.post("/entry-records/<entry_id>/undo")
@permitted(Permission.ENTRIES_UNDO)
def undo(entry_id: str) -> Response:
    """Undo what a gate recorded by mistake."""
    entries.undo(entry_id=entry_id, reason=WithReason.read().reason, actor=current_staff().name)
    return done(
        "已撤销，金额退回活动，居民本月可以再次入园", "entry_records.entry", entry_id=entry_id
    )
