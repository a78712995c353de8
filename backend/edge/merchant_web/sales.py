"""A sale at the till, for the page's script: scan or be scanned, collect, confirm; each may be
sent again."""

from typing import TYPE_CHECKING, Annotated

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from backend import clock
from backend.domain import refusals
from backend.domain.money import yuan_text
from backend.domain.payments import AT_TILL
from backend.edge.merchant_web.access import SALES, current_clerk
from backend.edge.shapes import AmountFen, Request, RequestId
from backend.services import amount_codes, cancellations, order_readings, orders, redemptions
from backend.services.orders import Amounts
from merchant_qr import foreign

if TYPE_CHECKING:
    from backend.storage.models.orders import Order

blueprint = APIBlueprint(SALES, __name__, enable_openapi=False)
SYSTEM_NAMES = {
    "wechat_pay": "微信收款码",
    "alipay": "支付宝收款码",
    "unionpay": "云闪付收款码",
    "emv": "银联收款码",
}
Scanned = Annotated[str, Field(max_length=512)]


class CodeWanted(Request):
    """The amount that a customer is to scan; again under its request number is the same code."""

    request_id: RequestId
    order_amount_fen: AmountFen


class Sale(Request):
    """What a purchase costs and what was scanned; again under its request number is the same."""

    request_id: RequestId
    order_amount_fen: AmountFen
    scanned: Scanned
    payer_scanned: Scanned | None = None


@blueprint.post("/sales")
@blueprint.input(Sale)
def create(json_data: Sale) -> tuple[dict[str, object], int]:
    """Lock the customer's best voucher for a purchase, and say what to collect."""
    clerk = current_clerk()
    if system := foreign.payment_system_of(json_data.scanned.strip()):
        raise refusals.WalletCode(f"a code of {system}", details={"name": SYSTEM_NAMES[system]})
    order = orders.create_by_code(
        clerk_id=clerk.id,
        merchant_id=clerk.merchant_id,
        request_id=json_data.request_id,
        code=json_data.scanned,
        amounts=Amounts(order_amount_fen=json_data.order_amount_fen),
        payer_code=json_data.payer_scanned,
    )
    return _shown(order), 201


@blueprint.get("/sales/of-request/<string(minlength=8, maxlength=64):request_id>")
def of_request(request_id: str) -> dict[str, object]:
    """Say what became of a request whose answer was lost; 404 when it has made no order."""
    return _shown(order_readings.get_by_request_of_clerk(request_id, current_clerk().id))


@blueprint.get("/sales/<order_id:order_id>")
def get_one(order_id: str) -> dict[str, object]:
    """Say where an order stands that somebody else collects for."""
    return _shown(order_readings.get_of_merchant(order_id, current_clerk().merchant_id))


@blueprint.post("/sales/<order_id:order_id>/confirm")
def confirm(order_id: str) -> dict[str, object]:
    """Take the clerk's word that the rest was collected (已收款); again is the same answer."""
    clerk = current_clerk()
    order = redemptions.confirm_paid(
        order_id=order_id, merchant_id=clerk.merchant_id, clerk_id=clerk.id
    )
    return _shown(order)


@blueprint.post("/sales/<order_id:order_id>/cancel")
def cancel(order_id: str) -> dict[str, object]:
    """Give an order up before it is paid: the voucher is back at once."""
    order = cancellations.cancel_by_merchant(
        order_id=order_id, merchant_id=current_clerk().merchant_id
    )
    return _shown(order)


@blueprint.post("/amount-codes")
@blueprint.input(CodeWanted)
def offer(json_data: CodeWanted) -> tuple[dict[str, object], int]:
    """Make a code with the amount, for the customer's phone to scan."""
    clerk = current_clerk()
    made = amount_codes.issue(
        merchant_id=clerk.merchant_id,
        clerk_id=clerk.id,
        order_amount_fen=json_data.order_amount_fen,
        request_id=json_data.request_id,
    )
    return _shown_code(made), 201


@blueprint.get("/amount-codes/<int:number>")
def offered(number: int) -> dict[str, object]:
    """Say which order a code has become, and whether it may still become one."""
    return _shown_code(amount_codes.get(number, merchant_id=current_clerk().merchant_id))


@blueprint.get("/amount-codes/<int:number>.svg")
def offered_picture(number: int) -> Response:
    """Answer a code as a picture."""
    picture = amount_codes.draw(number, merchant_id=current_clerk().merchant_id)
    return Response(picture, mimetype="image/svg+xml")


def _shown_code(code: amount_codes.Shown) -> dict[str, object]:
    is_over = code.order_id is None and clock.now() >= code.expires_at
    return {"number": code.number, "order_id": code.order_id, "is_over": is_over}


def _shown(order: "Order") -> dict[str, object]:
    return {
        "order_id": order.id,
        "status": order_readings.shown_status(order),
        "at_till": order.payment.provider == AT_TILL,
        "payment_status": order.payment.status,
        "order_amount": yuan_text(order.order_amount_fen),
        "discount": yuan_text(order.discount_fen),
        "payable": yuan_text(order.payable_fen),
    }
