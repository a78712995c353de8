"""Commands for reports."""

from datetime import datetime
from pathlib import Path

import click
from flask.cli import AppGroup

from backend.cli.output import actor_option, refusals_as_text
from backend.services import fund_reports

report_cli = AppGroup("report", help="Make reports (报表).")


@report_cli.command("funds")
@click.option(
    "--as-of", type=click.DateTime(["%Y-%m-%d"]), required=True, help="A day that is over."
)
@click.option(
    "--out",
    type=click.Path(exists=True, file_okay=False, writable=True, path_type=Path),
    required=True,
)
@click.option("--reason", help="Why a new edition is made, should the books say otherwise by now.")
@click.option("--edition", type=click.IntRange(1), help="One that was frozen before.")
@actor_option
@refusals_as_text
def funds(as_of: datetime, out: Path, reason: str | None, edition: int | None, actor: str) -> None:
    """Freeze the fund report (资金汇总) of a day and write it as JSON, XLSX and PDF."""
    day = as_of.date()
    if edition is not None:
        report = fund_reports.edition(day, edition)
    else:
        report = fund_reports.freeze(day, actor=actor, reason=reason)
    for name, content in fund_reports.files(report).items():
        (out / name).write_bytes(content)
        click.echo(str(out / name))
    click.echo(f"{day} 第 {report.edition} 版，数据校验码 {report.digest}")
