"""Commands for complaints of the public."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
from flask.cli import AppGroup

from backend import clock
from backend.cli.output import actor_option, refusals_as_text, write_private
from backend.domain.complaints import CATEGORIES, OFFICES, STATE_NAMES, is_overdue
from backend.services import complaint_lists, complaints
from backend.services.complaint_lists import Sought

if TYPE_CHECKING:
    from backend.storage.models.complaints import Complaint

complaint_cli = AppGroup("complaint", help="Assign, answer and close complaints (投诉).")


@complaint_cli.command("list")
@click.option("--office", type=click.Choice([*OFFICES]), default=None)
@click.option("--overdue", is_flag=True, help="Only those whose answer is late.")
@refusals_as_text
def list_all(office: str | None, overdue: bool) -> None:
    """List complaints, what is due first at the top; no phone numbers."""
    wanted = Sought(office=office or "", overdue=overdue)
    for complaint in complaint_lists.find(wanted).each():
        _show(complaint)


@complaint_cli.command("show")
@click.argument("number")
@refusals_as_text
def show(number: str) -> None:
    """Show a complaint and its steps; the phone number is masked."""
    complaint = complaints.get(number)
    _show(complaint)
    click.echo(f"手机尾号 {complaint.phone_last4}，店名 {complaint.shop or '—'}")
    click.echo(f"订单号或券号 {complaint.order_number or '—'}")
    click.echo(f"照片 {'有' if complaint.photo_id else '无'}\n{complaint.words}")
    for step in complaint.steps:
        click.echo(f"{step.at:%Y-%m-%d %H:%M}\t{step.act}\t{step.office}\t{step.actor}")
        for words in (step.reply, step.note):
            if words:
                click.echo(words)


@complaint_cli.command("assign")
@click.argument("number")
@click.option("--office", required=True, type=click.Choice([*OFFICES]))
@click.option("--note", default="", help="What the office should know; its person never reads it.")
@actor_option
@refusals_as_text
def assign(number: str, office: str, note: str, actor: str) -> None:
    """Give a complaint to an office."""
    complaints.assign(number, office=office, note=note, actor=actor)
    click.echo(f"{number} 已交{OFFICES[office]}办理")


@complaint_cli.command("answer")
@click.argument("number")
@click.option("--text", required=True, help="What the person reads.")
@actor_option
@refusals_as_text
def answer(number: str, text: str, actor: str) -> None:
    """Answer a complaint; its person reads the text at once."""
    complaints.answer(number, text=text, actor=actor)
    click.echo(f"{number} 已答复")


@complaint_cli.command("close")
@click.argument("number")
@actor_option
@refusals_as_text
def close(number: str, actor: str) -> None:
    """Close a complaint that a colleague has answered."""
    complaints.close(number, actor=actor)
    click.echo(f"{number} 已办结")


@complaint_cli.command("phone")
@click.argument("number")
@click.option("--reason", required=True)
@actor_option
@refusals_as_text
def phone(number: str, reason: str, actor: str) -> None:
    """Show the phone number to call back; the audit log says who looked."""
    click.echo(complaints.phone_of(number, reason=reason, actor=actor))


@complaint_cli.command("photo")
@click.argument("number")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@actor_option
@refusals_as_text
def photo(number: str, file: Path, actor: str) -> None:
    """Write a complaint's photo to a file; the audit log says who looked."""
    write_private(file, complaints.photo_of(number, actor=actor))
    click.echo(f"已写入 {file}")


def _show(complaint: "Complaint") -> None:
    state = complaint.state
    late = is_overdue(state, complaint.due_on, clock.today())  # type: ignore[arg-type]  # the schema knows only these
    click.echo(
        f"{complaint.number}\t{STATE_NAMES[state]}{'（已超期）' if late else ''}"  # type: ignore[index]  # likewise
        f"\t期限 {complaint.due_on}\t{CATEGORIES[complaint.category]}\t{complaint.office or '—'}"
    )
