"""How the programme does (成效分析): money against plan, funnel, pull-through, hours, merchants.

Sums over some days, China's, both included. Nothing is kept: each call reads what SQL has now.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from backend import clock
from backend.domain import analytics as domain
from backend.domain.analytics import BurnDay, ShopSums
from backend.extensions import db
from backend.storage.models.campaigns import Campaign
from backend.storage.models.ledger import LedgerAccount
from backend.storage.models.merchants import Merchant
from backend.storage.models.programmes import Domain, Fund
from backend.storage.queries import analytics as queries
from backend.storage.queries.analytics import Sold

HOURS = range(24)
WEEKDAYS = range(1, 8)  # 1 is Monday


@dataclass(frozen=True, kw_only=True)
class Burn:
    """A budget's days, as far as they have come.

    At their pace it is empty on `empty_on`; its last campaign ends on `ends_on`.
    """

    budget_fen: int
    days: Sequence[BurnDay]
    empty_on: date | None
    ends_on: date | None

    @property
    def left_fen(self) -> int:
        """What was left at the end of the last day."""
        return self.days[-1].left_fen if self.days else self.budget_fen

    @property
    def warning_fen(self) -> int:
        """Below this it is soon gone."""
        return self.budget_fen * domain.WARNING_PERCENT // 100

    @property
    def runs_out(self) -> bool:
        """Whether it is nearly gone, or will be before its last campaign has ended."""
        if not self.budget_fen:
            return False
        if self.empty_on and self.ends_on and self.empty_on < self.ends_on:
            return True
        return self.left_fen <= self.warning_fen


@dataclass(frozen=True, kw_only=True)
class Stage:
    """How far a campaign's units came: issued in all, claimed, used and settled in the days."""

    campaign_id: str
    name: str
    mode: str
    issued: int
    claimed: int
    used: int
    settled: int


@dataclass(frozen=True, kw_only=True)
class Pull:
    """What a campaign's subsidy has sold in one domain. Amounts in fen, net of refunds."""

    campaign: str
    domain: str
    redemptions: int
    sales_fen: int
    subsidy_fen: int


@dataclass(frozen=True, kw_only=True)
class Hour:
    """Redemptions in one hour of the day, from Monday to Sunday."""

    hour: int
    counts: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class ShopRow:
    """A merchant's sums, all merchants' subsidy, and why somebody should look at it, in words."""

    sums: ShopSums
    name: str
    domain: str
    total_fen: int
    oddities: Sequence[str]


def burn_down(since: date, through: date, *, fund_id: str = "") -> Burn:
    """Return what is left of a fund, or of all funds, day by day against the plan."""
    session = db.session()
    through = min(through, clock.today())
    wanted = select(Fund)
    funds = list(session.scalars(wanted.where(Fund.id == fund_id) if fund_id else wanted))
    names = [fund.id for fund in funds]
    campaigns = list(session.scalars(select(Campaign).where(Campaign.fund_id.in_(names))))
    year = min((c.opens_at.year for c in campaigns), default=through.year)
    pots = [
        pot
        for fund in funds
        for pot in domain.pots_of(
            year,
            {q.quarter: q.ceiling_fen for q in fund.quarters},
            fund.amount_fen - fund.in_quarters_fen,
        )
    ]
    spent = session.scalars(
        select(LedgerAccount.id).where(
            LedgerAccount.kind == "spent", LedgerAccount.fund_id.in_(names)
        )
    )
    before = clock.day_bounds(through)[1]
    by_day = queries.spent_by_day(session, list(spent), before=before)
    days = domain.burn_down(pots, by_day, since=since, through=through)
    return Burn(
        budget_fen=sum(fund.amount_fen for fund in funds),
        days=days,
        empty_on=domain.empty_on(days),
        ends_on=max((c.ends_at.date() for c in campaigns), default=None),
    )


