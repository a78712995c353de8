"""Settlement sheets with their lines and steps, and what is held."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime

from sqlalchemy import (
    func,
    select,
    update,
)
from sqlalchemy.orm import Session

from backend.domain.settlements import Line
from backend.storage.models.campaigns import Campaign
from backend.storage.models.merchants import Merchant
from backend.storage.models.orders import Order
from backend.storage.models.settlements import (
    SettlementHold,
    SettlementLine,
    SettlementSheet,
    SettlementStep,
)

READ_AHEAD = 2_000


def digest_texts(session: Session, sheet_id: str) -> Iterator[str]:
    """Yield kind, source, order and amount of each line in the order of their times."""
    rows = session.execute(
        select(
            SettlementLine.source_kind,
            SettlementLine.source_id,
            SettlementLine.order_id,
            SettlementLine.amount_fen,
        )
        .where(SettlementLine.sheet_id == sheet_id)
        .order_by(SettlementLine.occurred_at, SettlementLine.source_kind, SettlementLine.source_id),
        execution_options={"yield_per": READ_AHEAD},
    )
    for kind, source_id, order_id, amount_fen in rows:
        yield f"{kind}|{source_id}|{order_id}|{amount_fen}\n"


def sums_of(session: Session, sheet_id: str) -> tuple[int, int, date | None]:
    """Return a sheet's number of lines, their sum in fen, and the earliest day."""
    count, amount_fen, from_day = session.execute(
        select(
            func.count(),
            func.coalesce(func.sum(SettlementLine.amount_fen), 0),
            func.min(SettlementLine.business_day),
        ).where(SettlementLine.sheet_id == sheet_id)
    ).one()
    return int(count), int(amount_fen), from_day


def lock_merchant(session: Session, merchant_id: str) -> None:
    """Let one draft of a merchant work at a time; orders of the merchant go on."""
    session.execute(
        select(Merchant.id).where(Merchant.id == merchant_id).with_for_update(key_share=True)
    )


def next_number(session: Session, merchant_id: str, through_day: date) -> int:
    """Return how many sheets of a merchant end with a day, plus one."""
    count = session.scalar(
        select(func.count())
        .select_from(SettlementSheet)
        .where(
            SettlementSheet.merchant_id == merchant_id, SettlementSheet.through_day == through_day
        )
    )
    return int(count or 0) + 1


def lock_sheet(session: Session, sheet_id: str) -> SettlementSheet | None:
    """Return a sheet and hold it until the transaction's end, or None."""
    return session.scalar(
        select(SettlementSheet)
        .where(SettlementSheet.id == sheet_id)
        .with_for_update(of=SettlementSheet)
        .execution_options(populate_existing=True)
    )


def get_sheet(session: Session, sheet_id: str, merchant_id: str | None) -> SettlementSheet | None:
    """Return a sheet, if it is the merchant's; None for the merchant means anybody's."""
    query = select(SettlementSheet).where(SettlementSheet.id == sheet_id)
    if merchant_id is not None:
        query = query.where(SettlementSheet.merchant_id == merchant_id)
    return session.scalar(query)


def list_sheets(
    session: Session,
    *,
    merchant_id: str | None,
    states: Sequence[str],
    through_day: date | None,
    limit: int,
    offset: int = 0,
) -> list[SettlementSheet]:
    """Return sheets, the newest days first; `through_day` names the last day wanted."""
    query = select(SettlementSheet)
    if merchant_id is not None:
        query = query.where(SettlementSheet.merchant_id == merchant_id)
    if states:
        query = query.where(SettlementSheet.state.in_(states))
    if through_day is not None:
        query = query.where(SettlementSheet.through_day <= through_day)
    ordered = query.order_by(SettlementSheet.through_day.desc(), SettlementSheet.id.desc())
    return list(session.scalars(ordered.limit(limit).offset(offset)))


def change_state(session: Session, sheet_id: str, *, expected: str, state: str) -> bool:
    """Move a sheet from the state one expects; False when it was not so."""
    changed = session.scalar(
        update(SettlementSheet)
        .where(SettlementSheet.id == sheet_id, SettlementSheet.state == expected)
        .values(state=state)
        .execution_options(synchronize_session=False)
        .returning(SettlementSheet.id)
    )
    return changed is not None


