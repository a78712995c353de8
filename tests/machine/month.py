"""A walk that is no chance: every act once, in the order in which a month brings them.

Hypothesis leaves rules out at random, so a few walks of its own never come through all of them.
"""

from collections.abc import Iterator

from tests.machine.city import SHOPS
from tests.machine.discounts import Discounts
from tests.machine.gate import Gate
from tests.machine.invariants import Invariants

# Each succeeded at least once on this walk or on hypothesis' own; named as the rules name them.
ACTS = {
    *("claim", "code", "order", "confirm", "cancel", "scan", "payer pays", "notice"),
    *("bank till", "bank reverse", "bank refund", "goods back", "reverse"),
    *("enter", "undo entry", "state", "confirm statement"),
    *("release", "give back", "settle", "refund", "pay back", "notices"),
    *("drain", "expire", "recycle", "end"),
    *("draft", "draft due", "approve bureau", "approve finance", "reject", "hold", "let go"),
    *("payout", "payout paid", "payout failed", "propose", "change"),
}


class Month(Discounts, Gate, Invariants):
    """All rules over one city, with a way through all of them."""

    def walk(self) -> None:
        """Go through the month and look at everything after each act."""
        for _ in self._acts():
            self.all_holds()

    def _acts(self) -> Iterator[None]:
        yield self.a_policy("restore_within_validity")
        yield self.cards_and_a_campaign()
        yield self.a_gate()
        yield self.a_day_before()
        yield self.writer()
        yield from self._sheets_are_paid()
        yield from self._a_day_in_the_shops()
        yield from self._a_day_at_the_bank_and_the_gate()
        yield self.nights(8, False)
        yield self.state(True)
        yield self.next_steps(0, True)
        yield self.budget_change("ceiling", 1, -100)

    def _sheets_are_paid(self) -> Iterator[None]:
        """Two sheets; the bank fails to pay one of them, and pays it with the next file."""
        for which in (0, 1, 0, 1):
            yield self.next_steps(which, False)
        yield self.payout_file()
        yield self.return_file(("paid", "failed"))
        yield self.payout_file()
        yield self.return_file(("paid", "paid"))

    def _a_day_in_the_shops(self) -> Iterator[None]:
        provided, at_till = SHOPS
        yield self.order(2, at_till, 10_000, True)
        yield self.cancel(0, False)
        yield self.order(2, at_till, 10_000, True)
        yield self.confirm(0)
        yield self.order(3, provided, 32_000, False)
        yield self.payer_pays(0, 0, True)
        yield self.scan(2, 32_000, True)
        yield self.hold_or_let_go(-1)
        yield self.hold_or_let_go(-1)
        yield self.refund(0, 2, 0)
        yield self.reverse(-1)
        yield self.order(0, at_till, 100_000, True)  # with an instant discount, and unpaid
        yield self.minutes(6, None)

    def _a_day_at_the_bank_and_the_gate(self) -> Iterator[None]:
        yield self.bank_till(0, SHOPS[0], 20_000)
        yield self.bank_takes_back(0, 0)
        yield self.bank_till(1, SHOPS[1], 50_000)
        yield self.bank_takes_back(0, 2)
        yield self.enter(0, False)
        yield self.undo_entry(0, False)
        yield self.enter(0, False)
        yield self.enter(1, True)
