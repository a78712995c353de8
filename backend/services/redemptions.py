"""The good end of an order: paid and redeemed (核销)."""

from datetime import date

import structlog
from sqlalchemy.orm import Session

from backend import clock
from backend.domain import refusals
from backend.domain.errors import NotFound
from backend.domain.payments import AT_TILL, PaymentByProvider
from backend.domain.postings import campaign_posting
from backend.extensions import db
from backend.services import clerks, merchants
from backend.storage.models.orders import Order, Redemption
from backend.storage.queries import ledger as ledger_queries
from backend.storage.queries import orders as queries
from backend.storage.queries import vouchers as voucher_queries
from backend.storage.queries.orders import DayTotals
from backend.storage.sql import transaction

log = structlog.get_logger()

REDEEMED = ("redeemed", "refunded")  # a refund follows a redemption, which stays


def confirm_paid(*, order_id: str, merchant_id: str, clerk_id: int) -> Order:
    """Redeem an order whose rest the clerk has collected; again is the same answer.

    Not one whose rest a provider collects: its answer alone redeems (payment_states).

    In one transaction: the order leaves `locked`, its voucher is used, the redemption's row and
    the ledger's movement are written. Too late is refused: the voucher has gone back. A merchant
    suspended meanwhile may finish what it began (decision 4 of the rules).
    """
    with transaction() as session:
        order = queries.get_of_merchant(session, order_id, merchant_id)
        if order is None:
            raise NotFound(f"order {order_id!r}")
        if order.status in REDEEMED:
            return order
        if order.payment.provider != AT_TILL or order.entry == "bank_till":
            raise PaymentByProvider(f"order {order.id}")
        merchants.refuse_disqualified(session, merchant_id)
        clerks.refuse_own_shop(session, clerk_id=clerk_id, resident_id=order.resident_id)
        now = clock.now()
        if not queries.close_locked(session, order, status="redeemed", at=now, overdue=False):
            session.refresh(order)
            if order.status in REDEEMED:
                return order  # another till was faster with the same confirmation
            raise refusals.OrderReleased(f"order {order.id} is {order.status}")
        redeem(session, order, clerk_id=clerk_id)
        reference = f"clerk:{clerk_id}"
        queries.set_payment(session, order.payment, status="paid", reference=reference, at=now)
    log.info("order_redeemed", order_id=order.id, merchant_id=merchant_id)
    return order


def confirm_by_partner(*, order_id: str, partner_id: str) -> Order:
    """Redeem an order whose rest a partner has moved; again is the same answer.

    Too late is refused (OrderReleased): the subsidy has gone back, and the partner undoes its side.
    So is a merchant that was disqualified in between (MerchantNotPublished).
    """
    with transaction() as session:
        order = session.get_one(Order, order_id)
        if order.status == "locked":
            merchants.refuse_disqualified(session, order.merchant_id)
        now = clock.now()
        if queries.close_locked(session, order, status="redeemed", at=now, overdue=False):
            redeem(session, order, clerk_id=None)
            reference = f"bank:{partner_id}"
            queries.set_payment(session, order.payment, status="paid", reference=reference, at=now)
        else:
            session.refresh(order)
    if order.status not in REDEEMED:
        raise refusals.OrderReleased(f"order {order.id} is {order.status}")
    log.info("order_redeemed", order_id=order.id, merchant_id=order.merchant_id)
    return order


def of_day(
    *, merchant_id: str, day: date, clerk_id: int | None, page: int, page_size: int
) -> tuple[list[Redemption], DayTotals]:
    """Return one page of a merchant's redemptions of a day, and the day's totals (核销记录)."""
    rows, totals = queries.redemptions_of_day(
        db.session(),
        merchant_id=merchant_id,
        day=day,
        clerk_id=clerk_id,
        page=page,
        page_size=page_size,
    )
    return list(rows), totals


def redeem(session: Session, order: Order, *, clerk_id: int | None) -> None:
    """Use an order's voucher up, inside the transaction that moved the order to `redeemed`.

    The one place where it happens: writes the redemption and its transfers, in fen. `clerk_id` is
    None when a phone has paid.
    """
    now = clock.now()
    voucher = voucher_queries.use_locked(session, order.voucher_id, order_id=order.id)
    if voucher is None:
        raise RuntimeError(f"order {order.id} holds no locked voucher")  # rolls all back
    redemption = campaign_posting(
        "redemption", voucher.campaign_id, order.discount_fen, id=f"redemption:{order.id}"
    )
    ledger_queries.add_transfer(session, redemption, at=now)
    if unused_fen := voucher.face_value_fen - order.discount_fen:  # never above the amount due
        rest = campaign_posting("expiry", voucher.campaign_id, unused_fen, id=f"rest:{order.id}")
        ledger_queries.add_transfer(session, rest, at=now)
    queries.add_redemption(
        session, order, voucher, clerk_id=clerk_id, transfer_id=redemption.id, at=now
    )
