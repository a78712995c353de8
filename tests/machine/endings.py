"""The end of a walk: everybody answers again, and every order reaches its true state by itself."""

from backend.extensions import db
from backend.services import payment_asking, payment_cases, payment_notices, releases
from backend.storage.models.payments import PaymentCase
from tests.factories import drain
from tests.machine.city import Ground
from tests.machine.invariants import all_rows

HOURS = 3


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
            releases.release_overdue()
            self.moment.move(minutes=10)
        drain()
        db.session.close()

    def _compare(self) -> None:
        assert not self.orders("locked")
        refunds = {case.order_id: case for case in all_rows(PaymentCase)}
        for order_id, account in self.provider.accounts.items():
            (order,) = (o for o in self.orders("redeemed", "released") if o.id == order_id)
            kept_fen = (account.paid_fen or 0) - sum(account.refunds.values())
            assert kept_fen == (order.payable_fen if order.status == "redeemed" else 0)
            assert account.paid_fen is not None or account.closed
            if account.refunds:
                assert refunds[order_id].refund_status == "done"
