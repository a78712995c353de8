"""The ledger's proof of budgets: guards against rows, and every change against its transfers."""

from collections.abc import Iterable

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.domain.budgets import QUARTERS
from backend.domain.postings import Difference, campaign_account
from backend.storage.models.budgets import (
    BudgetChange,
    BudgetDecision,
    SpendingDecision,
    SpendingImport,
    SpendingRecord,
)
from backend.storage.models.campaigns import Campaign, Tier
from backend.storage.models.ledger import Transfer
from backend.storage.models.programmes import Fund
from backend.storage.queries import budgets as queries
from backend.storage.queries import ledger as ledger_queries

ANY = -1  # an amount that is checked elsewhere, or none
BUDGET_KINDS = ("appropriation", "withdrawal", "commitment", "return")


def differences(session: Session) -> Iterable[Difference]:
    """Compare guards, changes and imports with rows and accounts."""
    yield from _guard_differences(session)
    yield from _tier_differences(session)
    yield from _change_differences(session)
    yield from _import_differences(session)


def given_to_campaigns(session: Session) -> dict[str, int]:
    """Return what each campaign was committed less what it returned, in fen."""
    committed = {campaign_account(c, "committed"): c for c in session.scalars(select(Campaign.id))}
    given: dict[str, int] = {}
    for (kind, source, target), amount_fen in ledger_queries.transfers_by_kind(session).items():
        if kind == "commitment" and target in committed:
            given[committed[target]] = given.get(committed[target], 0) + amount_fen
        elif kind == "return" and source in committed:
            given[committed[source]] = given.get(committed[source], 0) - amount_fen
    return given


def imported(session: Session) -> dict[str, int]:
    """Return the earlier spending that was confirmed, by campaign, in fen."""
    found: dict[str, int] = {}
    for row in _confirmed_imports(session):
        if row.campaign_id is not None:
            found[row.campaign_id] = found.get(row.campaign_id, 0) + row.total_fen
    return found


def _guard_differences(session: Session) -> Iterable[Difference]:
    """What the schema guards ceilings by must be what the campaigns and imports take."""
    pots = _imported_by_pot(session)
    for fund in session.scalars(select(Fund)):
        committed = queries.committed_of(session, fund.id)
        quarters_fen = sum(quarter.ceiling_fen for quarter in fund.quarters)
        compared = [("in quarters", quarters_fen, fund.in_quarters_fen)]
        for name, found_fen in [
            (None, fund.year_committed_fen),
            *((quarter.quarter, quarter.committed_fen) for quarter in fund.quarters),
        ]:
            expected_fen = committed.get(name, 0) + pots.get((fund.id, name), 0)
            compared.append((f"committed of {name or 'year'}", expected_fen, found_fen))
        for what, expected_fen, found_fen in compared:
            if expected_fen != found_fen:
                yield Difference(
                    where=f"fund {fund.id}",
                    what=what,
                    expected_fen=expected_fen,
                    found_fen=found_fen,
                )


def _tier_differences(session: Session) -> Iterable[Difference]:
    """A campaign's amount is the sum of face × count of its tiers."""
    sums = session.execute(
        select(Campaign.id, Campaign.amount_fen, func.sum(Tier.face_value_fen * Tier.count))
        .join(Tier, Tier.campaign_id == Campaign.id)
        .group_by(Campaign.id, Campaign.amount_fen)
    )
    for campaign_id, amount_fen, total in sums:
        if amount_fen != int(total):
            yield Difference(
                where=f"campaign {campaign_id}",
                what="amount, and face × count of its tiers",
                expected_fen=int(total),
                found_fen=amount_fen,
            )


def _change_differences(session: Session) -> Iterable[Difference]:
    """Every confirmed change moved its amount once each way, and nothing else moved budgets."""
    expected = dict.fromkeys(_first_transfers(session), ANY)
    confirmed = session.scalars(
        select(BudgetChange)
        .join(BudgetDecision, BudgetDecision.change_id == BudgetChange.id)
        .where(BudgetDecision.decision == "confirmed")
    )
    for change in confirmed:
        amount_fen = abs(change.new_fen - change.expected_fen)
        if amount_fen:
            expected |= {f"change:{change.id}:{kind}": amount_fen for kind in _kinds(change)}
    for row in _confirmed_imports(session):
        if row.campaign_id is None:
            expected[f"commitment:import:{row.id}"] = row.total_fen
    yield from _against_transfers(session, expected, BUDGET_KINDS)


def _first_transfers(session: Session) -> Iterable[str]:
    """Name what a loaded programme and approved campaigns moved; their sums are checked above."""
    for fund_id in session.scalars(select(Fund.id)):
        for quarter in ("year", *QUARTERS):
            yield f"appropriation:{fund_id}:{quarter}"
    for campaign_id in session.scalars(select(Campaign.id)):
        yield f"commitment:{campaign_id}"


def _kinds(change: BudgetChange) -> tuple[str, ...]:
    """Return the kinds of transfer by which a change moves its amount."""
    if change.kind == "return_rest":
        return ("return",)
    if change.kind == "tiers":
        return ("return" if change.new_fen < change.expected_fen else "commitment",)
    one_way = {"raise_fund": ("appropriation",), "lower_fund": ("withdrawal",)}
    return one_way.get(change.kind, ("withdrawal", "appropriation"))


def _import_differences(session: Session) -> Iterable[Difference]:
    """Every record of a confirmed import is one transfer, and its import's total is their sum."""
    expected: dict[str, int] = {}
    for row in _confirmed_imports(session):
        records = session.execute(
            select(SpendingRecord.record_number, SpendingRecord.amount_fen).where(
                SpendingRecord.import_id == row.id
            )
        ).all()
        expected |= {f"imported:{number}": amount_fen for number, amount_fen in records}
        total_fen = sum(amount_fen for _, amount_fen in records)
        if total_fen != row.total_fen:
            yield Difference(
                where=f"import {row.id}",
                what="its total, and its records",
                expected_fen=total_fen,
                found_fen=row.total_fen,
            )
    yield from _against_transfers(session, expected, ("spending",), prefix="imported:")


def _against_transfers(
    session: Session, expected: dict[str, int], kinds: tuple[str, ...], prefix: str = ""
) -> Iterable[Difference]:
    """Compare transfers by id; ANY is not looked at."""
    query = select(Transfer.id, Transfer.amount_fen).where(Transfer.kind.in_(kinds))
    if prefix:
        query = query.where(Transfer.id.startswith(prefix, autoescape=True))
    found: dict[str, int] = {row.id: row.amount_fen for row in session.execute(query)}
    for id_ in sorted(expected.keys() | found.keys()):
        expected_fen, found_fen = expected.get(id_, 0), found.get(id_, 0)
        if expected_fen not in (ANY, found_fen):
            yield Difference(
                where=f"transfer {id_}",
                what="its change or import",
                expected_fen=expected_fen,
                found_fen=found_fen,
            )


def _confirmed_imports(session: Session) -> list[SpendingImport]:
    return list(
        session.scalars(
            select(SpendingImport)
            .join(SpendingDecision, SpendingDecision.import_id == SpendingImport.id)
            .where(SpendingDecision.decision == "confirmed")
        )
    )


def _imported_by_pot(session: Session) -> dict[tuple[str, str | None], int]:
    """Return the earlier spending that belongs to no campaign, by fund and quarter."""
    found: dict[tuple[str, str | None], int] = {}
    for row in _confirmed_imports(session):
        if row.campaign_id is None:
            key = (row.fund_id, row.quarter)
            found[key] = found.get(key, 0) + row.total_fen
    return found
