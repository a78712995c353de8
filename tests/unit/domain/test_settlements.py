"""The order of a sheet's steps, and when a day may be settled."""

from datetime import date, datetime

import pytest

from backend.domain import settlements
from backend.domain.china import CHINA
from backend.domain.settlements import (
    MOVES,
    STATE_NAMES,
    SettlementDayOpen,
    SettlementStepNotPossible,
)


@pytest.mark.parametrize(("act", "role"), MOVES)
@pytest.mark.parametrize("state", STATE_NAMES)
def test_an_act_is_taken_from_its_states_and_refused_in_every_other(
    act: settlements.StepAct, role: settlements.Role, state: settlements.SheetState
) -> None:
    wanted, reached = MOVES[act, role]
    if state in wanted:
        assert settlements.next_state(act, role, state, sheet_id="S") == reached
        return
    with pytest.raises(SettlementStepNotPossible) as refused:
        settlements.next_state(act, role, state, sheet_id="S")
    assert refused.value.details["missing"]


def test_nothing_leads_out_of_paid_and_rejected() -> None:
    sources = {state for wanted, _ in MOVES.values() for state in wanted}
    assert sources == set(STATE_NAMES) - {"paid", "rejected"}


def test_a_day_is_settled_when_it_is_over() -> None:
    today = date(2023, 5, 2)
    settlements.refuse_open_day(date(2023, 5, 1), today=today)
    with pytest.raises(SettlementDayOpen):
        settlements.refuse_open_day(today, today=today)


def test_the_nightly_draft_is_due_from_half_past_midnight() -> None:
    at = datetime(2023, 5, 2, 0, 29, 59, tzinfo=CHINA)
    assert settlements.due_day(at) is None
    assert settlements.due_day(at.replace(minute=30, second=0)) == date(2023, 5, 1)
    assert settlements.due_day(at.replace(hour=23)) == date(2023, 5, 1)


def test_a_sheets_number_names_merchant_and_day() -> None:
    assert settlements.sheet_id("TJ0003", date(2023, 5, 2), 1) == "TJ0003-20230502-1"
