"""What providers are told of our orders, and what their answers do to them."""

from backend.gateways.payments.protocol import Charge
from backend.storage.models.orders import Order


def charge_of(order: Order) -> Charge:
    """Return what a provider is told of an order: the same each time it is asked."""
    return Charge(
        order_id=order.id,
        merchant_id=order.merchant_id,
        amount_fen=order.payable_fen,
        created_at=order.created_at,
        expires_at=order.lock_expires_at,
        description=order.merchant.name,
        reference=order.payment.reference,
    )
