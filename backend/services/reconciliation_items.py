"""The work list of reconciliation (差异处理): explained by one, and where money differs resolved by
another (plan: 规范资金使用)."""

from datetime import date

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from backend import clock
from backend.domain.errors import NotFound
from backend.domain.reconciliation import (
    WITHOUT_MONEY,
    ItemState,
    ReconciliationItemNotOpen,
    checked_reason,
)
from backend.domain.second_person import refuse_own_work
from backend.extensions import db
from backend.services import audit
from backend.services.reconciliation import FIGURES, event
from backend.storage.models.reconciliation import ReconciliationEvent, ReconciliationItem
from backend.storage.sql import transaction


def list_items(
    *, states: tuple[ItemState, ...], file_id: int | None = None, day: date | None = None
) -> list[ReconciliationItem]:
    """Return differences in some states, the oldest day first."""
    query = (
        select(ReconciliationItem)
        .where(ReconciliationItem.state.in_(states))
        .order_by(ReconciliationItem.day, ReconciliationItem.id)
    )
    if file_id is not None:
        query = query.where(ReconciliationItem.file_id == file_id)
    if day is not None:
        query = query.where(ReconciliationItem.day == day)
    return list(db.session.scalars(query))


def get(item_id: int) -> ReconciliationItem:
    """Return a difference, or raise NotFound."""
    return _get(db.session(), item_id)


def history(item_id: int) -> list[ReconciliationEvent]:
    """Return a difference's steps in their order."""
    _get(db.session(), item_id)
    return list(
        db.session.scalars(
            select(ReconciliationEvent)
            .where(ReconciliationEvent.item_id == item_id)
            .order_by(ReconciliationEvent.id)
        )
    )


def explain(item_id: int, *, reason: str, actor: str) -> ReconciliationItem:
    """Say why a difference is there; the same words of the same person again change nothing.

    A difference without money is resolved by that, one of money waits for a second person.
    """
    reason = checked_reason(reason)
    with transaction() as session:
        item = _get(session, item_id)
        after: ItemState = "resolved" if item.result in WITHOUT_MONEY else "explained"
        if (item.state, item.reason, item.explained_by) == (after, reason, actor):
            return item
        _change(
            session,
            item,
            expected="open",
            state=after,
            note=reason,
            actor=actor,
            reason=reason,
            explained_by=actor,
        )
    return item


def resolve(item_id: int, *, actor: str) -> ReconciliationItem:
    """Agree with a colleague's explanation of a difference of money (复核).

    :raises SecondPersonNeeded: whoever explained it
    """
    with transaction() as session:
        item = _get(session, item_id)
        if (item.state, item.resolved_by) == ("resolved", actor):
            return item
        if item.explained_by is not None:
            refuse_own_work(made_by=item.explained_by, checked_by=actor)
        _change(
            session,
            item,
            expected="explained",
            state="resolved",
            note="agreed",
            actor=actor,
            resolved_by=actor,
        )
    return item


def reopen(item_id: int, *, reason: str, actor: str) -> ReconciliationItem:
    """Send an explanation back: it does not convince, or was wrong after all."""
    reason = checked_reason(reason)
    with transaction() as session:
        item = _get(session, item_id)
        if item.state not in ("explained", "resolved"):
            raise ReconciliationItemNotOpen(f"item {item_id} is {item.state}")
        _change(
            session,
            item,
            expected=item.state,
            state="open",
            note=reason,
            actor=actor,
            reason=None,
            explained_by=None,
            resolved_by=None,
        )
    return item


def _get(session: Session, item_id: int) -> ReconciliationItem:
    item = session.get(ReconciliationItem, item_id)
    if item is None:
        raise NotFound(f"reconciliation item {item_id}")
    return item


def _change(
    session: Session,
    item: ReconciliationItem,
    *,
    expected: str,
    state: ItemState,
    note: str,
    actor: str,
    **values: str | None,
) -> None:
    """Change an item that is still as it was read: nobody's explanation covers other figures."""
    changed = session.execute(
        update(ReconciliationItem)
        .where(
            ReconciliationItem.id == item.id,
            ReconciliationItem.state == expected,
            *(
                getattr(ReconciliationItem, name).is_not_distinct_from(getattr(item, name))
                for name in FIGURES
            ),
            ReconciliationItem.explained_by.is_not_distinct_from(item.explained_by),
        )
        .values(state=state, **values)
        .returning(ReconciliationItem.id)
    ).all()
    if not changed:
        raise ReconciliationItemNotOpen(f"item {item.id} is {item.state}")
    session.add(event(item.id, state=state, note=note, actor=actor, at=clock.now()))
    audit.record(
        session,
        actor=actor,
        action=f"reconciliation.{state}",
        subject=f"reconciliation_item:{item.id}",
        note=note,
    )
    session.flush()
    session.refresh(item)
