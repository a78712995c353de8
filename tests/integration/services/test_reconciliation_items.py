"""The work list: explained by one person, and money resolved by another."""

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from backend.domain.errors import NotFound
from backend.domain.reconciliation import ReasonNeeded, ReconciliationItemNotOpen
from backend.domain.second_person import SecondPersonNeeded
from backend.extensions import db
from backend.services import reconciliation, reconciliation_items
from backend.storage.models.audit import AuditEntry
from backend.storage.models.reconciliation import (
    OutsideFile,
    ReconciliationEvent,
    ReconciliationItem,
)
from backend.storage.sql import transaction
from tests.bank_details import compare_unknown_line_of_yesterday, detail, line, take_detail
from tests.factories import City, MovableClock, rows
from tests.integration.services.budget_parts import race


@pytest.fixture
def item(city: City) -> ReconciliationItem:
    """A payment that the bank has and we have not."""
    compare_unknown_line_of_yesterday()
    found: ReconciliationItem = rows(ReconciliationItem)[0]
    db.session.expunge_all()  # each test reads it anew; these are its figures of before
    return found


def explain(item: ReconciliationItem, reason: str = "银行测试交易") -> ReconciliationItem:
    return reconciliation_items.explain(item.id, reason=reason, actor="李会计")


def without_money(item: ReconciliationItem) -> None:
    with transaction() as session:
        session.execute(update(ReconciliationItem).values(result="detail_differs", differs="day"))


def test_money_is_explained_by_one_and_resolved_by_another(item: ReconciliationItem) -> None:
    explained = explain(item)
    assert (explained.state, explained.reason) == ("explained", "银行测试交易")
    for same in ("李会计", " 李会计 "):
        with pytest.raises(SecondPersonNeeded):
            reconciliation_items.resolve(item.id, actor=same)
    resolved = reconciliation_items.resolve(item.id, actor="王科长")
    assert (resolved.state, resolved.resolved_by) == ("resolved", "王科长")
    steps = [(e.state, e.actor) for e in reconciliation_items.history(item.id)]
    assert steps == [
        ("open", "reconciliation"),
        ("explained", "李会计"),
        ("resolved", "王科长"),
    ]
    audited = [e.action for e in rows(AuditEntry) if e.subject.startswith("reconciliation_item")]
    assert audited == ["reconciliation.explained", "reconciliation.resolved"]


def test_an_explanation_never_covers_figures_that_change_at_this_moment(
    city: City, item: ReconciliationItem
) -> None:
    """As a comparison does it: the figures are moved, and the commit comes a moment later."""
    if db.engine.dialect.name != "postgresql":
        return  # on SQLite a writer reads after the one before has committed
    with db.engine.connect() as comparing, ThreadPoolExecutor(1) as pool:
        comparing.execute(update(ReconciliationItem).values(their_fen=9_900))
        found = pool.submit(race, city.app, [partial(explain, item)])
        with pytest.raises(TimeoutError):
            found.result(timeout=0.5)
        comparing.commit()
        assert found.result(timeout=10) == ["reconciliation_item_not_open"]
    assert rows(ReconciliationItem)[0].state == "open"


def test_without_money_an_explanation_is_enough(item: ReconciliationItem) -> None:
    without_money(item)
    assert explain(item).state == "resolved"


def test_the_database_refuses_money_resolved_by_one_person(item: ReconciliationItem) -> None:
    explain(item)
    with pytest.raises(IntegrityError), transaction() as session:
        session.execute(update(ReconciliationItem).values(state="resolved", resolved_by="李会计"))


def test_the_same_act_again_changes_nothing_and_another_is_refused(
    item: ReconciliationItem,
) -> None:
    explain(item)
    explain(item)
    with pytest.raises(ReconciliationItemNotOpen):
        explain(item, "别的原因")
    reconciliation_items.resolve(item.id, actor="王科长")
    reconciliation_items.resolve(item.id, actor="王科长")
    assert len(reconciliation_items.history(item.id)) == 3
    with pytest.raises(ReconciliationItemNotOpen):
        reconciliation_items.resolve(item.id, actor="赵科长")


def test_what_nobody_explained_cannot_be_resolved(item: ReconciliationItem) -> None:
    with pytest.raises(ReconciliationItemNotOpen):
        reconciliation_items.resolve(item.id, actor="王科长")
    with pytest.raises(ReasonNeeded):
        explain(item, " ")


def test_an_explanation_that_does_not_convince_goes_back(item: ReconciliationItem) -> None:
    with pytest.raises(ReconciliationItemNotOpen):
        reconciliation_items.reopen(item.id, reason="依据不足", actor="王科长")
    explain(item)
    again = reconciliation_items.reopen(item.id, reason="依据不足", actor="王科长")
    assert (again.state, again.reason, again.explained_by) == ("open", None, None)
    assert explain(item, "附银行回函").state == "explained"


def test_a_resolved_difference_stays_so_until_its_figures_change(
    item: ReconciliationItem, moment: MovableClock
) -> None:
    explain(item)
    reconciliation_items.resolve(item.id, actor="王科长")
    file = rows(OutsideFile)[0]
    reconciliation.run(file.id)
    assert rows(ReconciliationItem)[0].state == "resolved"
    higher = {"订单金额": "130.00", "实付金额": "100.00", "交易日期时间": f"{file.day} 10:01:00"}
    second = take_detail(
        detail([line(**higher)]), name=file.name, day=file.day, replaces=file.id, reason="更正"
    )
    reconciliation.run(second.file.id)
    found = rows(ReconciliationItem)[0]
    assert (found.state, found.their_fen, found.reason) == ("open", 13_000, None)


def test_ten_explanations_at_once_are_one(city: City, item: ReconciliationItem) -> None:
    outcomes: list[str] = []

    def act(n: int) -> None:
        with city.app.app_context():
            try:
                reconciliation_items.explain(item.id, reason=f"原因 {n}", actor=f"会计 {n}")
                outcomes.append("done")
            except ReconciliationItemNotOpen:
                outcomes.append("refused")

    threads = [threading.Thread(target=act, args=(n,)) for n in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["done", *["refused"] * 9]
    assert len(rows(ReconciliationEvent)) == 2


def test_the_list_tells_states_files_and_days_apart(item: ReconciliationItem) -> None:
    listed = reconciliation_items.list_items
    assert [i.id for i in listed(states=("open",))] == [item.id]
    assert listed(states=("resolved",)) == []
    assert [i.id for i in listed(states=("open",), file_id=item.file_id, day=item.day)] == [item.id]
    assert listed(states=("open",), file_id=item.file_id + 1) == []
    with pytest.raises(NotFound):
        reconciliation_items.history(item.id + 1)
    with pytest.raises(NotFound):
        reconciliation_items.resolve(item.id + 1, actor="王科长")
