"""Rules of instant discounts: at a partner bank's till, and at the shops' own by bound cards."""

from functools import partial

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from backend.services import bank_tills
from backend.services.orders import Amounts
from backend.services.refunds import Goods
from backend.storage.models.orders import Order
from tests.factories import new_request
from tests.integration.services.instant_city import ICE, run_instant
from tests.machine.city import scarce
from tests.machine.returns import Returns
from tests.machine.tills import SHOP, WHICH

PARTNER = "BANK01"
HOLDERS = 3  # of the four residents; the last one has no card
UNITS_OF_ICE = {1: 5, 2: 3, 3: 2}


class Discounts(Returns):
    """What a bank's till asks for. Shops take the same units whenever a holder orders there."""

    @initialize()
    def cards_and_a_campaign(self) -> None:
        scarce(ICE, UNITS_OF_ICE, per_person_per_day=2)
        run_instant(ICE)
        self.cards = [self.city.bind_card(person) for person in self.residents[:HOLDERS]]
        self.at_bank: dict[str, str] = {}  # the bank's numbers by order

    @rule(
        holder=st.integers(0, HOLDERS - 1),
        shop=SHOP,
        fen=st.sampled_from((19_999, 20_000, 50_000, 100_000)),
    )
    def bank_till(self, holder: int, shop: str, fen: int) -> None:
        """A payment at the bank's till, confirmed twice under one number."""
        number = new_request()
        confirm = partial(
            bank_tills.confirm,
            partner_id=PARTNER,
            request_number=number,
            card_token=self.cards[holder],
            merchant_id=shop,
            amounts=Amounts(order_amount_fen=fen),
        )
        made, again = (self.act("bank till", confirm) for _ in range(2))
        assert made is None or again.id == made.id
        if made is not None:
            self.ordered.append(made.id)
            self.redeemed.add(made.id)
            self.at_bank[made.id] = number

    @precondition(lambda self: self.at_bank)
    @rule(which=WHICH, parts=st.sampled_from((0, 0, 1, 2)))
    def bank_takes_back(self, which: int, parts: int) -> None:
        """A reversal, or a refund of what is left or of a part of it; and the same once more."""
        order = self._at_bank(which)
        number = self.at_bank[order.id]
        left_fen = max(1, order.order_amount_fen - order.refunded_fen)
        goods = Goods(
            number=new_request(), refund_amount_fen=max(1, left_fen // max(1, parts)), reason="退货"
        )
        named = {"partner_id": PARTNER, "request_number": number}
        for _ in range(2):
            if parts:
                self.act("bank refund", lambda: bank_tills.refund(**named, goods=goods))
            else:
                self.act("bank reverse", lambda: bank_tills.reverse(**named, reason="撤销"))

    def _at_bank(self, which: int) -> Order:
        """Return an order of the bank's, one of today's more likely."""
        ids = list(self.at_bank)[-1 - which % len(self.at_bank) :]
        statuses = ("redeemed", "refunded", "reversed")
        return next(order for order in self.orders(*statuses) if order.id == ids[0])
