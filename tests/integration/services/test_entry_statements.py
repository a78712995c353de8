"""A month's statement: every entry once, two people, then a line of settlement."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest

from backend.clock import CHINA
from backend.domain import entries as rules
from backend.domain.errors import NotFound
from backend.domain.second_person import SecondPersonNeeded
from backend.services import entries, entry_statements, ledger, settlements
from backend.storage.models.entries import Entry, EntryStatement
from tests.entering import GATE, SPOT, TICKET_FEN, enter, gate, stated
from tests.factories import MAY, City, MovableClock, rows


def test_a_month_is_stated_with_its_counts_when_it_is_over(
    city: City, moment: MovableClock
) -> None:
    clerk, visitor = gate(city), city.resident()
    enter(clerk, visitor)
    entries.undo(entry_id=enter(clerk, city.resident()).id, reason="x", actor="test")
    with pytest.raises(rules.EntryMonthOpen):
        entry_statements.make(campaign_id=GATE, month="2023-04", actor="甲")
    statement = stated(city, moment, visitors=3)
    assert (statement.id, statement.state) == ("GATE-JJK-202304-1", "drafted")
    assert (statement.entry_count, statement.resident_count, statement.free_count) == (4, 4, 1)
    assert statement.amount_fen == 4 * TICKET_FEN
    again = entry_statements.make(campaign_id=GATE, month="2023-04", actor="乙")
    assert (again.id, again.made_by) == (statement.id, "文旅局甲")
    assert ledger.check().differences == ()


def test_a_month_ends_at_midnight_in_china(city: City, moment: MovableClock) -> None:
    clerk = gate(city)
    for at in (
        datetime(2023, 4, 30, 23, 59, 59, tzinfo=CHINA),
        datetime(2023, 5, 1, tzinfo=CHINA),
    ):
        moment.set(at)
        enter(clerk, city.resident())
    moment.set(datetime(2023, 6, 1, 0, 30, tzinfo=CHINA))
    april = entry_statements.make(campaign_id=GATE, month="2023-04", actor="甲")
    may = entry_statements.make(campaign_id=GATE, month="2023-05", actor="甲")
    assert (april.entry_count, may.entry_count) == (1, 1)


def test_nothing_to_state_and_no_such_campaign_are_refused(
    city: City, moment: MovableClock
) -> None:
    enter(gate(city), city.resident(), free=True)
    moment.move(days=4)
    with pytest.raises(rules.EntryStatementEmpty):
        entry_statements.make(campaign_id=GATE, month="2023-04", actor="甲")
    for campaign_id in (MAY, "NO-SUCH"):
        with pytest.raises(NotFound):
            entry_statements.make(campaign_id=campaign_id, month="2023-04", actor="甲")
    assert rows(EntryStatement) == []
    assert [entry.statement_id for entry in rows(Entry)] == [None]


def test_one_states_and_another_confirms_and_then_it_stands(
    city: City, moment: MovableClock
) -> None:
    statement = stated(city, moment)
    with pytest.raises(SecondPersonNeeded):
        entry_statements.confirm(statement_id=statement.id, actor=" 文旅局甲 ")
    for _ in range(2):
        done = entry_statements.confirm(statement_id=statement.id, actor="文旅局乙")
        assert done.state == "confirmed"
    with pytest.raises(rules.EntryStatementDecided):
        entry_statements.refuse(statement_id=statement.id, reason="x", actor="丙")
    entry = next(row for row in rows(Entry) if row.state == "counted")
    with pytest.raises(rules.EntryNotUndoable):
        entries.undo(entry_id=entry.id, reason="x", actor="李科员")
    with pytest.raises(NotFound):
        entry_statements.confirm(statement_id="GATE-JJK-202301-1", actor="乙")


def test_a_refused_statement_frees_its_entries_for_the_next(
    city: City, moment: MovableClock
) -> None:
    statement = stated(city, moment)
    entry_statements.refuse(statement_id=statement.id, reason="一人重复", actor="文旅局乙")
    wrong = next(row for row in rows(Entry) if row.state == "counted")
    entries.undo(entry_id=wrong.id, reason="一人重复", actor="文旅局甲")
    second = entry_statements.make(campaign_id=GATE, month="2023-04", actor="文旅局甲")
    assert (second.id, second.entry_count) == ("GATE-JJK-202304-2", 1)
    assert ledger.check().differences == ()


def test_stated_by_ten_at_once_a_month_has_one_statement(city: City, moment: MovableClock) -> None:
    clerk = gate(city)
    for _ in range(3):
        enter(clerk, city.resident())
    moment.move(days=4)

    def make(number: int) -> str:
        with city.app.app_context():
            made = entry_statements.make(campaign_id=GATE, month="2023-04", actor=f"甲{number}")
            return f"{made.id} {made.made_by}"

    with ThreadPoolExecutor(10) as pool:
        assert len(set(pool.map(make, range(10)))) == 1
    assert [row.entry_count for row in rows(EntryStatement)] == [3]


def test_a_confirmed_month_is_settled_once_with_the_spot(city: City, moment: MovableClock) -> None:
    statement = stated(city, moment)
    assert settlements.draft(actor="张经办").sheet_ids == ()
    entry_statements.confirm(statement_id=statement.id, actor="文旅局乙")
    (sheet_id,) = settlements.draft(actor="张经办").sheet_ids
    sheet = settlements.sheet_of(sheet_id)
    assert (sheet.merchant_id, sheet.amount_fen) == (SPOT, 2 * TICKET_FEN)
    (line,) = settlements.lines(sheet_id, page=1, page_size=10)
    assert (line.source_kind, line.order_id) == ("entry", statement.id)
    assert line.order_amount_fen == line.amount_fen == 2 * TICKET_FEN
    assert settlements.draft(actor="张经办").sheet_ids == ()
    assert ledger.check().differences == ()
    settlements.reject(sheet_id=sheet_id, role="bureau", actor="李科长", reason="x")
    assert ledger.check().differences == ()
    assert len(settlements.draft(actor="张经办").sheet_ids) == 1
