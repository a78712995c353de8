"""Rules of a scenic spot's gate: entries, undone ones, and the month's statement."""

from datetime import timedelta
from functools import partial

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from backend import clock
from backend.domain.entries import month_of
from backend.services import entries, entry_statements, payment_codes
from backend.storage.models.entries import Entry
from tests.entering import GATE, SPOT, gate
from tests.factories import new_request
from tests.machine.city import Ground, scarce
from tests.machine.invariants import all_rows
from tests.settling import with_account

PERSON, WHICH = st.integers(0, 3), st.integers(0, 7)
TICKETS = 6


class Gate(Ground):
    """What happens at the gate, and in its office when a month is over."""

    @initialize()
    def a_gate(self) -> None:
        scarce(GATE, {1: TICKETS}, person_per_natural_month=2)
        self.gatekeeper = gate(self.city)
        with_account(SPOT)

    @rule(person=PERSON, free=st.sampled_from((False, False, True)))
    def enter(self, person: int, free: bool) -> None:
        """An entry, recorded twice under one number."""
        resident_id, number = self.residents[person].id, new_request()
        code = self.act("code", lambda: payment_codes.issue(resident_id)).code
        let_in = partial(
            entries.record,
            clerk_id=self.gatekeeper.id,
            merchant_id=SPOT,
            request_id=number,
            code=code,
            already_free=free,
        )
        made, again = (self.act("enter", let_in) for _ in range(2))
        assert made is None or again.id == made.id

    @precondition(lambda self: self.done["enter"])
    @rule(which=WHICH, by_staff=st.booleans())
    def undo_entry(self, which: int, by_staff: bool) -> None:
        found = sorted(all_rows(Entry), key=lambda row: (row.entered_at, row.resident_id))
        if not found:
            return
        wrong = {"entry_id": found[which % len(found)].id, "reason": "扫错了人"}
        shop = None if by_staff else SPOT
        for _ in range(2):
            self.act("undo entry", lambda: entries.undo(**wrong, merchant_id=shop, actor="赵检票"))

    @rule(confirmed=st.sampled_from((True, True, False)))
    def state(self, confirmed: bool) -> None:
        """The statement of the month before, and what a second person says of it."""
        month = month_of(clock.today().replace(day=1) - timedelta(days=1))
        make = {"campaign_id": GATE, "month": month, "actor": "文旅局甲"}
        made = self.act("state", lambda: entry_statements.make(**make))
        if made is None:
            return
        step = {"statement_id": made.id, "actor": "文旅局乙"}
        if confirmed:
            self.act("confirm statement", lambda: entry_statements.confirm(**step))
        else:
            refuse = partial(entry_statements.refuse, **step, reason="人数不符")
            self.act("refuse statement", refuse)