def funnel(since: date, through: date) -> list[Stage]:
    """Return every approved campaign's units, by kind and opening.

    A voucher counts where it was claimed, used and settled, an entry where it was recorded; a
    subsidy counts by the day it was applied for.
    """
    session, span = db.session(), (since, through)
    begin, end = clock.day_bounds(since)[0], clock.day_bounds(through)[1]
    entries = queries.entries(session, span)
    issued = queries.issued(session)
    claimed = queries.claimed(session, begin, end) + entries
    used = queries.redeemed(session, span) + entries + queries.granted(session, begin, end)
    settled = queries.settled(session, span) + queries.paid_subsidies(session, begin, end)
    campaigns = session.scalars(
        select(Campaign)
        .where(Campaign.state != "draft")
        .order_by(Campaign.mode, Campaign.opens_at, Campaign.id)
    )
    return [
        Stage(
            campaign_id=c.id,
            name=c.name,
            mode=c.mode,
            issued=issued[c.id],
            claimed=claimed[c.id],
            used=used[c.id],
            settled=settled[c.id],
        )
        for c in campaigns
    ]


def pull_through(since: date, through: date) -> list[Pull]:
    """Return sales against subsidy by campaign and domain of the merchants, the largest first."""
    session = db.session()
    domain_of = {shop.id: shop.domain_id for shop in session.scalars(select(Merchant))}
    sums: dict[tuple[str, str], Sold] = {}
    for (campaign_id, merchant_id), found in _sold(since, through).items():
        place = (campaign_id, domain_of[merchant_id])
        sums[place] = sums.get(place, Sold()).plus(found)
    campaigns = {found.id: found.name for found in session.scalars(select(Campaign))}
    domains = {found.id: found.name for found in session.scalars(select(Domain))}
    rows = [
        Pull(
            campaign=campaigns[campaign_id],
            domain=domains[domain_id],
            redemptions=found.redemptions,
            sales_fen=found.sales_fen,
            subsidy_fen=found.subsidy_fen,
        )
        for (campaign_id, domain_id), found in sums.items()
    ]
    return sorted(rows, key=lambda row: (-row.subsidy_fen, row.campaign, row.domain))


def hours(since: date, through: date) -> list[Hour]:
    """Return the redemptions of each hour by weekday."""
    counts = queries.by_weekday_and_hour(db.session(), (since, through))
    return [
        Hour(hour=hour, counts=tuple(counts.get((weekday, hour), 0) for weekday in WEEKDAYS))
        for hour in HOURS
    ]


def merchants(since: date, through: date) -> list[ShopRow]:
    """Return the merchants that redeemed anything, the most subsidised first."""
    session = db.session()
    shops = {shop.id: shop for shop in session.scalars(select(Merchant))}
    sums: dict[str, Sold] = {}
    for (_, merchant_id), found in _sold(since, through).items():
        sums[merchant_id] = sums.get(merchant_id, Sold()).plus(found)
    rows = [
        ShopSums(
            merchant_id=merchant_id,
            domain_id=shops[merchant_id].domain_id,
            redemptions=found.redemptions,
            night_redemptions=found.night,
            refunds=found.refunds,
            sales_fen=found.sales_fen,
            subsidy_fen=found.subsidy_fen,
        )
        for merchant_id, found in sums.items()
    ]
    domains = {found.id: found.name for found in session.scalars(select(Domain))}
    odd, total_fen = domain.oddities(rows), sum(row.subsidy_fen for row in rows)
    return [
        ShopRow(
            sums=row,
            name=shops[row.merchant_id].name,
            domain=domains[row.domain_id],
            total_fen=total_fen,
            oddities=odd.get(row.merchant_id, ()),
        )
        for row in sorted(rows, key=lambda row: (-row.subsidy_fen, row.merchant_id))
    ]


def _sold(since: date, through: date) -> dict[tuple[str, str], Sold]:
    return queries.sold(db.session(), (since, through), night_until_hour=domain.NIGHT_UNTIL_HOUR)
