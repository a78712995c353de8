"""Rules of what comes back: refunds in parts and whole, under both policies, and reversals."""

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from sqlalchemy import update

from backend.services import refunds, reversals
from backend.services.refunds import Goods
from backend.storage.models.campaigns import Campaign
from backend.storage.sql import transaction
from tests.factories import MAY, new_request
from tests.machine.tills import WHICH, Tills

POLICIES = ("voucher_stays_used", "restore_within_validity")


class Returns(Tills):
    """What customers bring back, and what clerks did by mistake."""

    @initialize(policy=st.sampled_from(POLICIES))
    def a_policy(self, policy: str) -> None:
        with transaction() as session:
            session.execute(
                update(Campaign).where(Campaign.id == MAY).values(on_full_refund=policy)
            )

    @precondition(lambda self: self.seen["redeemed"])
    @rule(which=WHICH, parts=st.sampled_from((1, 1, 2, 3)), more=st.sampled_from((0, 0, 0, 1)))
    def refund(self, which: int, parts: int, more: int) -> None:
        """A part of what is left, all of it, or a fen too much; and the same once more."""
        order = self._one_of(which, "redeemed")
        left_fen = order.order_amount_fen - order.refunded_fen
        fen = left_fen + 1 if more else max(1, left_fen // parts)
        goods = Goods(number=new_request(), refund_amount_fen=fen, reason="退货")
        clerk_id = self.clerks[order.merchant_id].id
        for _ in range(2):
            self.act(
                "goods back",
                lambda: refunds.refund_at_merchant(
                    redemption_id=order.id,
                    merchant_id=order.merchant_id,
                    clerk_id=clerk_id,
                    goods=goods,
                ),
            )

    @precondition(lambda self: self.seen["redeemed"])
    @rule(which=WHICH)
    def reverse(self, which: int) -> None:
        order = self._one_of(which, "redeemed")
        clerk_id = self.clerks[order.merchant_id].id
        for _ in range(2):
            self.act(
                "reverse",
                lambda: reversals.reverse_at_merchant(
                    redemption_id=order.id,
                    merchant_id=order.merchant_id,
                    clerk_id=clerk_id,
                    reason="误操作",
                ),
            )
