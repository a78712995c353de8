"""The command that shows marked claims."""

import click
from flask.cli import AppGroup

from backend.cli.output import refusals_as_text
from backend.services import claim_marks

claims_cli = AppGroup("claims", help="Look at claims that are marked (可疑标记).")


@claims_cli.command("marked")
@click.option("--campaign", "campaign_id", help="Of one campaign; by default of all.")
@click.option("--mark", type=click.Choice(claim_marks.names()), help="Only with this mark.")
@click.option("--limit", type=click.IntRange(0, 10_000), default=50, show_default=True)
@refusals_as_text
def marked(campaign_id: str | None, mark: str | None, limit: int) -> None:
    """Count claims by mark, and list the latest vouchers, phones masked."""
    for campaign, counts in claim_marks.counts(campaign_id).items():
        text = "  ".join(f"{name} {count}" for name, count in counts.items())
        click.echo(f"{campaign:10} {text}")
    for v in claim_marks.marked(campaign_id, mark=mark, limit=limit):
        at = f"{v.claimed_at:%Y-%m-%d %H:%M:%S}.{v.claimed_at.microsecond // 1000:03}"
        click.echo(f"{v.voucher_id}  {v.campaign_id}  {v.phone}  {at}  {' '.join(v.marks)}")
