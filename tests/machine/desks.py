"""Rules of the offices and the night: writing, expiry, recycling, sheets, payouts, budgets."""

from datetime import timedelta
from functools import partial

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from sqlalchemy import select

from backend import clock
from backend.extensions import db
from backend.services import (
    budgets,
    campaigns,
    payout_returns,
    payouts,
    recycling,
    settlement_holds,
    settlements,
    vouchers,
)
from backend.storage.models.payouts import PayoutLine
from backend.storage.models.settlements import SettlementHold
from tests.factories import drain
from tests.integration.services import budget_parts
from tests.machine.city import UNITS, Ground
from tests.settling import answer

WHICH = st.integers(0, 7)
OPEN_SHEETS = ("drafted", "bureau_approved", "finance_approved")
ANSWERS = (("paid", "paid"), ("paid", "failed"), ("failed", "paid"), ("paid", "skip"))


class Desks(Ground):
    """What happens in offices, and at night."""

    @rule()
    def writer(self) -> None:
        self.act("drain", drain)

    @rule(days=st.sampled_from((*[1] * 11, 8)), by_job=st.booleans())
    def nights(self, days: int, by_job: bool) -> None:
        """Days pass, of the seven that a voucher is valid for; in the morning come the sheets."""
        self.moment.set(clock.day_bounds(clock.today())[1] + timedelta(days=days - 1, minutes=40))
        self.act("expire", vouchers.expire_due)
        self.act("recycle", recycling.recycle_due)
        self.act("end", campaigns.end_due)
        if by_job:
            self.act("draft due", settlements.draft_due)
        else:
            self.act("draft", lambda: settlements.draft(actor="张经办"))

    @precondition(lambda self: self.seen["sheet"])
    @rule(which=WHICH, rejected=st.sampled_from((False, False, False, True)))
    def next_steps(self, which: int, rejected: bool) -> None:
        """Bureau, and finance after it; or back with it."""
        self._next_step(which, False)
        self._next_step(which, rejected)

    def _next_step(self, which: int, rejected: bool) -> None:
        sheets = settlements.sheets(states=OPEN_SHEETS)
        if not sheets:
            return
        sheet = sheets[which % len(sheets)]
        first = sheet.state == "drafted"
        role, actor = ("bureau", "李科长") if first else ("finance", "王财政")
        step = {"sheet_id": sheet.id, "role": role}
        if rejected:
            do = partial(settlements.reject, **step, reason="核对不符", actor="孙主任")
        else:
            do = partial(settlements.approve, **step, actor=actor)
        self.act("reject" if rejected else f"approve {role}", do)

    @precondition(lambda self: self.seen["redeemed"])
    @rule(which=WHICH)
    def hold_or_let_go(self, which: int) -> None:
        """Let go what is held, or hold a redemption."""
        held = select(SettlementHold.id).where(SettlementHold.released_at.is_(None))
        number = db.session.scalar(held)
        if number is not None:
            step = {"hold_id": number, "reason": "已核实", "actor": "吴主任"}
            self.act("let go", lambda: settlement_holds.release(**step))
            return
        found = self.orders("redeemed")
        step = {"redemption_id": found[which % len(found)].id, "reason": "核查", "actor": "周核查"}
        number = self.next("H")
        self.act("hold", lambda: settlement_holds.hold(hold_id=number, **step))

    @precondition(lambda self: self.seen["finance_approved"])
    @rule()
    def payout_file(self) -> None:
        number = self.next("B")
        self.act("payout", lambda: payouts.create(number=number, actor="陈出纳"))

    @precondition(lambda self: self.seen["sent"])
    @rule(words=st.sampled_from(ANSWERS))
    def return_file(self, words: tuple[str, str]) -> None:
        """The bank's answer to a file that waits for one, and the same answer once more."""
        sent = select(PayoutLine.file_number).where(PayoutLine.state == "sent").limit(1)
        number = db.session.scalar(sent)
        told = words[: len(payouts.lines(number))]
        content = answer(*told, number=number)
        take = {"number": number, "content": content, "actor": "赵出纳"}
        for _ in range(2):
            if self.act("return", lambda: payout_returns.take(**take)):
                self.done.update(f"payout {word}" for word in told)

    @rule(
        what=st.sampled_from(("tiers", "ceiling", "move", "rest")),
        tier=st.sampled_from(tuple(UNITS)),
        much=st.sampled_from((-2000, -100, 1, 2, 2000)),
    )
    def budget_change(self, what: str, tier: int, much: int) -> None:
        """More units of a tier, another ceiling of the quarter (in yuan), or the rest."""
        number = self.next("C")
        if what == "tiers":
            count = budget_parts.counts()[tier] + min(abs(much), 3)
            propose = partial(budget_parts.propose_tiers, number, {tier: count})
        elif what == "rest":
            propose = partial(budget_parts.propose_return, number)
        else:
            fen = budget_parts.ceiling("Q2") + 100 * (-abs(much) if what == "move" else much)
            to = "Q3" if what == "move" else None
            propose = partial(budget_parts.propose_quarter, number, "Q2", fen, to)
        if self.act("propose", lambda: propose() or True):
            for _ in range(2):
                self.act("change", lambda: budgets.confirm(number, actor=budget_parts.CHECKS))
