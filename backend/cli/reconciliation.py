"""Commands of reconciliation: take and fetch outside parties' files, compare, work the list."""

from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click
from flask.cli import AppGroup

from backend.cli.output import actor_option, refusals_as_text
from backend.domain.money import yuan_text
from backend.domain.reconciliation import (
    FILE_KINDS,
    KIND_NAMES,
    RESULT_NAMES,
    STATE_NAMES,
    TYPE_NAMES,
    FileKind,
    ItemState,
    differs_text,
)
from backend.services import (
    outside_files,
    reconciliation,
    reconciliation_fetch,
    reconciliation_items,
    reconciliation_sheets,
)
from backend.services.outside_files import Coming

if TYPE_CHECKING:
    from backend.storage.models.reconciliation import (
        OutsideFile,
        ReconciliationItem,
        ReconciliationSum,
    )

reconciliation_cli = AppGroup("reconciliation", help="Compare outside parties' files (对账).")
WAITING: tuple[ItemState, ...] = ("open", "explained")


def _day(_context: click.Context, _parameter: click.Parameter, value: str | None) -> date | None:
    try:
        return None if value is None else date.fromisoformat(value)
    except ValueError:
        raise click.BadParameter("wants YYYY-MM-DD") from None


reason_option = click.option("--reason", required=True)


@reconciliation_cli.command("take")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--kind",
    type=click.Choice(list(outside_files.READERS)),
    default="bank_detail",
    show_default=True,
)
@click.option("--party", required=True, help="Whose it is: a bank's code, our merchant number.")
@click.option("--day", required=True, callback=_day, help="YYYY-MM-DD, the day it speaks of.")
@click.option("--replaces", type=int, help="The file in force that this one corrects.")
@click.option("--reason", help="Why it replaces that one.")
@actor_option
@refusals_as_text
def take(
    file: Path,
    kind: FileKind,
    party: str,
    day: date,
    replaces: int | None,
    reason: str | None,
    actor: str,
) -> None:
    """Take a file whole, or refuse it line by line, and compare it."""
    coming = Coming(
        kind=kind, party=party, day=day, name=file.name, replaces=replaces, reason=reason
    )
    with file.open("rb") as source:
        taken = outside_files.take(source, coming, actor=actor)
    if not taken.new:
        click.echo("此前已收过同一份文件，未作改动")
        _show(taken.file, reconciliation.sums_of(taken.file.id))
        return
    _show(taken.file, reconciliation.run(taken.file.id))


@reconciliation_cli.command("run")
@click.argument("file_id", type=int)
@refusals_as_text
def run(file_id: int) -> None:
    """Compare a file again."""
    sums = reconciliation.run(file_id)
    _show(reconciliation.get_file(file_id), sums)


@reconciliation_cli.command("fetch")
@refusals_as_text
def fetch() -> None:
    """Fetch what is missing of the providers' bills of the last days, and compare it."""
    click.echo(f"取到 {reconciliation_fetch.fetch_due()} 份账单")


@reconciliation_cli.command("list")
@click.option("--day", callback=_day, help="YYYY-MM-DD")
@click.option("--kind", type=click.Choice(FILE_KINDS))
@refusals_as_text
def list_files(day: date | None, kind: FileKind | None) -> None:
    """List the files that were taken, superseded ones too."""
    for file in reconciliation.list_files(day=day, kind=kind):
        click.echo(_line(file))


@reconciliation_cli.command("show")
@click.argument("file_id", type=int)
@refusals_as_text
def show(file_id: int) -> None:
    """Show a file and the sums of its last comparison."""
    _show(reconciliation.get_file(file_id), reconciliation.sums_of(file_id))


@reconciliation_cli.command("items")
@click.option("--file", "file_id", type=int, help="Of one file.")
@click.option("--day", callback=_day, help="YYYY-MM-DD")
@click.option("--state", type=click.Choice(get_args(ItemState)), help="By default what waits.")
@refusals_as_text
def items(file_id: int | None, day: date | None, state: ItemState | None) -> None:
    """List differences; exit 1 when one waits, so that a watch can ask."""
    states = (state,) if state else WAITING
    found = reconciliation_items.list_items(states=states, file_id=file_id, day=day)
    for item in found:
        click.echo(_item(item))
    raise SystemExit(1 if any(item.state in WAITING for item in found) else 0)


@reconciliation_cli.command("history")
@click.argument("item_id", type=int)
@refusals_as_text
def history(item_id: int) -> None:
    """Show what became of a difference, step by step."""
    for step in reconciliation_items.history(item_id):
        state = STATE_NAMES[step.state]
        click.echo(f"{_time(step.at)}  {state}  {step.actor}  {step.note}")


@reconciliation_cli.command("explain")
@click.argument("item_id", type=int)
@reason_option
@actor_option
@refusals_as_text
def explain(item_id: int, reason: str, actor: str) -> None:
    """Say why a difference is there; one of money then waits for a second person."""
    click.echo(_item(reconciliation_items.explain(item_id, reason=reason, actor=actor)))


@reconciliation_cli.command("resolve")
@click.argument("item_id", type=int)
@actor_option
@refusals_as_text
def resolve(item_id: int, actor: str) -> None:
    """Agree with a colleague's explanation."""
    click.echo(_item(reconciliation_items.resolve(item_id, actor=actor)))


@reconciliation_cli.command("reopen")
@click.argument("item_id", type=int)
@reason_option
@actor_option
@refusals_as_text
def reopen(item_id: int, reason: str, actor: str) -> None:
    """Send an explanation back."""
    click.echo(_item(reconciliation_items.reopen(item_id, reason=reason, actor=actor)))


@reconciliation_cli.command("export")
@click.argument("file_id", type=int)
@click.argument("target", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@refusals_as_text
def export(file_id: int, target: Path) -> None:
    """Write a file's result to an .xlsx TARGET."""
    if target.suffix.lower() != ".xlsx":
        raise click.BadParameter("wants .xlsx")
    target.write_bytes(reconciliation_sheets.workbook(file_id))
    click.echo(str(target))


def _show(file: "OutsideFile", sums: "Iterable[ReconciliationSum]") -> None:
    click.echo(_line(file))
    for found in sums:
        name = RESULT_NAMES[found.result]
        ours, theirs = yuan_text(found.our_fen), yuan_text(found.their_fen)
        click.echo(f"  {name}：{found.count} 笔，我方 {ours} 元，对方 {theirs} 元")


def _line(file: "OutsideFile") -> str:
    marks = ["迟到"] if file.late else []
    marks += ["已被更正文件取代"] if file.superseded_at else []
    marks += [f"取代 {file.replaces_id}"] if file.replaces_id else []
    return (
        f"{file.id}  {file.day}  {KIND_NAMES[file.kind]}  {file.party}  {file.name}  "
        f"{file.line_count} 行  {yuan_text(file.sum_fen)} 元  {_time(file.taken_at)} 收到"
        + "".join(f"  [{mark}]" for mark in marks)
    )


def _item(item: "ReconciliationItem") -> str:
    ours, theirs = (
        "—" if fen is None else f"{yuan_text(fen)} 元" for fen in (item.our_fen, item.their_fen)
    )
    reason = f"  {item.reason}（{item.explained_by}）" if item.reason else ""
    differs = f"（{differs_text(item.differs)}）" if item.differs else ""
    return (
        f"{item.id}  {item.day}  {TYPE_NAMES[item.record_type]}  {item.our_number}  "
        f"{RESULT_NAMES[item.result]}{differs}  我方 {ours}，对方 {theirs}  "
        f"{STATE_NAMES[item.state]}{reason}"
    )


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"
