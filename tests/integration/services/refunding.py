"""What the tests of refunds and reversals share: redeemed orders, and refunds of them."""

from sqlalchemy import update

from backend.domain.errors import HuiquanError
from backend.services import ledger, payment_states, redemptions, refund_proposals, refunds
from backend.services.refunds import Goods, Shown
from backend.storage.models.campaigns import Campaign
from backend.storage.models.ledger import Transfer
from backend.storage.models.orders import Order
from backend.storage.models.vouchers import Voucher
from backend.storage.sql import transaction
from tests.factories import MAY, SUPERMARKET, City, Person, new_request, rows
from tests.integration.services.paying import PAYABLE_FEN, at_placard, buyer
from tests.providers import paid

ORDER_FEN, DISCOUNT_FEN = 32_000, 9_000  # of 320 yuan with 满300减90


def policy(name: str, campaign_id: str = MAY) -> None:
    """Set what a campaign does with the voucher on a whole refund."""
    with transaction() as session:
        session.execute(
            update(Campaign).where(Campaign.id == campaign_id).values(on_full_refund=name)
        )


def redeemed_at_till(city: City, person: Person | None = None) -> tuple[str, Person]:
    """Redeem 320 yuan with the largest voucher at the till; return the order and its clerk."""
    clerk = city.clerk()
    order = at_placard(city, person or buyer(city))
    redemptions.confirm_paid(order_id=order.id, merchant_id=SUPERMARKET, clerk_id=clerk.id)
    return order.id, clerk


def redeemed_online(city: City, person: Person | None = None) -> tuple[str, Person]:
    """Redeem 320 yuan that the supermarket's provider has collected."""
    order = at_placard(city, person or buyer(city))
    payment_states.record(order.id, order.payment.provider, paid(PAYABLE_FEN))
    return order.id, city.clerk()


def goods(amount_fen: int, number: str = "") -> Goods:
    return Goods(number=number or new_request(), refund_amount_fen=amount_fen, reason="退货")


def refund(order_id: str, clerk: Person, amount_fen: int, number: str = "") -> Shown:
    return refunds.refund_at_merchant(
        redemption_id=order_id,
        merchant_id=SUPERMARKET,
        clerk_id=clerk.id,
        goods=goods(amount_fen, number),
    )


def refund_by_staff(order_id: str, amount_fen: int, number: str = "") -> Shown:
    """Have 李科长 propose a refund and 王主任 make it."""
    given = goods(amount_fen, number)
    refund_proposals.propose(order_id=order_id, goods=given, actor="李科长")
    return refund_proposals.make(given.number, actor="王主任")


def attempt(city: City, order_id: str, clerk: Person, amount_fen: int, number: str = "") -> str:
    """Refund in a thread of its own; return the refund's id or the refusal's code."""
    with city.app.app_context():
        try:
            return refund(order_id, clerk, amount_fen, number).refund.id
        except HuiquanError as refused:
            return refused.code


def parts(shown: Shown) -> tuple[int, int]:
    return shown.refund.customer_fen, shown.refund.subsidy_fen


def order_now(order_id: str) -> Order:
    return next(order for order in rows(Order) if order.id == order_id)


def voucher_now(order_id: str) -> Voucher:
    voucher_id = order_now(order_id).voucher_id
    return next(voucher for voucher in rows(Voucher) if voucher.id == voucher_id)


def moved(*kinds: str) -> list[tuple[str, int]]:
    """Return (kind, fen) of the transfers of some kinds, in the order of their kinds."""
    return sorted((t.kind, t.amount_fen) for t in rows(Transfer) if t.kind in kinds)


def books_agree() -> bool:
    assert ledger.check().differences == ()
    return True
