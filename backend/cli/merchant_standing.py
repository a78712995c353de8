"""Commands for a published merchant: suspended, resumed, disqualified, its placements checked."""

from pathlib import Path

import click
from flask.cli import AppGroup

from backend.cli.merchant_chain import content_of, evidence_option
from backend.cli.merchants import merchant_cli
from backend.cli.output import actor_option, refusals_as_text
from backend.domain.merchant_steps import OFFICE_NAMES, Office
from backend.services import placements, standings
from backend.services.placements import MATERIAL_NAMES, Material

placement_cli = AppGroup(
    "placement", help="Whether shops show their placard and posters (张贴检查)."
)
reason_option = click.option("--reason", required=True)


@merchant_cli.command("suspend")
@click.argument("merchant_id")
@reason_option
@evidence_option
@click.option("--office", type=click.Choice(list(OFFICE_NAMES)), default="bureau")
@actor_option
@refusals_as_text
def suspend(
    merchant_id: str, reason: str, evidence: Path | None, office: Office, actor: str
) -> None:
    """Stop a merchant's new orders at once."""
    standings.suspend(
        merchant_id, actor=actor, reason=reason, evidence=content_of(evidence), office=office
    )
    click.echo(f"{merchant_id} 已暂停")


@merchant_cli.command("resume")
@click.argument("merchant_id")
@reason_option
@evidence_option
@actor_option
@refusals_as_text
def resume(merchant_id: str, reason: str, evidence: Path | None, actor: str) -> None:
    """Let a suspended merchant redeem again, as another person than who suspended it."""
    standings.resume(merchant_id, actor=actor, reason=reason, evidence=content_of(evidence))
    click.echo(f"{merchant_id} 已恢复")


@merchant_cli.command("disqualify")
@click.argument("merchant_id")
@reason_option
@evidence_option
@actor_option
@refusals_as_text
def disqualify(merchant_id: str, reason: str, evidence: Path | None, actor: str) -> None:
    """Propose that a merchant loses its place for good."""
    standings.propose_disqualification(
        merchant_id, actor=actor, reason=reason, evidence=content_of(evidence)
    )
    click.echo(f"{merchant_id} 已提出取消参与资格，等待另一人确认")


@merchant_cli.command("disqualify-withdraw")
@click.argument("merchant_id")
@reason_option
@actor_option
@refusals_as_text
def disqualify_withdraw(merchant_id: str, reason: str, actor: str) -> None:
    """Take the proposal to disqualify a merchant back."""
    standings.withdraw_disqualification(merchant_id, actor=actor, reason=reason)
    click.echo(f"{merchant_id} 的提议已撤回")


@merchant_cli.command("disqualify-confirm")
@click.argument("merchant_id")
@reason_option
@actor_option
@refusals_as_text
def disqualify_confirm(merchant_id: str, reason: str, actor: str) -> None:
    """Disqualify a merchant as the second person; there is no way back."""
    standings.confirm_disqualification(merchant_id, actor=actor, reason=reason)
    click.echo(f"{merchant_id} 已取消参与资格")


@placement_cli.command("record")
@click.argument("check_id")
@click.argument("merchant_id")
@click.option("--material", type=click.Choice(list(MATERIAL_NAMES)), required=True)
@click.option("--found/--missing", required=True)
@click.option("--place", required=True, help="Where it hangs, or should.")
@click.option("--photo", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@actor_option
@refusals_as_text
def record(
    check_id: str,
    merchant_id: str,
    material: Material,
    found: bool,
    place: str,
    photo: Path | None,
    actor: str,
) -> None:
    """Write a check down; the same CHECK_ID is the same check."""
    placements.record(
        check_id=check_id,
        merchant_id=merchant_id,
        material=material,
        found=found,
        place=place,
        photo=content_of(photo),
        actor=actor,
    )
    click.echo(f"{merchant_id} {MATERIAL_NAMES[material]}：{'已张贴' if found else '缺失'}")


@placement_cli.command("list")
@click.option("--merchant", "merchant_id")
@refusals_as_text
def list_checks(merchant_id: str | None) -> None:
    """List checks, the newest first."""
    for row in placements.list_checks(merchant_id):
        shown = "已张贴" if row.found else "缺失"
        click.echo(
            f"{row.id}\t{row.seen_at:%Y-%m-%d %H:%M}\t{row.merchant_id}\t"
            f"{MATERIAL_NAMES[row.material]}\t{shown}\t{row.place}\t{row.checked_by}"
        )
