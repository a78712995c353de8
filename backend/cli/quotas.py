"""The commands that prove and restore the quota."""

import click
from flask.cli import AppGroup

from backend.cli.output import actor_option, refusals_as_text
from backend.services import quota_checks, quota_rebuilds, quota_reserves

quota_cli = AppGroup("quota", help="Prove and rebuild the quota in Valkey (名额).")


@quota_cli.command("check")
@refusals_as_text
def check() -> None:
    """Compare Valkey, SQL and the ledger; exit 1 when anything does not agree."""
    result = quota_checks.check()
    for t in result.tiers:
        click.echo(
            f"{t.campaign_id:10} 第 {t.tier_position} 档  总数 {t.count}  "
            f"余 {t.left}（预留 {t.reserved}）  "
            f"已领 {t.issued}（入库 {t.vouchers}，待入库 {t.waiting}）"
        )
    for d in result.differences:
        click.echo(f"DIFFERENCE {d.where}: {d.what}: expected {d.expected}, found {d.found}")
    word = "Valkey, SQL and ledger agree" if not result.differences else "does not agree"
    click.echo(f"{len(result.tiers)} tiers, {len(result.differences)} differences: {word}")
    raise SystemExit(1 if result.differences else 0)


@quota_cli.command("rebuild")
@click.argument("campaign_id")
@click.option("--force", is_flag=True, help="Also when Valkey still has the quota.")
@actor_option
@refusals_as_text
def rebuild(campaign_id: str, force: bool, actor: str) -> None:
    """Load a campaign's quota anew from SQL; safe to repeat."""
    done = quota_rebuilds.run(campaign_id, actor=actor, force=force)
    given = sum(done.given.values())
    click.echo(
        f"{campaign_id} 已重建：纪元 {done.epoch}，已领 {given} 张，用时 {done.seconds:.2f} 秒"
    )


@quota_cli.command("release-reserve")
@click.argument("campaign_id")
@actor_option
@refusals_as_text
def release_reserve(campaign_id: str, actor: str) -> None:
    """Give units that are reserved for receipts to everybody; claims go on at once."""
    units = quota_reserves.release(campaign_id, actor=actor)
    click.echo(f"{campaign_id} 的预留名额已放开：{sum(units.values())} 张，领券已恢复")
