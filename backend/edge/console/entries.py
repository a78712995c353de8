"""Monthly statements of entries (首道门票): drawn up by one office, confirmed by another."""

import io
from typing import TYPE_CHECKING, Annotated

from flask import Response, render_template, request, send_file
from pydantic import Field

from backend.domain.entries import STATEMENT_STATE_NAMES
from backend.domain.errors import NotFound
from backend.domain.permissions import Permission
from backend.edge.console.access import ConsoleBlueprint, current_staff, permitted
from backend.edge.console.answers import done
from backend.edge.console.cells import Badge, Cell, Link, Money, Tone
from backend.edge.console.forms import Form, Text, WithReason
from backend.edge.console.tables import Column, Filter, Table
from backend.services import entry_files, entry_statements
from backend.services.listings import Listing

if TYPE_CHECKING:
    from backend.storage.models.entries import EntryStatement

blueprint = ConsoleBlueprint("entries", __name__)
MONTH = r"20[0-9]{2}-(0[1-9]|1[0-2])"
TONES: dict[str, Tone] = {"drafted": "busy", "confirmed": "good", "refused": "bad"}
NAMES: dict[str, str] = {str(state): words for state, words in STATEMENT_STATE_NAMES.items()}
FILES = {"xlsx": entry_files.excel, "pdf": entry_files.pdf}


class StatementFilter(Filter):
    """Which statements are wanted."""

    month: Annotated[str, Field(title="月份，如 2023-05", pattern=rf"^({MONTH})?$")] = ""
    state: Annotated[str, Field(title="状态", max_length=16)] = ""


class NewStatement(Form):
    """A month that is to be stated."""

    campaign_id: Text
    month: Annotated[str, Field(pattern=rf"^{MONTH}$")]


def _find(wanted: StatementFilter) -> "Listing[EntryStatement]":
    return entry_statements.find(month=wanted.month, state=wanted.state)


def _state(row: "EntryStatement") -> Cell:
    return Badge(NAMES[row.state], TONES[row.state])


TABLE: "Table[EntryStatement]" = Table(
    name="entry_statements",
    title="首道门票月度结算单",
    permission=Permission.ENTRIES_READ,
    filter=StatementFilter,
    find=_find,
    columns=(
        Column(
            "结算单号",
            lambda row: Link(row.id, "entries.statement", {"statement_id": row.id}),
            width=28,
        ),
        Column("景区", lambda row: row.merchant.name),
        Column("月份", lambda row: row.month),
        Column("免票人次", lambda row: row.entry_count),
        Column("免票人数", lambda row: row.resident_count),
        Column("金额（元）", lambda row: Money(row.amount_fen)),
        Column("状态", _state),
    ),
    choices={"state": lambda: list(NAMES.items())},
)


@blueprint.get("/entries")
@permitted(TABLE.permission)
def page() -> Response | str:
    """List the statements, the newest months first."""
    return TABLE.answer("console/entries.html", campaigns=entry_statements.campaigns())


@blueprint.post("/entries")
@permitted(Permission.ENTRIES_STATE)
def make() -> Response:
    """Draw up a month's statement; one that is there already is shown."""
    statement = entry_statements.make(
        **NewStatement.read().model_dump(), actor=current_staff().name
    )
    return done("月度结算单已编制，待商务局复核", "entries.statement", statement_id=statement.id)


@blueprint.get("/entries/<statement_id>")
@permitted(Permission.ENTRIES_READ)
def statement(statement_id: str) -> str:
    """Show one statement and what happened to it."""
    row = entry_statements.get(statement_id)
    return render_template(
        "console/entry_statement.html",
        statement=row,
        facts=[
            ("活动", row.campaign.name),
            ("景区", row.merchant.name),
            ("月份", row.month),
            ("免票人次", row.entry_count),
            ("免票人数", row.resident_count),
            ("本就免票（不结算）", row.free_count),
            ("金额（元）", Money(row.amount_fen)),
            ("状态", _state(row)),
        ],
        steps=[
            ("编制", "plain", row.made_at, row.made_by, None),
            *(
                [(NAMES[row.state], TONES[row.state], row.decided_at, row.decided_by, row.reason)]
                if row.decided_at
                else []
            ),
        ],
    )


@blueprint.get("/entries/<statement_id>/file")
@permitted(Permission.ENTRIES_READ)
def file(statement_id: str) -> Response:
    """Answer a statement as Excel or PDF; visitors stand there by four digits."""
    kind = request.args.get("kind", "")
    if kind not in FILES:
        raise NotFound("kind of file")
    content = io.BytesIO(FILES[kind](statement_id))
    return send_file(content, as_attachment=True, download_name=f"{statement_id}.{kind}")


@blueprint.post("/entries/<statement_id>/confirm")
@permitted(Permission.ENTRIES_CONFIRM)
def confirm(statement_id: str) -> Response:
    """Confirm a statement: settlement owes its sum."""
    entry_statements.confirm(statement_id=statement_id, actor=current_staff().name)
    return done("已确认，将编入该景区下一张结算单", "entries.statement", statement_id=statement_id)


@blueprint.post("/entries/<statement_id>/refuse")
@permitted(Permission.ENTRIES_CONFIRM)
def refuse(statement_id: str) -> Response:
    """Send a statement back: its entries are free for the next one."""
    reason = WithReason.read().reason
    entry_statements.refuse(statement_id=statement_id, reason=reason, actor=current_staff().name)
    return done("已退回，可以重新编制", "entries.statement", statement_id=statement_id)
