"""Commands for entry waivers: a month's statement, decided by a second person."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
from flask.cli import AppGroup

from backend.cli.output import actor_option, refusals_as_text
from backend.domain.entries import STATEMENT_STATE_NAMES, last_day
from backend.domain.money import yuan_text
from backend.services import entries, entry_files, entry_statements

if TYPE_CHECKING:
    from backend.storage.models.entries import EntryStatement

entry_cli = AppGroup("entry", help="State and confirm waived entries (免首道门票).")


def _month(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    try:
        last_day(value)
    except ValueError as error:
        raise click.BadParameter("wants a month such as 2023-05") from error
    return value


@entry_cli.command("statement")
@click.argument("campaign_id")
@click.argument("month", callback=_month)
@actor_option
@refusals_as_text
def statement(campaign_id: str, month: str, actor: str) -> None:
    """Draw up the statement (月度结算单) of a MONTH that is over, such as 2023-05."""
    _show(entry_statements.make(campaign_id=campaign_id, month=month, actor=actor))


@entry_cli.command("export")
@click.argument("statement_id")
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@refusals_as_text
def export(statement_id: str, file: Path) -> None:
    """Write a statement into FILE, .xlsx or .pdf."""
    makers = {".xlsx": entry_files.excel, ".pdf": entry_files.pdf}
    if file.suffix not in makers:
        raise click.BadParameter("wants a file that ends in .xlsx or .pdf")
    file.write_bytes(makers[file.suffix](statement_id))
    click.echo(str(file))


@entry_cli.command("confirm")
@click.argument("statement_id")
@actor_option
@refusals_as_text
def confirm(statement_id: str, actor: str) -> None:
    """Confirm a statement, as the second person; the next settlement pays it."""
    _show(entry_statements.confirm(statement_id=statement_id, actor=actor))


@entry_cli.command("refuse")
@click.argument("statement_id")
@click.option("--reason", required=True)
@actor_option
@refusals_as_text
def refuse(statement_id: str, reason: str, actor: str) -> None:
    """Send a statement back, as the second person; its entries are free again."""
    _show(entry_statements.refuse(statement_id=statement_id, reason=reason, actor=actor))


@entry_cli.command("undo")
@click.argument("entry_id")
@click.option("--reason", required=True)
@actor_option
@refusals_as_text
def undo(entry_id: str, reason: str, actor: str) -> None:
    """Undo an entry that stands in no statement; its money goes back to the campaign."""
    found = entries.undo(entry_id=entry_id, reason=reason, actor=actor)
    click.echo(f"{found.id} 已撤销，退回 {yuan_text(found.amount_fen)} 元")


@entry_cli.command("list")
@refusals_as_text
def list_statements() -> None:
    """List all statements, the newest months first."""
    for found in entry_statements.list_all():
        _show(found)


def _show(found: "EntryStatement") -> None:
    state = STATEMENT_STATE_NAMES[found.state]  # type: ignore[index]  # a CHECK names them
    click.echo(
        f"{found.id}\t{state}\t{found.month}\t{found.entry_count} 人次\t"
        f"{found.resident_count} 人\t本就免票 {found.free_count} 人次\t"
        f"{yuan_text(found.amount_fen)} 元\t{found.digest[:12]}"
    )