def free_lines(session: Session, sheet_id: str, *, at: datetime) -> None:
    """Free a rejected sheet's lines for the next."""
    session.execute(
        update(SettlementLine)
        .where(SettlementLine.sheet_id == sheet_id, SettlementLine.freed_at.is_(None))
        .values(freed_at=at)
        .execution_options(synchronize_session=False)
    )


def list_steps(session: Session, sheet_id: str) -> list[SettlementStep]:
    """Return a sheet's steps in their order."""
    return list(
        session.scalars(
            select(SettlementStep)
            .where(SettlementStep.sheet_id == sheet_id)
            .order_by(SettlementStep.position)
        )
    )


def last_step(session: Session, sheet_id: str) -> SettlementStep | None:
    """Return a sheet's newest step."""
    return session.scalar(
        select(SettlementStep)
        .where(SettlementStep.sheet_id == sheet_id)
        .order_by(SettlementStep.position.desc())
        .limit(1)
    )


def read_lines(
    session: Session, sheet_id: str, *, limit: int | None = None, offset: int = 0
) -> Iterator[Line]:
    """Yield a sheet's lines in the order of their times; a page of them, or all with flat memory.

    The purchase's amount is the order's; what comes back has it too. A month of entries has the
    statement's number for an order, and its own sum for a purchase.
    """
    query = (
        select(
            SettlementLine.source_kind,
            SettlementLine.source_id,
            func.coalesce(SettlementLine.order_id, SettlementLine.source_id).label("order_id"),
            SettlementLine.campaign_id,
            Campaign.name.label("campaign_name"),
            SettlementLine.business_day,
            SettlementLine.occurred_at,
            func.coalesce(Order.order_amount_fen, SettlementLine.amount_fen).label(
                "order_amount_fen"
            ),
            SettlementLine.amount_fen,
        )
        .outerjoin(Order, Order.id == SettlementLine.order_id)
        .join(Campaign, Campaign.id == SettlementLine.campaign_id)
        .where(SettlementLine.sheet_id == sheet_id)
        .order_by(SettlementLine.occurred_at, SettlementLine.source_kind, SettlementLine.source_id)
        .limit(limit)
        .offset(offset or None)
    )
    for row in session.execute(query, execution_options={"yield_per": READ_AHEAD}):
        yield Line(**row._mapping)


def sums_by_day(session: Session, sheet_id: str) -> list[tuple[date, str, int, int]]:
    """Return (business day, campaign's name, lines, fen) of a sheet."""
    rows = session.execute(
        select(
            SettlementLine.business_day,
            Campaign.name,
            func.count(),
            func.sum(SettlementLine.amount_fen),
        )
        .join(Campaign, Campaign.id == SettlementLine.campaign_id)
        .where(SettlementLine.sheet_id == sheet_id)
        .group_by(SettlementLine.business_day, Campaign.id, Campaign.name)
        .order_by(SettlementLine.business_day, Campaign.id)
    )
    return [(day, name, int(count), int(amount_fen)) for day, name, count, amount_fen in rows]


def held_in(session: Session, sheet_id: str) -> list[str]:
    """Return the redemptions of a sheet that are held now."""
    return list(
        session.scalars(
            select(SettlementHold.redemption_id)
            .join(SettlementLine, SettlementLine.order_id == SettlementHold.redemption_id)
            .where(
                SettlementLine.sheet_id == sheet_id,
                SettlementLine.freed_at.is_(None),
                SettlementHold.released_at.is_(None),
            )
            .distinct()
            .order_by(SettlementHold.redemption_id)
        )
    )


def live_sheet_of(session: Session, redemption_id: str) -> str | None:
    """Return the sheet in which a redemption stands now, or None."""
    return session.scalar(
        select(SettlementLine.sheet_id).where(
            SettlementLine.source_kind == "redemption",
            SettlementLine.source_id == redemption_id,
            SettlementLine.freed_at.is_(None),
        )
    )


def list_holds(session: Session, *, open_only: bool) -> list[SettlementHold]:
    """Return holds, the oldest first."""
    query = select(SettlementHold).order_by(SettlementHold.held_at, SettlementHold.id)
    return list(
        session.scalars(query.where(SettlementHold.released_at.is_(None)) if open_only else query)
    )
