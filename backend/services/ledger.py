"""The ledger's proof: every figure from two sides, and the identity for every scope."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.domain.postings import (
    MOVES,
    Balances,
    Difference,
    campaign_account,
    pot_account,
)
from backend.extensions import db
from backend.services import (
    ledger_budgets,
    ledger_entries,
    ledger_payments,
    ledger_refunds,
    ledger_settlements,
    ledger_subsidies,
)
from backend.storage.models.campaigns import Campaign, Tier
from backend.storage.models.ledger import LedgerAccount, Transfer
from backend.storage.models.orders import Redemption, Reversal
from backend.storage.models.programmes import Fund, FundQuarter
from backend.storage.models.refunds import Refund
from backend.storage.models.vouchers import Voucher
from backend.storage.queries import ledger as queries


@dataclass(frozen=True, kw_only=True)
class Scope:
    """The five figures of one fund, quarter or campaign."""

    kind: str
    name: str
    balances: Balances


@dataclass(frozen=True, kw_only=True)
class Check:
    """The outcome of a check: what was summed, and what does not agree."""

    scopes: tuple[Scope, ...]
    transfers: int
    differences: tuple[Difference, ...]


def check() -> Check:
    """Prove sums, budgets, and appropriated = available + committed + locked + spent.

    All of it at one moment, in a transaction of its own: while money moves, two queries of two
    moments would find differences that never were.
    """
    with _one_moment() as session:
        return _check(session)


@contextmanager
def _one_moment() -> Iterator[Session]:
    engine = db.engine
    if engine.dialect.name == "postgresql":  # SQLite reads one snapshot a transaction by itself
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    with Session(engine) as session:
        yield session


def _check(session: Session) -> Check:
    scopes = _scopes(session)
    differences = [
        *_identity_differences(scopes),
        *_budget_differences(session, scopes),
        *_row_differences(session),
        *_move_differences(session),
        *ledger_settlements.differences(session),
        *ledger_budgets.differences(session),
        *ledger_payments.differences(session),
        *ledger_entries.differences(session),
        *ledger_refunds.differences(session),
        *ledger_subsidies.differences(session),
    ]
    transfers = session.scalar(select(func.count()).select_from(Transfer)) or 0
    return Check(scopes=tuple(scopes), transfers=transfers, differences=tuple(differences))


def _scopes(session: Session) -> list[Scope]:
    """Sum the accounts by fund, by quarter and by campaign."""
    totals = queries.balances(session)
    sums: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for account in queries.list_accounts(session):
        # What the city gave is the negative side of its account: money only left it.
        sign = -1 if account.kind == "appropriated" else 1
        amount_fen = sign * totals[account.id]
        for scope in _scopes_of(account):
            sums[scope][f"{account.kind}_fen"] += amount_fen
    given = ledger_budgets.given_to_campaigns(session)
    for campaign in session.scalars(select(Campaign)):
        sums["campaign", campaign.id]["appropriated_fen"] = given.get(campaign.id, 0)
    order = {"fund": 0, "quarter": 1, "campaign": 2}
    return [
        Scope(kind=kind, name=name, balances=Balances(**figures))
        for (kind, name), figures in sorted(sums.items(), key=lambda i: (order[i[0][0]], i[0][1]))
    ]


def _scopes_of(account: LedgerAccount) -> Iterable[tuple[str, str]]:
    yield "fund", account.fund_id
    if account.quarter is not None:
        yield "quarter", f"{account.fund_id}/{account.quarter}"
    if account.campaign_id is not None:
        yield "campaign", account.campaign_id


def _identity_differences(scopes: Iterable[Scope]) -> Iterable[Difference]:
    for scope in scopes:
        b = scope.balances
        if not b.conserved:
            yield Difference(
                where=f"{scope.kind} {scope.name}",
                what="available + committed + locked + spent",
                expected_fen=b.appropriated_fen,
                found_fen=b.available_fen + b.committed_fen + b.locked_fen + b.spent_fen,
            )


def _budget_differences(session: Session, scopes: Iterable[Scope]) -> Iterable[Difference]:
    """A fund holds what the city gave it, a quarter its ceiling, a campaign its own amount."""
    budgets = {("fund", fund.id): fund.amount_fen for fund in session.scalars(select(Fund))}
    for quarter in session.scalars(select(FundQuarter)):
        budgets["quarter", f"{quarter.fund_id}/{quarter.quarter}"] = quarter.ceiling_fen
    for campaign in session.scalars(select(Campaign)):
        approved = campaign.state != "draft"
        kept_fen = campaign.amount_fen - campaign.returned_fen
        budgets["campaign", campaign.id] = kept_fen if approved else 0
    for scope in scopes:
        expected_fen = budgets[scope.kind, scope.name]
        if scope.balances.appropriated_fen != expected_fen:
            yield Difference(
                where=f"{scope.kind} {scope.name}",
                what="appropriated",
                expected_fen=expected_fen,
                found_fen=scope.balances.appropriated_fen,
            )


def _row_differences(session: Session) -> Iterable[Difference]:
    """The vouchers and redemptions must say of each campaign what its accounts say."""
    totals = queries.balances(session)
    locked = _sum_by_campaign(
        session,
        Voucher.campaign_id,
        Voucher.face_value_fen,
        Voucher.status.in_(("unused", "locked")),
    )
    spent = Counter(_sum_by_campaign(session, Redemption.campaign_id, Redemption.discount_fen))
    spent.subtract(_sum_by_campaign(session, Reversal.campaign_id, Reversal.discount_fen))
    spent.subtract(_sum_by_campaign(session, Refund.campaign_id, Refund.subsidy_fen))
    spent.update(ledger_budgets.imported(session))
    spent.update(ledger_entries.spent(session))
    spent.update(ledger_subsidies.spent(session))
    for campaign in session.scalars(select(Campaign)):
        for kind, rows in (("locked", locked), ("spent", spent)):
            account_id = campaign_account(campaign.id, "locked" if kind == "locked" else "spent")
            expected_fen, found_fen = rows.get(campaign.id, 0), totals.get(account_id, 0)
            if expected_fen != found_fen:
                yield Difference(
                    where=f"campaign {campaign.id}",
                    what=f"{kind}: its rows and its account",
                    expected_fen=expected_fen,
                    found_fen=found_fen,
                )
    counted = session.execute(
        select(Voucher.tier_id, func.count())
        .where(Voucher.recycled_batch.is_(None), Voucher.status != "returned")
        .group_by(Voucher.tier_id)
    )
    claimed = {tier_id: int(count) for tier_id, count in counted}
    claimed |= ledger_entries.units(session) | ledger_subsidies.units(session)
    for tier in session.scalars(select(Tier)):
        if claimed.get(tier.id, 0) != tier.claimed_count:
            yield Difference(
                where=f"campaign {tier.campaign_id} tier {tier.position}",
                what="claimed: its rows and its count (× face value)",
                expected_fen=claimed.get(tier.id, 0) * tier.face_value_fen,
                found_fen=tier.claimed_count * tier.face_value_fen,
            )
    yield from _claim_differences(session)


def _claim_differences(session: Session) -> Iterable[Difference]:
    """Every claim transfer must equal the vouchers that name it."""
    sums = session.execute(
        select(Voucher.claim_transfer_id, func.sum(Voucher.face_value_fen)).group_by(
            Voucher.claim_transfer_id
        )
    )
    named = {transfer_id: int(amount_fen) for transfer_id, amount_fen in sums}
    for transfer in session.scalars(select(Transfer).where(Transfer.kind == "claim")):
        if named.get(transfer.id, 0) != transfer.amount_fen:
            yield Difference(
                where=f"transfer {transfer.id}",
                what="claim: its vouchers",
                expected_fen=named.get(transfer.id, 0),
                found_fen=transfer.amount_fen,
            )


def _move_differences(session: Session) -> Iterable[Difference]:
    """Each kind of transfer moves between two kinds of account only."""
    kinds = {account.id: account.kind for account in queries.list_accounts(session)}
    for (kind, source, target), amount_fen in queries.transfers_by_kind(session).items():
        if (kinds[source], kinds[target]) != MOVES[kind]:  # type: ignore[index]  # a CHECK names them
            yield Difference(
                where=f"{source} → {target}",
                what=f"{kind} moves between other accounts",
                expected_fen=0,
                found_fen=amount_fen,
            )


def _sum_by_campaign(
    session: Session, campaign_column: object, amount_column: object, *where: object
) -> dict[str, int]:
    rows = session.execute(
        select(campaign_column, func.sum(amount_column)).where(*where).group_by(campaign_column)  # type: ignore[call-overload]
    )
    return {campaign_id: int(total) for campaign_id, total in rows}


def accounts_of_pots(fund_id: str, quarters: Iterable[str | None]) -> list[LedgerAccount]:
    """Return the accounts of a fund's pots: one pair for each quarter, or for the year."""
    return [
        LedgerAccount(
            id=pot_account(fund_id, quarter, kind), kind=kind, fund_id=fund_id, quarter=quarter
        )
        for quarter in quarters
        for kind in ("appropriated", "available")
    ]


def accounts_of_campaign(campaign: Campaign) -> list[LedgerAccount]:
    """Return the three accounts of a campaign."""
    return [
        LedgerAccount(
            id=campaign_account(campaign.id, kind),
            kind=kind,
            fund_id=campaign.fund_id,
            quarter=campaign.quarter,
            campaign_id=campaign.id,
        )
        for kind in ("committed", "locked", "spent")
    ]
