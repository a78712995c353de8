"""Commands for the audit log: prove it, take it out, write its last seal down elsewhere."""

import re
from datetime import datetime
from pathlib import Path

import click
from flask.cli import AppGroup

from backend.cli.output import actor_option, refusals_as_text
from backend.services import audit_exports, audit_proofs, audit_seals
from backend.services.audit_proofs import Anchor

audit_cli = AppGroup("audit", help="Prove and export the audit log (审计日志).")
_SHOWN_LATE = 20


def _anchors(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[Anchor, ...]:
    found = [re.fullmatch(r"([1-9][0-9]{0,8}):([0-9a-f]{64})", value) for value in values]
    if not all(found):
        raise click.BadParameter("POSITION:HASH, as `flask audit last` prints it")
    return tuple(Anchor(position=int(one[1]), hash=one[2]) for one in found if one)


@audit_cli.command("verify")
@click.option("--anchor", "anchors", multiple=True, callback=_anchors, help="POSITION:HASH kept.")
@refusals_as_text
def verify(anchors: tuple[Anchor, ...]) -> None:
    """Walk the hash chain; exit 1 and name each row that was altered, removed or slipped in."""
    proof = audit_proofs.verify(anchors)
    for fault in proof.faults:
        click.echo(f"异常：{fault.what}")
    if proof.late_ids:
        shown = "、".join(map(str, proof.late_ids[:_SHOWN_LATE]))
        click.echo(
            f"封存迟于 60 秒的记录 {len(proof.late_ids)} 条，请核对后台任务是否停过：{shown}"
        )
    waits = f"待封存 {proof.sealing.waiting} 条（最久已等 {proof.sealing.waiting_s} 秒）"
    click.echo(f"已封存 {proof.sealed} 条，{waits}，异常 {len(proof.faults)} 处")
    raise SystemExit(1 if proof.faults else 0)


@audit_cli.command("last")
@refusals_as_text
def last() -> None:
    """Print the last seal as POSITION:HASH, to be kept where nobody of ours can change it."""
    found = audit_seals.status().last
    if found is None:
        click.echo("尚无封存", err=True)
        raise SystemExit(1)
    click.echo(f"{found.position}:{found.hash}")


@audit_cli.command("export")
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), required=True)
@click.option("--to", "until", type=click.DateTime(["%Y-%m-%d"]), required=True, help="Inclusive.")
@click.option(
    "--out",
    type=click.Path(exists=True, file_okay=False, writable=True, path_type=Path),
    required=True,
)
@actor_option
@refusals_as_text
def export(first: datetime, until: datetime, out: Path, actor: str) -> None:
    """Write the entries of some days as JSON lines and as XLSX, readable by you alone."""
    days = (first.date(), until.date())
    audit_exports.note(*days, actor=actor)
    base = out / f"audit-{days[0]}-{days[1]}"
    for file in (base.with_suffix(".jsonl"), base.with_suffix(".xlsx")):
        file.unlink(missing_ok=True)
        file.touch(mode=0o600)
    with base.with_suffix(".jsonl").open("wb") as lines:
        count = audit_exports.write_lines(lines, *days)
    with base.with_suffix(".xlsx").open("wb") as book:
        audit_exports.write_workbook(book, *days)
    click.echo(f"{base}.jsonl、{base}.xlsx：{count} 条")
