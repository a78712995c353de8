"""The fund report's figures: summed from the transfers before the end of a day alone."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import clock
from backend.domain.fund_reports import FIGURES, floor_lines
from backend.storage.models.campaigns import Campaign
from backend.storage.models.ledger import LedgerAccount
from backend.storage.models.programmes import Fund, Programme
from backend.storage.queries import fund_reports as queries
from backend.storage.queries import ledger as ledger_queries
from backend.storage.queries.fund_reports import Moved

Key = tuple[str, ...]  # ("fund", id), ("pot", fund, quarter), ("campaign", id), ("direct", …)
Sums = dict[Key, dict[str, int]]
WHOLE: Key = ("programme",)
# Which figure grows by a movement, and which shrinks; the balances come from the accounts.
GROWS = {
    "appropriation": "appropriated_fen",
    "refund": "refunded_fen",
    "expiry": "expired_fen",
}
SHRINKS = {"withdrawal": "appropriated_fen", "restoration": "expired_fen"}


def compute(session: Session, as_of: date) -> dict[str, Any]:
    """Return the figures at the end of a day, ready to be frozen: whole numbers and text only."""
    cut = clock.day_bounds(as_of)[1]
    modes = {c.id: c.mode for c in session.scalars(select(Campaign))}
    accounts = {account.id: account for account in ledger_queries.list_accounts(session)}
    sums: Sums = defaultdict(lambda: dict.fromkeys(FIGURES, 0))
    for moved in queries.moved_before(session, cut):
        _add_movement(sums, accounts, moved, modes)
    _add_units(session, sums, cut_units=queries.units_before(session, cut))
    for campaign_id, count in queries.claimed_before(session, cut).items():
        _add(sums, _keys_of_campaign(accounts, campaign_id), "units_claimed", count)
    for figures in sums.values():
        figures["unspent_fen"] = figures["appropriated_fen"] - figures["spent_fen"]
    rows = list(_rows(session, sums))
    programme = session.scalars(select(Programme)).one_or_none()
    return {
        "as_of": as_of.isoformat(),
        "programme": programme.name if programme else "",
        "lead_office": programme.lead_office if programme else "",
        "rows": rows,
        "floors": floor_lines(rows),
    }


def _add_movement(
    sums: Sums, accounts: dict[str, LedgerAccount], moved: Moved, modes: dict[str, str]
) -> None:
    source, target = accounts[moved.from_account_id], accounts[moved.to_account_id]
    for account, sign in ((source, -1), (target, 1)):
        if account.kind != "appropriated":
            field = f"{account.kind}_fen"
            _add(sums, _keys(account), field, sign * moved.amount_fen)
    own = source if source.campaign_id is not None else target
    keys = _keys(own)
    if moved.kind in GROWS:
        _add(sums, keys, GROWS[moved.kind], moved.amount_fen)
    elif moved.kind in SHRINKS:
        _add(sums, keys, SHRINKS[moved.kind], -moved.amount_fen)
    elif moved.kind in ("commitment", "return"):
        inner = source if source.kind == "committed" else target
        sign = 1 if moved.kind == "commitment" else -1
        _add(sums, _keys(inner)[:1], "appropriated_fen", sign * moved.amount_fen)
    elif moved.kind in ("redemption", "reversal", "spending"):
        sign = -1 if moved.kind == "reversal" else 1
        mode = modes.get(own.campaign_id or "", "")
        _add(sums, keys, _spent_as(moved, mode), sign * moved.amount_fen)
        if not moved.imported:
            _add(sums, keys, "units_used", sign * moved.transfers)


def _spent_as(moved: Moved, mode: str) -> str:
    """Return the figure that a movement into or out of `spent` belongs to."""
    if moved.imported:
        return "imported_fen"
    if moved.kind == "spending":
        return "entries_fen" if mode == "entry" else "subsidies_fen"
    return "instant_fen" if mode == "instant" else "vouchers_fen"


def _keys(account: LedgerAccount) -> list[Key]:
    """Return the rows an account counts in, the narrowest first."""
    pot: Key = ("pot", account.fund_id, account.quarter or "")
    above: list[Key] = [pot, ("fund", account.fund_id), WHOLE]
    if account.campaign_id is not None:
        return [("campaign", account.campaign_id), *above]
    if account.kind in ("committed", "spent"):
        return [("direct", account.fund_id, account.quarter or ""), *above]
    return above


def _keys_of_campaign(accounts: dict[str, LedgerAccount], campaign_id: str) -> list[Key]:
    return next(_keys(a) for a in accounts.values() if a.campaign_id == campaign_id)


def _add(sums: Sums, keys: list[Key], field: str, amount: int) -> None:
    for key in keys:
        sums[key][field] += amount


def _add_units(session: Session, sums: Sums, *, cut_units: dict[str, int]) -> None:
    """Count the units of campaigns that were approved by then; drafts have no money yet."""
    for campaign in session.scalars(select(Campaign)):
        if ("campaign", campaign.id) in sums:
            pot: Key = ("pot", campaign.fund_id, campaign.quarter or "")
            keys: list[Key] = [("campaign", campaign.id), pot, ("fund", campaign.fund_id), WHOLE]
            _add(sums, keys, "units", cut_units.get(campaign.id, 0))


def _rows(session: Session, sums: Sums) -> Iterator[dict[str, Any]]:
    """Yield the rows from the whole to the parts; each is the sum of those one step below it."""
    yield _row("programme", "", "合计", sums[WHOLE])
    for fund in session.scalars(select(Fund).order_by(Fund.id)):
        if ("fund", fund.id) not in sums:
            continue
        yield _row("fund", fund.id, fund.name, sums["fund", fund.id], fund_id=fund.id)
        floors = {quarter.quarter: quarter.floor_fen for quarter in fund.quarters}
        for quarter in (*sorted(floors), ""):
            key: Key = ("pot", fund.id, quarter)
            if key not in sums:
                continue
            of = {"fund_id": fund.id, "quarter": quarter, "floor_fen": floors.get(quarter, 0)}
            name = f"{fund.name} {quarter or '全年'}"
            yield _row("pot", f"{fund.id}/{quarter}", name, sums[key], **of)
            yield from _campaign_rows(session, sums, fund.id, quarter)


def _campaign_rows(
    session: Session, sums: Sums, fund_id: str, quarter: str
) -> Iterator[dict[str, Any]]:
    campaigns = session.scalars(
        select(Campaign)
        .where(Campaign.fund_id == fund_id, Campaign.quarter == (quarter or None))
        .order_by(Campaign.opens_at, Campaign.id)
    )
    of = {"fund_id": fund_id, "quarter": quarter}
    for campaign in campaigns:
        if ("campaign", campaign.id) in sums:
            figures = sums["campaign", campaign.id]
            yield _row("campaign", campaign.id, campaign.name, figures, mode=campaign.mode, **of)
    if ("direct", fund_id, quarter) in sums:
        figures = sums["direct", fund_id, quarter]
        yield _row("direct", f"{fund_id}/{quarter}", "未归入活动的补录支出", figures, **of)


def _row(kind: str, id_: str, name: str, figures: dict[str, int], **more: object) -> dict[str, Any]:
    rest = {"fund_id": "", "quarter": "", "mode": "", "floor_fen": 0} | more
    return {"kind": kind, "id": id_, "name": name, **rest, **figures}
