"""The states of a campaign."""

from typing import get_args

import pytest

from backend.domain.campaigns import (
    STATE_NAMES,
    TRANSITIONS,
    Act,
    ActNotPossible,
    State,
    next_state,
)

ALLOWED = {
    ("draft", "approve"): "approved",
    ("approved", "run"): "running",
    ("running", "pause"): "paused",
    ("paused", "resume"): "running",
    ("running", "stop"): "stopped",
    ("paused", "stop"): "stopped",
    ("running", "end"): "ended",
    ("paused", "end"): "ended",
}


@pytest.mark.parametrize("state", get_args(State))
@pytest.mark.parametrize("act", get_args(Act))
def test_an_act_is_possible_exactly_where_the_table_says(state: State, act: Act) -> None:
    if (state, act) in ALLOWED:
        assert next_state(state, act) == ALLOWED[state, act]
    else:
        with pytest.raises(ActNotPossible):
            next_state(state, act)


def test_every_act_and_state_is_known() -> None:
    assert set(TRANSITIONS) == set(get_args(Act))
    assert set(STATE_NAMES) == set(get_args(State))
