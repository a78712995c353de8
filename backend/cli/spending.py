"""Commands for spending of before the start: bring a file in, confirm it as the second person."""

from pathlib import Path

import click
from flask.cli import AppGroup

from backend.cli.output import actor_option, check_id, refusals_as_text
from backend.domain.money import yuan_text
from backend.services import spending_imports

spending_cli = AppGroup("spending", help="Bring in spending of before the start (补录支出).")
id_argument = click.argument("import_id", callback=check_id)


@spending_cli.command("import")
@id_argument
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--campaign", "campaign_id", help="Whose money it was.")
@click.option("--fund-quarter", help="FUND93/Q1, or FUND93 for the year: of no campaign.")
@click.option("--reason", required=True)
@actor_option
@refusals_as_text
def import_file(
    import_id: str,
    *,
    file: Path,
    campaign_id: str | None,
    fund_quarter: str | None,
    reason: str,
    actor: str,
) -> None:
    """Take a CSV or XLSX in, all of it or nothing; no money moves before it is confirmed."""
    if (campaign_id is None) == (fund_quarter is None):
        raise click.UsageError("--campaign or --fund-quarter, one of them")
    if campaign_id is not None:
        target = spending_imports.of_campaign(campaign_id)
    else:
        fund_id, _, quarter = (fund_quarter or "").partition("/")
        target = spending_imports.Target(fund_id=fund_id, quarter=quarter or None)
    row = spending_imports.propose(
        import_id,
        file.read_bytes(),
        file_name=file.name,
        target=target,
        reason=reason,
        actor=actor,
    )
    click.echo(f"{row.id} 已提交，共 {yuan_text(row.total_fen)} 元，待另一人复核")


@spending_cli.command("confirm")
@id_argument
@actor_option
@refusals_as_text
def confirm(import_id: str, actor: str) -> None:
    """Enter an import's records in the books; whoever brought it cannot."""
    decided = spending_imports.confirm(import_id, actor=actor)
    click.echo(f"{import_id} 已入账，{decided.decided_at:%Y-%m-%d %H:%M}")


@spending_cli.command("refuse")
@id_argument
@click.option("--reason", required=True)
@actor_option
@refusals_as_text
def refuse(import_id: str, reason: str, actor: str) -> None:
    """Refuse an import; its records may come again by another one."""
    spending_imports.refuse(import_id, reason=reason, actor=actor)
    click.echo(f"{import_id} 已驳回")


@spending_cli.command("list")
@refusals_as_text
def list_imports() -> None:
    """List all imports with their decisions, the newest first."""
    for row in spending_imports.list_imports():
        of = row.campaign_id or f"{row.fund_id}/{row.quarter or '全年'}"
        state = "待复核"
        if row.decision is not None:
            state = "已入账" if row.decision.decision == "confirmed" else "已驳回"
        click.echo(f"{row.id}  {of}  {yuan_text(row.total_fen)} 元  {row.proposed_by}  {state}")
