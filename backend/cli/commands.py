"""The commands of `flask`: thin, each calls one service; the exit status is the answer."""

from collections.abc import Callable
from pathlib import Path

import click
from flask import Flask, current_app
from flask.cli import AppGroup

from backend.cli.audit import audit_cli
from backend.cli.bank_tills import bank_till_cli
from backend.cli.budgets import budget_cli
from backend.cli.cards import card_cli
from backend.cli.claims import claims_cli
from backend.cli.complaints import complaint_cli
from backend.cli.entries import entry_cli
from backend.cli.merchant_standing import placement_cli
from backend.cli.merchants import clerk_cli, merchant_cli, merchant_list_cli
from backend.cli.notices import notice_cli
from backend.cli.output import actor_option, refusals_as_text
from backend.cli.partners import partner_cli
from backend.cli.payments import payments_cli
from backend.cli.payout_accounts import payout_account_cli
from backend.cli.placards import placard_cli
from backend.cli.quotas import quota_cli
from backend.cli.reconciliation import reconciliation_cli
from backend.cli.refunds import refunds_cli
from backend.cli.reports import report_cli
from backend.cli.residents import resident_cli
from backend.cli.settlement import settlement_cli
from backend.cli.spending import spending_cli
from backend.cli.staff import staff_cli
from backend.cli.subsidies import subsidy_cli
from backend.domain.campaigns import STATE_NAMES
from backend.domain.money import yuan_text
from backend.services import campaign_approvals, campaigns, health, ledger, processes, programmes
from backend.workers import claim_writer, jobs

programme_cli = AppGroup("programme", help="Load a city's programme (消费券方案).")
campaign_cli = AppGroup("campaign", help="Send, approve, run, pause and stop campaigns (档期).")
ledger_cli = AppGroup("ledger", help="Prove the ledger (账本).")
worker_cli = AppGroup("worker", help="Run a background worker until a signal ends it.")


def init_app(app: Flask) -> None:
    """Add every command group."""
    for group in (
        programme_cli,
        campaign_cli,
        ledger_cli,
        worker_cli,
        merchant_cli,
        merchant_list_cli,
        placard_cli,
        placement_cli,
        clerk_cli,
        card_cli,
        bank_till_cli,
        quota_cli,
        resident_cli,
        claims_cli,
        settlement_cli,
        payout_account_cli,
        reconciliation_cli,
        budget_cli,
        spending_cli,
        entry_cli,
        subsidy_cli,
        report_cli,
        partner_cli,
        staff_cli,
        audit_cli,
        payments_cli,
        refunds_cli,
        notice_cli,
        complaint_cli,
    ):
        app.cli.add_command(group)


@programme_cli.command("load")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@actor_option
@refusals_as_text
def load(file: Path, actor: str) -> None:
    """Load a YAML programme: all of it or nothing; the same file again changes nothing."""
    loaded = programmes.load(
        file.read_text(encoding="utf-8", errors="surrogateescape"), actor=actor
    )
    word = "已载入" if loaded.new else "此前已载入，未作改动"
    click.echo(
        f"{loaded.programme_id} {word}："
        f"资金 {loaded.funds} 项，活动 {loaded.campaigns} 场，商户 {loaded.merchants} 家"
    )


@campaign_cli.command("list")
def list_campaigns() -> None:
    """List all campaigns in the order of their opening."""
    for c in campaigns.list_all():
        state = STATE_NAMES[c.state]  # type: ignore[index]  # the schema knows only these
        dates = f"{c.opens_at:%Y-%m-%d %H:%M} — {c.ends_at:%Y-%m-%d %H:%M}"
        click.echo(f"{c.id:10} {state}\t{dates}\t{yuan_text(c.amount_fen)} 元\t{c.name}")


def _act(name: str, act: Callable[..., None], text: str, *, reason: bool = False) -> None:
    """Add `flask campaign NAME ID`, one command for each act."""

    @refusals_as_text
    def command(campaign_id: str, **given: str) -> None:
        act(campaign_id, **given)
        click.echo(f"{campaign_id} {name}: ok")

    options = [click.argument("campaign_id"), actor_option]
    if reason:
        options.append(click.option("--reason", required=True))
    for option in options:
        command = option(command)
    campaign_cli.command(name, help=text)(command)


_act("submit", campaign_approvals.submit, "Send a draft for approval by somebody else.")
_act(
    "approve",
    campaign_approvals.approve,
    "Commit the campaign's money and fix its terms, as the second person.",
)
_act("send-back", campaign_approvals.send_back, "Leave it a draft.", reason=True)
_act("run", campaigns.run, "Load the quota and let residents claim from the opening second.")
_act("pause", campaigns.pause, "Stop claims at once; claimed vouchers stay usable.", reason=True)
_act("resume", campaigns.resume, "Let residents claim again.", reason=True)
_act("stop", campaigns.stop, "End claims for good.", reason=True)


@ledger_cli.command("check")
@refusals_as_text
def check() -> None:
    """Prove sums, budgets and the identity; exit 1 when anything does not agree."""
    result = ledger.check()
    click.echo(f"{'':22}{'拨付':>14}{'可用':>14}{'已承诺':>13}{'已领':>14}{'已用':>14}  (元)")
    for scope in result.scopes:
        b = scope.balances
        figures = (
            b.appropriated_fen,
            b.available_fen,
            b.committed_fen,
            b.locked_fen,
            b.spent_fen,
        )
        click.echo(
            f"{scope.kind + ' ' + scope.name:22}" + "".join(f"{yuan_text(f):>16}" for f in figures)
        )
    for d in result.differences:
        amounts = f"expected {d.expected_fen} fen, found {d.found_fen} fen"
        click.echo(f"DIFFERENCE {d.where}: {d.what}: {amounts}")
    word = "every fen accounted for" if not result.differences else "does not agree"
    click.echo(f"{result.transfers} transfers, {len(result.differences)} differences: {word}")
    raise SystemExit(1 if result.differences else 0)


@worker_cli.command("claim-writer")
@refusals_as_text
def run_claim_writer() -> None:
    """Move claims from Valkey's streams into SQL."""
    health.refuse_unsafe_valkey()
    processes.start_beating("claim_writer")
    claim_writer.run(_app())


@worker_cli.command("jobs")
@refusals_as_text
def run_jobs() -> None:
    """Run the periodic jobs: locks, expiry, campaign ends, the clock's mark."""
    health.refuse_unsafe_valkey()
    processes.start_beating("jobs")
    jobs.run(_app())


def _app() -> Flask:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    return app
