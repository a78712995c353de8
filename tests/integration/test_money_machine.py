"""Every service that moves money, in any order, on both databases: the books agree after each act.

`pytest --hypothesis-profile=long tests/integration/test_money_machine.py` looks for longer.
"""

from collections import Counter

import pytest
from apiflask import APIFlask
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.machine.endings import Endings
from tests.machine.month import ACTS, Month

LONG = settings.get_current_profile_name() == "long"
BOUNDED = settings(
    settings.get_profile("long") if LONG else settings.get_profile("default"),
    **({} if LONG else {"max_examples": 8, "stateful_step_count": 40, "derandomize": True}),
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate, Phase.shrink) if LONG else (Phase.generate,),  # shrinking takes minutes
)


class MoneyMachine(Month, Endings):
    """All rules over one city."""


@pytest.mark.timeout(0 if LONG else 300)
def test_the_books_agree_after_every_act_in_any_order(app: APIFlask) -> None:
    done: Counter[str] = Counter()
    machine = type("MoneyMachine", (MoneyMachine,), {"app": app, "done": done})
    usual = machine()
    try:
        usual.walk()
    finally:
        usual.teardown()
    assert sorted(ACTS - set(done)) == [], "what was not done was not proved"
    run_state_machine_as_test(machine, settings=BOUNDED)
