"""Showing a payment code."""

from dataclasses import asdict
from datetime import datetime

from apiflask import APIBlueprint
from pydantic import BaseModel

from backend.services import payment_codes as codes
from miniprogram_api.session import current_resident

payment_codes = APIBlueprint("payment_codes", __name__, tag="居民 resident")


class PaymentCode(BaseModel):
    """付款码是20位数字文本，由手机画成二维码和条形码，用一次即失效。"""

    code: str
    issued_at: datetime
    expires_at: datetime


@payment_codes.post("/payment-codes")
@payment_codes.output(PaymentCode, status_code=201)
def issue() -> dict[str, object]:
    """出示付款码：新码一出，旧码立即失效。"""
    return asdict(codes.issue(current_resident().id))
