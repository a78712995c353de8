"""Rules of residents, clerks and the provider: claim, pay in every way, cancel, pay too late."""

import json
from functools import partial

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from backend.services import (
    cancellations,
    instant_returns,
    orders,
    paybacks,
    payment_asking,
    payment_cases,
    payment_codes,
    payment_notices,
    redemptions,
    releases,
)
from backend.services.orders import Amounts
from backend.storage.models.orders import Order
from tests.factories import new_request
from tests.machine.city import SHOPS
from tests.machine.desks import Desks

PERSON = st.integers(0, 3)
SHOP = st.sampled_from(SHOPS)
AMOUNT_FEN = st.sampled_from((5_000, 10_000, 9_999, 32_000, 100_000))
WALLET = "134567890123456789"  # WeChat's form
WHICH = st.integers(0, 7)


class Tills(Desks):
    """What happens in shops, over what happens at night."""

    @initialize()
    def a_day_before(self) -> None:
        """Everybody has claimed, two have paid, and their sheets are drafted."""
        for person in range(4):
            for tier in (1, 2, 3):
                self.claim(person, tier)
        self.purchase(0, SHOPS[0], 32_000, False)
        self.purchase(1, SHOPS[1], 10_000, True)
        self.nights(1, True)

    @rule(person=PERSON, tier=st.sampled_from((1, 2, 3)))
    def claim(self, person: int, tier: int) -> None:
        resident = self.residents[person]
        if found := self.act("claim", lambda: self.city.claim(resident, tier=tier)):
            self.told[found.voucher_id] = resident.id

    @rule(person=PERSON, shop=SHOP, fen=AMOUNT_FEN, by_code=st.booleans())
    def order(self, person: int, shop: str, fen: int, by_code: bool) -> None:
        """An order, asked for twice under one number."""
        amounts, number = Amounts(order_amount_fen=fen), new_request()
        resident_id = self.residents[person].id

        def at_placard() -> Order:
            return orders.create_at_placard(
                resident_id=resident_id,
                request_id=number,
                placard_code=self.city.placard[shop],
                amounts=amounts,
            )

        def at_till() -> Order:
            return orders.create_by_code(
                clerk_id=self.clerks[shop].id,
                merchant_id=shop,
                request_id=number,
                code=code,
                amounts=amounts,
            )

        code = self.act("code", lambda: payment_codes.issue(resident_id)).code
        made = self.act("order", at_till if by_code else at_placard)
        again = self.act("order again", at_till if by_code else at_placard)
        assert made is None or again.id == made.id
        if made is not None:
            self.ordered.append(made.id)

    @rule(person=PERSON, shop=SHOP, fen=AMOUNT_FEN, by_code=st.booleans())
    def purchase(self, person: int, shop: str, fen: int, by_code: bool) -> None:
        """As most go: ordered, and paid at once."""
        self.order(person, shop, fen, by_code)
        if self.orders("locked"):
            self.confirm(-1)
        if any(account.open for account in self.provider.accounts.values()):
            self.payer_pays(-1, 0, True)

    @rule(person=PERSON, fen=AMOUNT_FEN, pays=st.booleans())
    def scan(self, person: int, fen: int, pays: bool) -> None:
        """The clerk scans the payer's wallet, which pays at once or wants a password first."""
        self.provider.wallet_pays = pays
        resident_id, shop = self.residents[person].id, SHOPS[0]
        code = self.act("code", lambda: payment_codes.issue(resident_id)).code
        pay = partial(
            orders.create_by_code,
            clerk_id=self.clerks[shop].id,
            merchant_id=shop,
            request_id=new_request(),
            code=code,
            amounts=Amounts(order_amount_fen=fen),
            payer_code=WALLET,
        )
        made, again = (self.act("scan", pay) for _ in range(2))
        assert made is None or again.id == made.id
        if made is not None:
            self.ordered.append(made.id)
            self.redeemed |= {made.id} & {order.id for order in self.orders("redeemed")}

    @precondition(lambda self: self.seen["locked"])
    @rule(which=WHICH)
    def confirm(self, which: int) -> None:
        order = self._one_of(which, "locked")
        clerk = self.clerks[order.merchant_id]
        for _ in range(2):
            found = self.act(
                "confirm",
                lambda: redemptions.confirm_paid(
                    order_id=order.id, merchant_id=order.merchant_id, clerk_id=clerk.id
                ),
            )
            if found:
                self.redeemed.add(order.id)

    @precondition(lambda self: any(self.seen[s] for s in ("locked", "redeemed", "released")))
    @rule(which=WHICH, by_merchant=st.booleans())
    def cancel(self, which: int, by_merchant: bool) -> None:
        order = self._one_of(which, "locked", "redeemed", "released")
        if by_merchant:
            shop = order.merchant_id
            do = partial(cancellations.cancel_by_merchant, order_id=order.id, merchant_id=shop)
        else:
            who = order.resident_id
            do = partial(cancellations.cancel_by_resident, order_id=order.id, resident_id=who)
        self.act("cancel", do)

    @rule(minutes=st.sampled_from((0, 1, 6)), lost=st.sampled_from((None, None, "before", "after")))
    def minutes(self, minutes: int, lost: str | None) -> None:
        """A lock lives for five minutes; the jobs run, and the provider answers or does not."""
        self.moment.move(minutes=minutes)
        self.provider.lost = lost
        self.act("release", releases.release_overdue)
        self.act("give back", instant_returns.return_due)
        self.act("settle", payment_asking.settle_due)
        self.act("refund", payment_cases.refund_due)
        self.act("pay back", paybacks.settle_due)
        self.act("notices", payment_notices.apply_left_over)

    @precondition(lambda self: self.provider.accounts)
    @rule(which=WHICH, wrong=st.sampled_from((0, 0, 0, -1)), told=st.booleans())
    def payer_pays(self, which: int, wrong: int, told: bool) -> None:
        """The payer pays as long as the provider lets him; we may hear of it, twice."""
        waiting = [n for n, account in self.provider.accounts.items() if account.open]
        numbers = waiting or list(self.provider.accounts)
        number = numbers[which % len(numbers)]
        account = self.provider.accounts[number]
        if self.provider.pay(number, account.asked_fen + wrong):
            self.done["payer pays"] += 1
        if told and account.paid_fen is not None:
            body = json.dumps({"order_id": number}).encode()
            for _ in range(2):
                self.act("notice", lambda: payment_notices.receive("wechat_pay", {}, body))

    def _one_of(self, which: int, *statuses: str) -> Order:
        """Return an order of the first of these states in which there is one."""
        found = next(rows for status in statuses if (rows := self.orders(status)))
        return found[which % len(found)]
