"""What must hold after every act, computed from the rows alone, and by the system's own checks."""

from collections import Counter, defaultdict
from typing import Any

from hypothesis.stateful import invariant
from sqlalchemy import select

from backend.domain.postings import campaign_account
from backend.extensions import db
from backend.services import ledger, quota_checks
from backend.storage.models.campaigns import Campaign, Tier
from backend.storage.models.entries import Entry
from backend.storage.models.ledger import Transfer
from backend.storage.models.orders import Order, Payment, Redemption, Reversal
from backend.storage.models.payments import PaymentCase
from backend.storage.models.payouts import PayoutLine
from backend.storage.models.refunds import Refund
from backend.storage.models.settlements import SettlementLine, SettlementSheet
from backend.storage.models.vouchers import Voucher
from tests.machine.city import Ground
from tests.machine.desks import OPEN_SHEETS

ENDED_WELL = ("redeemed", "reversed", "refunded")
HOLDS = {"locked": "locked", "redeemed": "used"}  # an order's status, and its voucher's


class Invariants(Ground):
    """Looked at after every rule."""

    @invariant()
    def all_holds(self) -> None:
        self._look_around()
        self.the_books_agree()
        self.accounts_sum_to_zero_and_each_is_what_its_rows_say()
        self.a_voucher_is_what_its_orders_say_and_none_is_lost_or_given_above_the_count()
        self.each_redemption_stands_for_money_that_was_paid_once()
        self.no_more_comes_back_than_was_paid()
        self.a_redemption_stands_in_one_live_sheet_at_most_and_a_sheet_is_paid_once()

    def the_books_agree(self) -> None:
        """The system's own checks: identity per fund, quarter, campaign; Valkey, SQL and ledger."""
        found = ledger.check()
        assert not found.differences, found.differences
        for scope in found.scopes:
            assert scope.balances.conserved, scope
        quota = quota_checks.check(looks=1)
        assert not quota.differences, quota.differences
        db.session.close()

    def accounts_sum_to_zero_and_each_is_what_its_rows_say(self) -> None:
        balances: Counter[str] = Counter()
        for transfer in all_rows(Transfer):
            balances[transfer.from_account_id] -= transfer.amount_fen
            balances[transfer.to_account_id] += transfer.amount_fen
        assert sum(balances.values()) == 0
        for campaign in all_rows(Campaign):
            name = campaign.id
            in_wallets = [v for v in all_rows(Voucher) if v.status in ("unused", "locked")]
            locked_fen = sum(v.face_value_fen for v in in_wallets if v.campaign_id == name)
            assert balances[campaign_account(name, "locked")] == locked_fen
            spent_fen = sum(r.discount_fen for r in all_rows(Redemption) if r.campaign_id == name)
            spent_fen -= sum(r.subsidy_fen for r in all_rows(Refund) if r.campaign_id == name)
            spent_fen -= sum(r.discount_fen for r in all_rows(Reversal) if r.campaign_id == name)
            counted = [e for e in all_rows(Entry) if e.state == "counted"]
            spent_fen += sum(e.amount_fen for e in counted if e.campaign_id == name)
            assert balances[campaign_account(name, "spent")] == spent_fen
            assert balances[campaign_account(name, "committed")] >= 0

    def a_voucher_is_what_its_orders_say_and_none_is_lost_or_given_above_the_count(self) -> None:
        held: defaultdict[int, list[Order]] = defaultdict(list)
        refunded = set[str]()
        for order in all_rows(Order):
            assert order.order_amount_fen == order.discount_fen + order.payable_fen
            if order.status == "refunded":
                refunded.add(order.id)
            if order.status in HOLDS:
                held[order.voucher_id].append(order)
        given: Counter[int] = Counter()
        for voucher in all_rows(Voucher):
            orders = held[voucher.id]
            assert len(orders) <= 1
            if orders:
                assert voucher.status == HOLDS[orders[0].status]
                assert voucher.order_id == orders[0].id
            else:
                kept = voucher.status == "used" and voucher.order_id in refunded
                assert kept or voucher.status in ("unused", "expired", "returned")
            given[voucher.tier_id] += voucher.recycled_batch is None and (
                voucher.status != "returned"
            )
            assert self.told.get(voucher.id, voucher.resident_id) == voucher.resident_id
        reversed_ids = {order.id for order in all_rows(Order) if order.status == "reversed"}
        assert reversed_ids == {row.id for row in all_rows(Reversal)}
        for entry in all_rows(Entry):
            given[entry.tier_id] += entry.state == "counted"
        for tier in all_rows(Tier):
            assert given[tier.id] <= tier.count

    def each_redemption_stands_for_money_that_was_paid_once(self) -> None:
        redemptions = {r.id: r for r in all_rows(Redemption)}
        assert self.redeemed <= set(redemptions)
        payments = {p.order_id: p for p in all_rows(Payment)}
        for order in all_rows(Order):
            assert (order.status in ENDED_WELL) == (order.id in redemptions)
            payment = payments[order.id]
            if order.status == "redeemed":
                assert payment.status == "paid"
                if payment.provider == self.provider.name:
                    account = self.provider.accounts[order.id]
                    assert account.paid_fen == order.payable_fen
                    assert sum(account.refunds.values()) <= account.paid_fen
        for case in all_rows(PaymentCase):
            assert case.refund_fen <= case.collected_fen
        assert not self.provider.faults, self.provider.faults

    def no_more_comes_back_than_was_paid(self) -> None:
        parts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for refund in all_rows(Refund):
            parts[refund.order_id]["goods"] += refund.refund_amount_fen
            parts[refund.order_id]["customer"] += refund.customer_fen
            parts[refund.order_id]["subsidy"] += refund.subsidy_fen
        for order in all_rows(Order):
            back = parts[order.id]
            assert back["goods"] == order.refunded_fen <= order.order_amount_fen
            assert back["customer"] <= order.payable_fen
            assert back["subsidy"] <= order.discount_fen
            assert (order.status == "refunded") == (back["goods"] == order.order_amount_fen)

    def a_redemption_stands_in_one_live_sheet_at_most_and_a_sheet_is_paid_once(self) -> None:
        live = Counter(
            (line.source_kind, line.source_id)
            for line in all_rows(SettlementLine)
            if line.freed_at is None
        )
        assert max(live.values(), default=0) <= 1
        of_sheet: Counter[str] = Counter()
        for line in all_rows(SettlementLine):
            of_sheet[line.sheet_id] += line.amount_fen
        paid = Counter(line.sheet_id for line in all_rows(PayoutLine) if line.state == "paid")
        for sheet in all_rows(SettlementSheet):
            assert of_sheet[sheet.id] == sheet.amount_fen
            assert paid[sheet.id] == (sheet.state == "paid")

    def _look_around(self) -> None:
        """Note what waits for somebody."""
        self.seen.clear()
        for order in all_rows(Order):
            self.seen[order.status] += 1
        for sheet in all_rows(SettlementSheet):
            self.seen.update((sheet.state, *["sheet"] * (sheet.state in OPEN_SHEETS)))
        self.seen.update(line.state for line in all_rows(PayoutLine))


def all_rows(model: Any) -> list[Any]:
    """Return a table's rows as plain values."""
    found = db.session.execute(select(model.__table__)).all()
    db.session.close()
    return list(found)
