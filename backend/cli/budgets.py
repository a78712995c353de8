"""Commands for budgets: show them, propose a change, decide it as the second person."""

import re
from typing import Any

import click
from flask.cli import AppGroup

from backend.cli.output import actor_option, check_id, refusals_as_text
from backend.domain.budgets import KIND_NAMES, QUARTERS
from backend.domain.money import fen_of_yuan, yuan_text
from backend.services import budget_proposals, budgets

budget_cli = AppGroup("budget", help="Change budgets (预算): one proposes, another confirms.")
change_id_argument = click.argument("change_id")


class Yuan(click.ParamType):
    """An amount in yuan, read into fen."""

    name = "yuan"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the amount in fen."""
        if isinstance(value, int):
            return value
        amount_fen = fen_of_yuan(str(value))
        if amount_fen is None:
            self.fail("yuan, with at most two decimals, without commas", param, ctx)
        return amount_fen


YUAN = Yuan()


def _counts(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> dict[int, int]:
    found: dict[int, int] = {}
    for value in values:
        if not re.fullmatch(r"[1-9][0-9]?=[1-9][0-9]{0,6}", value, re.ASCII):
            raise click.BadParameter("POSITION=COUNT, such as 3=450")
        position, _, count = value.partition("=")
        found[int(position)] = int(count)
    return found


@budget_cli.command("show")
@refusals_as_text
def show() -> None:
    """Show every pot: its ceiling and floor, what is committed, what is available, in yuan."""
    for b in budgets.show():
        click.echo(
            f"{b.fund_id:8} {b.quarter or '全年其余':4}  上限 {yuan_text(b.ceiling_fen):>12}  "
            f"下限 {yuan_text(b.floor_fen):>12}  已承诺 {yuan_text(b.committed_fen):>12}  "
            f"可用 {yuan_text(b.available_fen):>12}"
        )


@budget_cli.command("propose")
@click.argument("change_id", callback=check_id)
@click.option("--fund", "fund_id", help="With --quarter, or --document: its own amount.")
@click.option("--quarter", type=click.Choice(QUARTERS))
@click.option("--to-quarter", type=click.Choice(QUARTERS), help="It has what --quarter gives.")
@click.option("--campaign", "campaign_id", help="With --tier or --rest.")
@click.option("--tier", "counts", multiple=True, callback=_counts, help="POSITION=COUNT.")
@click.option("--rest", is_flag=True, help="Give back the rest of a campaign that is over.")
@click.option("--expected", "expected_fen", type=YUAN, help="The value of now, in yuan.")
@click.option("--new", "new_fen", type=YUAN, help="The value that is wanted, in yuan.")
@click.option("--document", "document_number", help="Of the city's decision on the fund (文号).")
@click.option("--reason", required=True)
@actor_option
@refusals_as_text
def propose(change_id: str, *, reason: str, actor: str, **options: Any) -> None:
    """Propose a change under an id of your own; the same again is the same proposal."""
    said = {name for name, value in options.items() if value}
    shared: dict[str, Any] = {"reason": reason, "actor": actor}
    wanted = {name: options[name] for name in said}
    if said in (
        {"fund_id", "quarter", "expected_fen", "new_fen"},
        {"fund_id", "quarter", "to_quarter", "expected_fen", "new_fen"},
    ):
        _tell(budget_proposals.propose_quarter(change_id, **wanted, **shared))
    elif said == {"fund_id", "expected_fen", "new_fen", "document_number"}:
        _tell(budget_proposals.propose_fund(change_id, **wanted, **shared))
    elif said == {"campaign_id", "counts", "expected_fen"}:
        _tell(budget_proposals.propose_tiers(change_id, **wanted, **shared))
    elif said == {"campaign_id", "rest"}:
        campaign_id = options["campaign_id"]
        _tell(budget_proposals.propose_return(change_id, campaign_id=campaign_id, **shared))
    else:
        raise click.UsageError(
            "--fund --quarter [--to-quarter] --expected --new, or --fund --document --expected"
            " --new, or --campaign --tier --expected, or --campaign --rest"
        )


@budget_cli.command("confirm")
@change_id_argument
@actor_option
@refusals_as_text
def confirm(change_id: str, actor: str) -> None:
    """Carry a change out; whoever proposed it cannot."""
    decided = budgets.confirm(change_id, actor=actor)
    click.echo(f"{change_id} 已复核生效，{decided.decided_at:%Y-%m-%d %H:%M}")


@budget_cli.command("refuse")
@change_id_argument
@click.option("--reason", required=True)
@actor_option
@refusals_as_text
def refuse(change_id: str, reason: str, actor: str) -> None:
    """Refuse a change; nothing moves."""
    budgets.refuse(change_id, reason=reason, actor=actor)
    click.echo(f"{change_id} 已驳回")


@budget_cli.command("list")
@refusals_as_text
def list_changes() -> None:
    """List all changes with their decisions, the newest first."""
    for change in budgets.list_changes():
        _tell(change)


def _tell(change: budgets.BudgetChange) -> None:
    of = change.campaign_id or "/".join(filter(None, (change.fund_id, change.quarter)))
    document = f"  {change.document_number}" if change.document_number else ""
    target = f" → {change.to_quarter}" if change.to_quarter else ""
    decision = change.decision
    state = "待复核"
    if decision is not None:
        word = "已生效" if decision.decision == "confirmed" else "已驳回"
        state = f"{word}（{decision.decided_by}）"
    kind = KIND_NAMES[change.kind]  # type: ignore[index]  # the schema knows only these
    click.echo(
        f"{change.id}  {kind}  {of}{target}  {yuan_text(change.expected_fen)} → "
        f"{yuan_text(change.new_fen)} 元{document}  {change.proposed_by}  {state}"
    )
