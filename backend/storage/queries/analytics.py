"""Sums over claims, redemptions and settlement by day, hour, campaign and merchant.

They read committed rows only, so a replica of the database may answer them. Days are China's,
both ends included.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Date, Select, Time, case, cast, func, literal_column, select
from sqlalchemy.orm import Session

from backend.storage.models.campaigns import Tier
from backend.storage.models.entries import Entry, EntryStatement
from backend.storage.models.ledger import Transfer
from backend.storage.models.orders import Redemption, Reversal
from backend.storage.models.refunds import Refund
from backend.storage.models.settlements import SettlementLine, SettlementSheet
from backend.storage.models.subsidies import Subsidy, SubsidyPayoutLine
from backend.storage.models.vouchers import Voucher

Shop = tuple[str, str]  # campaign, merchant
Span = tuple[date, date]
_PAID = "paid"


def spent_by_day(session: Session, accounts: Sequence[str], *, before: datetime) -> dict[date, int]:
    """Return what came into accounts of spent money less what left them, by day, in fen."""
    day = func.date(_in_china(session, Transfer.at), type_=Date)
    found: Counter[date] = Counter()
    for column, kinds, sign in (
        (Transfer.to_account_id, ("redemption", "spending"), 1),
        (Transfer.from_account_id, ("refund", "reversal"), -1),
    ):
        rows = session.execute(
            select(day.label("day"), func.sum(Transfer.amount_fen))
            .where(column.in_(accounts), Transfer.kind.in_(kinds), Transfer.at < before)
            .group_by("day")
        )
        for at, amount_fen in rows:
            found[at] += sign * int(amount_fen)
    return dict(found)


def issued(session: Session) -> dict[str, int]:
    """Return the units of each campaign."""
    return _counts(
        session, select(Tier.campaign_id, func.sum(Tier.count)).group_by(Tier.campaign_id)
    )


def claimed(session: Session, since: datetime, before: datetime) -> Counter[str]:
    """Return vouchers claimed and subsidies applied for, by campaign."""
    vouchers = (
        select(Voucher.campaign_id, func.count())
        .where(Voucher.claimed_at >= since, Voucher.claimed_at < before)
        .where(Voucher.status != "returned")
        .group_by(Voucher.campaign_id)
    )
    return _counts(session, vouchers) + _subsidies(session, since, before)


def granted(session: Session, since: datetime, before: datetime) -> Counter[str]:
    """Return the subsidies of those applied for that were granted, by campaign."""
    return _subsidies(session, since, before, Subsidy.state == "granted")


def paid_subsidies(session: Session, since: datetime, before: datetime) -> Counter[str]:
    """Return the subsidies of those applied for that the bank has paid, by campaign."""
    was_paid = Subsidy.id.in_(
        select(SubsidyPayoutLine.subsidy_id).where(SubsidyPayoutLine.state == _PAID)
    )
    return _subsidies(session, since, before, was_paid)


def entries(session: Session, span: Span) -> Counter[str]:
    """Return the counted entries by campaign."""
    return _counts(
        session,
        select(Entry.campaign_id, func.count())
        .where(Entry.state == "counted", Entry.business_day.between(*span))
        .group_by(Entry.campaign_id),
    )


def redeemed(session: Session, span: Span) -> Counter[str]:
    """Return the redemptions that were not undone, by campaign."""
    made = _counts(
        session,
        select(Redemption.campaign_id, func.count())
        .where(Redemption.business_day.between(*span))
        .group_by(Redemption.campaign_id),
    )
    made.subtract(
        _counts(
            session,
            select(Reversal.campaign_id, func.count())
            .where(Reversal.business_day.between(*span))
            .group_by(Reversal.campaign_id),
        )
    )
    return made


def settled(session: Session, span: Span) -> Counter[str]:
    """Return the redemptions and entries of these days that merchants were paid, by campaign."""
    paid = select(SettlementSheet.id).where(SettlementSheet.state == _PAID)
    live = (
        SettlementLine.sheet_id.in_(paid),
        SettlementLine.freed_at.is_(None),
        SettlementLine.business_day.between(*span),
    )
    sign = case((SettlementLine.source_kind == "reversal", -1), else_=1)
    found = _counts(
        session,
        select(SettlementLine.campaign_id, func.sum(sign))
        .where(SettlementLine.source_kind.in_(("redemption", "reversal")), *live)
        .group_by(SettlementLine.campaign_id),
    )
    found.update(
        _counts(
            session,
            select(SettlementLine.campaign_id, func.sum(EntryStatement.entry_count))
            .join(EntryStatement, EntryStatement.id == SettlementLine.source_id)
            .where(SettlementLine.source_kind == "entry", *live)
            .group_by(SettlementLine.campaign_id),
        )
    )
    return found


class Sold(NamedTuple):
    """Sums of one campaign at one merchant; what was undone or given back counts negative."""

    redemptions: int = 0
    night: int = 0
    refunds: int = 0
    sales_fen: int = 0
    subsidy_fen: int = 0

    def plus(self, other: "Sold") -> "Sold":
        """Return the sums of both."""
        return Sold(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


def sold(session: Session, span: Span, *, night_until_hour: int) -> dict[Shop, Sold]:
    """Return what was redeemed by campaign and merchant; a refund counts on its own day."""
    is_night = _time_in_china(session, Redemption.redeemed_at) < time(night_until_hour)
    by_night = func.sum(case((is_night, 1), else_=0))
    found: dict[Shop, Sold] = {}
    made: Select[*tuple[Any, ...]] = (
        select(
            Redemption.campaign_id,
            Redemption.merchant_id,
            func.count(),
            by_night,
            literal_column("0"),
            func.sum(Redemption.order_amount_fen),
            func.sum(Redemption.discount_fen),
        )
        .where(Redemption.business_day.between(*span))
        .group_by(Redemption.campaign_id, Redemption.merchant_id)
    )
    undone: Select[*tuple[Any, ...]] = (
        select(
            Redemption.campaign_id,
            Redemption.merchant_id,
            -func.count(),
            -by_night,
            literal_column("0"),
            -func.sum(Redemption.order_amount_fen),
            -func.sum(Redemption.discount_fen),
        )
        .join(Reversal, Reversal.id == Redemption.id)
        .where(Reversal.business_day.between(*span))
        .group_by(Redemption.campaign_id, Redemption.merchant_id)
    )
    given_back: Select[*tuple[Any, ...]] = (
        select(
            Refund.campaign_id,
            Refund.merchant_id,
            literal_column("0"),
            literal_column("0"),
            func.count(),
            -func.sum(Refund.refund_amount_fen),
            -func.sum(Refund.subsidy_fen),
        )
        .where(Refund.business_day.between(*span))
        .group_by(Refund.campaign_id, Refund.merchant_id)
    )
    for statement in (made, undone, given_back):
        for campaign_id, merchant_id, *sums in session.execute(statement):
            shop = (campaign_id, merchant_id)
            found[shop] = found.get(shop, Sold()).plus(Sold(*map(int, sums)))
    return found


def by_weekday_and_hour(session: Session, span: Span) -> Counter[tuple[int, int]]:
    """Return redemptions by weekday (1 is Monday) and hour, those undone later included."""
    hour = func.strftime("%Y-%m-%d %H:00", _in_china(session, Redemption.redeemed_at))
    if session.get_bind().dialect.name == "postgresql":
        # Weekdays of a few hundred hours are found here, of a million rows they would be slow.
        hour = func.date_trunc("hour", _in_china(session, Redemption.redeemed_at))
    rows = session.execute(
        select(hour.label("hour"), func.count())
        .where(Redemption.business_day.between(*span))
        .group_by("hour")
    )
    found: Counter[tuple[int, int]] = Counter()
    for at, count in rows:
        moment = datetime.fromisoformat(at) if isinstance(at, str) else at
        found[moment.isoweekday(), moment.hour] += int(count)
    return found


def _subsidies(session: Session, since: datetime, before: datetime, *where: Any) -> Counter[str]:
    return _counts(
        session,
        select(Subsidy.campaign_id, func.count())
        .where(Subsidy.created_at >= since, Subsidy.created_at < before)
        .where(Subsidy.state != "draft", *where)
        .group_by(Subsidy.campaign_id),
    )


def _counts(session: Session, statement: Any) -> Counter[str]:
    return Counter({name: int(count) for name, count in session.execute(statement)})


def _in_china(session: Session, column: Any) -> ColumnElement[Any]:
    """Return a time as China's clocks show it; the zone is spelt out, as a group wants it."""
    if session.get_bind().dialect.name == "sqlite":
        return func.datetime(column, literal_column("'+8 hours'"))
    return func.timezone(literal_column("interval '8 hours'"), column)


def _time_in_china(session: Session, column: Any) -> ColumnElement[Any]:
    at = _in_china(session, column)
    if session.get_bind().dialect.name == "sqlite":
        return func.strftime("%H:%M:%S.000000", at, type_=Time)
    return cast(at, Time)
