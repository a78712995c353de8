"""What settlement pays or takes back, and what of it stands in no sheet yet.

`_SOURCES` is the one place that says so. Money that comes back has a negative amount.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    func,
    insert,
    literal,
    null,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from backend.domain.settlements import SourceKind
from backend.storage.models.entries import EntryStatement
from backend.storage.models.orders import Redemption, Reversal
from backend.storage.models.refunds import Refund
from backend.storage.models.settlements import SettlementHold, SettlementLine

_COLUMNS = (
    "source_kind",
    "source_id",
    "order_id",
    "campaign_id",
    "business_day",
    "occurred_at",
    "amount_fen",
)


@dataclass(frozen=True, kw_only=True)
class _Source:
    """One kind of line: where it is kept, and what a sheet takes from it."""

    kind: SourceKind
    id: Any
    order_id: Any
    merchant_id: Any
    campaign_id: Any
    business_day: Any
    occurred_at: Any
    amount_fen: Any  # signed
    only: tuple[ColumnElement[bool], ...] = ()

    def open(self, *where: ColumnElement[bool], with_held: bool) -> Select[Any]:
        """Select what stands in no live sheet and, unless asked for, is not held."""
        settled = select(SettlementLine.sheet_id).where(
            SettlementLine.source_kind == self.kind,
            SettlementLine.source_id == self.id,
            SettlementLine.freed_at.is_(None),
        )
        held = select(SettlementHold.id).where(
            SettlementHold.redemption_id == self.order_id, SettlementHold.released_at.is_(None)
        )
        return select(
            literal(self.kind).label("source_kind"),
            self.id.label("source_id"),
            self.order_id.label("order_id"),
            self.campaign_id.label("campaign_id"),
            self.business_day.label("business_day"),
            self.occurred_at.label("occurred_at"),
            self.amount_fen.label("amount_fen"),
            self.merchant_id.label("merchant_id"),
        ).where(~settled.exists(), *([] if with_held else [~held.exists()]), *self.only, *where)


_SOURCES: tuple[_Source, ...] = (
    _Source(
        kind="redemption",
        id=Redemption.id,
        order_id=Redemption.id,
        merchant_id=Redemption.merchant_id,
        campaign_id=Redemption.campaign_id,
        business_day=Redemption.business_day,
        occurred_at=Redemption.redeemed_at,
        amount_fen=Redemption.discount_fen,
    ),
    _Source(
        kind="reversal",
        id=Reversal.id,
        order_id=Reversal.id,
        merchant_id=Reversal.merchant_id,
        campaign_id=Reversal.campaign_id,
        business_day=Reversal.business_day,
        occurred_at=Reversal.reversed_at,
        amount_fen=-Reversal.discount_fen,
    ),
    _Source(
        kind="entry",
        id=EntryStatement.id,
        order_id=null(),
        merchant_id=EntryStatement.merchant_id,
        campaign_id=EntryStatement.campaign_id,
        business_day=EntryStatement.through_day,
        occurred_at=EntryStatement.decided_at,
        amount_fen=EntryStatement.amount_fen,
        only=(EntryStatement.state == "confirmed",),
    ),
    _Source(
        kind="refund",
        id=Refund.id,
        order_id=Refund.order_id,
        merchant_id=Refund.merchant_id,
        campaign_id=Refund.campaign_id,
        business_day=Refund.business_day,
        occurred_at=Refund.refunded_at,
        amount_fen=-Refund.subsidy_fen,
        only=(Refund.subsidy_fen > 0,),  # a merchant owes nothing back of what the city did not pay
    ),
)


def _open(
    where: Callable[[_Source], Sequence[ColumnElement[bool]]] = lambda _: (),
    *,
    with_held: bool = False,
) -> Subquery:
    return union_all(
        *(source.open(*where(source), with_held=with_held) for source in _SOURCES)
    ).subquery("sources")


def list_owed(session: Session, *, through_day: date) -> list[tuple[str, int]]:
    """Return (merchant, fen) of all that is open up to a day, also zero and below, by merchant."""
    found = _open(lambda source: [source.business_day <= through_day])
    rows = session.execute(
        select(found.c.merchant_id, func.sum(found.c.amount_fen))
        .group_by(found.c.merchant_id)
        .order_by(found.c.merchant_id)
    )
    return [(merchant_id, int(amount_fen)) for merchant_id, amount_fen in rows]


def open_by_campaign(session: Session) -> dict[str, int]:
    """Return the fen that stand in no live sheet by campaign, held ones included."""
    found = _open(with_held=True)
    rows = session.execute(
        select(found.c.campaign_id, func.sum(found.c.amount_fen)).group_by(found.c.campaign_id)
    )
    return {campaign_id: int(amount_fen) for campaign_id, amount_fen in rows}


def add_lines(session: Session, *, sheet_id: str, merchant_id: str, through_day: date) -> None:
    """Put all that is open of a merchant up to a day into a sheet, in one statement.

    Raises IntegrityError when another sheet took one of them meanwhile.
    """
    found = _open(
        lambda source: [source.merchant_id == merchant_id, source.business_day <= through_day]
    )
    taken = select(literal(sheet_id), *(found.c[name] for name in _COLUMNS))
    session.execute(insert(SettlementLine).from_select(["sheet_id", *_COLUMNS], taken))
