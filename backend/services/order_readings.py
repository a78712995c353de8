"""Reading orders, as who may see them: a resident his own, a merchant those of its shop."""

from backend import clock
from backend.domain.errors import NotFound
from backend.domain.payments import AT_TILL
from backend.extensions import db
from backend.storage.models.orders import Order
from backend.storage.queries import orders as queries


def get_of_resident(order_id: str, resident_id: int) -> Order:
    """Return a resident's own order; another's answers like an absent one."""
    order = queries.get_of_resident(db.session(), order_id, resident_id)
    if order is None:
        raise NotFound(f"order {order_id!r}")
    return order


def get_of_merchant(order_id: str, merchant_id: str) -> Order:
    """Return a merchant's own order; another's answers like an absent one."""
    order = queries.get_of_merchant(db.session(), order_id, merchant_id)
    if order is None:
        raise NotFound(f"order {order_id!r}")
    return order


def list_of_resident(resident_id: int, *, limit: int = 50) -> list[Order]:
    """Return a resident's newest orders."""
    return queries.list_of_resident(db.session(), resident_id, limit=limit)


def list_open_of_merchant(merchant_id: str, *, limit: int = 50) -> list[Order]:
    """Return what a merchant is still to collect for."""
    return queries.list_open_of_merchant(db.session(), merchant_id, at=clock.now(), limit=limit)


def shown_status(order: Order) -> str:
    """Return the status judged by the clock: an overdue lock is released, job or no job.

    Not where a provider collects: until it says that nobody paid, the voucher is held.
    """
    at_till = order.payment.provider == AT_TILL
    overdue = at_till and order.status == "locked" and clock.now() >= order.lock_expires_at
    return "released" if overdue else order.status


def get_by_request_of_clerk(request_id: str, clerk_id: int) -> Order:
    """Return the order that a clerk's request made; NotFound when none has, so far."""
    order = queries.get_by_request(db.session(), f"clerk:{clerk_id}", request_id)
    if order is None:
        raise NotFound("no order of this request")
    return order
