"""The end of a walk: everybody answers again, and every order reaches its true state by itself."""

from collections import Counter

from backend.extensions import db
from backend.services import (
    instant_returns,
    paybacks,
    payment_asking,
    payment_cases,
    payment_notices,
    releases,
)
from backend.storage.models.payments import PaymentCase
from backend.storage.models.refunds import Payback, Refund
from backend.storage.models.vouchers import PendingReturn
from tests.factories import drain
from tests.machine.city import Ground
from tests.machine.invariants import all_rows

HOURS = 3
ENDED = ("redeemed", "released", "reversed", "refunded")


class Endings(Ground):
    """Compares our rows with the provider's own books when nobody is left to ask."""

    def teardown(self) -> None:
        try:
            self._come_to_rest()
            self._compare()
        finally:
            super().teardown()

    def _come_to_rest(self) -> None:
        self.provider.lost = None
        for _ in range(HOURS * 6):
            payment_asking.settle_due()
            payment_notices.apply_left_over()
            payment_cases.refund_due()
            paybacks.settle_due()
            releases.release_overdue()
            instant_returns.return_due()
            self.moment.move(minutes=10)
        drain()
        db.session.close()

    def _compare(self) -> None:
        assert not self.orders("locked")
        assert not all_rows(PendingReturn)
        returned = Counter[str]()
        for refund in all_rows(Refund):
            returned[refund.order_id] += refund.customer_fen
        for order in self.orders(*ENDED):
            if (account := self.provider.accounts.get(order.id)) is None:
                continue
            kept_fen = (account.paid_fen or 0) - sum(account.refunds.values())
            here = order.status in ("redeemed", "refunded")
            assert kept_fen == (order.payable_fen - returned[order.id] if here else 0)
            assert account.paid_fen is not None or account.closed
        paybacks_now = {row.id: row.status for row in all_rows(Payback)}
        for case in all_rows(PaymentCase):
            # That of money too long on its way sends nothing itself: the payback does.
            of_payback = case.kind == "payback_unfinished"
            ended = paybacks_now[case.refund_id] if of_payback else case.refund_status
            assert ended == "done"
