"""Budgets (预算): funds, quarters, campaigns and tiers; one proposes a change, another confirms."""

import re
from typing import TYPE_CHECKING

from flask import Response, render_template, request

from backend.domain.budgets import KIND_NAMES, MAX_COUNT, QUARTERS
from backend.domain.errors import InvalidRequest
from backend.domain.permissions import Permission
from backend.edge.console import money_words as words
from backend.edge.console.access import ConsoleBlueprint, current_staff, permitted
from backend.edge.console.answers import done
from backend.edge.console.cells import Link, Money
from backend.edge.console.forms import Fen, Number, Text, WithReason, fresh_number
from backend.edge.console.tables import Column, Filter, Table
from backend.services import budget_proposals, budgets, campaigns, money_lists

if TYPE_CHECKING:
    from backend.storage.models.budgets import BudgetChange

blueprint = ConsoleBlueprint("budgets", __name__)
POSITION, COUNT = re.compile(r"[0-9]{1,2}"), re.compile(r"[0-9]{1,9}")


class FundForm(WithReason):
    """Another amount of a fund, by the city's document; `expected` is what the page showed."""

    number: Number
    fund_id: Text
    expected: Fen
    new: Fen
    document_number: Text


class QuarterForm(WithReason):
    """Another ceiling of a quarter: with the year, or with another quarter."""

    number: Number
    fund_id: Text
    quarter: Text
    to_quarter: Text | None = None
    expected: Fen
    new: Fen


class CampaignForm(WithReason):
    """A change of a campaign's budget: its tiers' counts, or the rest that it gives back."""

    number: Number
    campaign_id: Text
    expected: Fen = 0


def _of(change: "BudgetChange") -> str:
    target = f" → {change.to_quarter}" if change.to_quarter else ""
    return (change.campaign_id or "/".join(filter(None, (change.fund_id, change.quarter)))) + target


CHANGES: "Table[BudgetChange]" = Table(
    name="budget_changes",
    title="预算调整",
    permission=Permission.BUDGETS_READ,
    filter=Filter,
    find=lambda _: money_lists.budget_changes(),
    columns=(
        Column("编号", lambda c: Link(c.id, "budgets.change", {"change_id": c.id}), width=26),
        Column("类别", lambda c: KIND_NAMES[c.kind]),  # type: ignore[index]  # a CHECK
        Column("对象", _of, width=24),
        Column("原值", lambda c: Money(c.expected_fen)),
        Column("新值", lambda c: Money(c.new_fen)),
        Column("文号", lambda c: c.document_number),
        Column("提出人", lambda c: c.proposed_by),
        Column("提出时间", lambda c: c.proposed_at),
        Column("状态", lambda c: words.decision(c.decision.decision if c.decision else None)),
        Column("复核人", lambda c: c.decision.decided_by if c.decision else None),
    ),
)


@blueprint.get("/budgets")
@permitted(CHANGES.permission)
def page() -> Response | str:
    """Show every pot and campaign, and the changes, the newest first."""
    return CHANGES.answer(
        "console/budgets.html",
        funds=budgets.funds(),
        pots=budgets.show(),
        campaigns=campaigns.list_all(),
        quarters=QUARTERS,
        number=fresh_number,
    )


@blueprint.post("/budgets/fund")
@permitted(Permission.BUDGETS_PROPOSE)
def propose_fund() -> Response:
    """Propose another amount of a fund."""
    form = FundForm.read()
    budget_proposals.propose_fund(
        form.number,
        fund_id=form.fund_id,
        expected_fen=form.expected,
        new_fen=form.new,
        document_number=form.document_number,
        reason=form.reason,
        actor=current_staff().name,
    )
    return _proposed(form.number)


@blueprint.post("/budgets/quarter")
@permitted(Permission.BUDGETS_PROPOSE)
def propose_quarter() -> Response:
    """Propose another ceiling of a quarter."""
    form = QuarterForm.read()
    budget_proposals.propose_quarter(
        form.number,
        fund_id=form.fund_id,
        quarter=form.quarter,
        to_quarter=form.to_quarter,
        expected_fen=form.expected,
        new_fen=form.new,
        reason=form.reason,
        actor=current_staff().name,
    )
    return _proposed(form.number)


@blueprint.post("/budgets/tiers")
@permitted(Permission.BUDGETS_PROPOSE)
def propose_tiers() -> Response:
    """Propose other counts of a campaign's tiers."""
    form = CampaignForm.read()
    budget_proposals.propose_tiers(
        form.number,
        campaign_id=form.campaign_id,
        expected_fen=form.expected,
        counts=_counts(),
        reason=form.reason,
        actor=current_staff().name,
    )
    return _proposed(form.number)


@blueprint.post("/budgets/rest")
@permitted(Permission.BUDGETS_PROPOSE)
def propose_return() -> Response:
    """Propose that a campaign that is over gives back its rest."""
    form = CampaignForm.read()
    budget_proposals.propose_return(
        form.number,
        campaign_id=form.campaign_id,
        reason=form.reason,
        actor=current_staff().name,
    )
    return _proposed(form.number)


@blueprint.get("/budgets/<change_id>")
@permitted(Permission.BUDGETS_READ)
def change(change_id: str) -> str:
    """Show a change, and the forms that decide it."""
    found = budgets.get_change(change_id)
    decision = found.decision
    return render_template(
        "console/budget_change.html",
        change=found,
        kind=KIND_NAMES[found.kind],  # type: ignore[index]  # a CHECK
        of=_of(found),
        state=words.decision(decision.decision if decision else None),
    )


@blueprint.post("/budgets/<change_id>/confirm")
@permitted(Permission.BUDGETS_CONFIRM)
def confirm(change_id: str) -> Response:
    """Carry a change out, as the second person."""
    budgets.confirm(change_id, actor=current_staff().name)
    return done("已复核生效", "budgets.change", change_id=change_id)


@blueprint.post("/budgets/<change_id>/refuse")
@permitted(Permission.BUDGETS_CONFIRM)
def refuse(change_id: str) -> Response:
    """Refuse a change; nothing moves."""
    budgets.refuse(change_id, reason=WithReason.read().reason, actor=current_staff().name)
    return done("已驳回", "budgets.change", change_id=change_id)


def _counts() -> dict[int, int]:
    """Return the counts by the tiers' positions: fields `count-1`, `count-2` …"""
    found = {}
    for name, text in request.form.items():
        position = name.removeprefix("count-")
        if position == name or not text.strip():
            continue
        plain = text.strip().replace(",", "")
        # The lengths come first: int() fails on a text of thousands of digits.
        readable = COUNT.fullmatch(plain) and POSITION.fullmatch(position)
        if not readable or int(plain) > MAX_COUNT:
            raise InvalidRequest("counts", details={"fields": {name[:16]: "count"}})
        found[int(position)] = int(plain)
    return found


def _proposed(change_id: str) -> Response:
    return done("已提出，待另一位工作人员复核后生效", "budgets.change", change_id=change_id)
