"""Card notices of partners: a card was bound or unbound in the bank's own app (绑卡通知)."""

from datetime import datetime
from typing import Any, Literal

from backend.services import cards, partner_requests, residents
from backend.services.cards import Notice
from backend.services.partner_requests import Numbered


def take(
    *,
    partner_id: str,
    request_number: str,
    act: Literal["bind", "unbind"],
    phone: str,
    card_token: str,
    last4: str,
    happened_at: datetime | None,
) -> dict[str, Any]:
    """Bind or unbind a card of the resident with this phone; the same number again changes nothing.

    Raises NotFound for a phone that nobody has bound here, and what services/cards.py raises.
    """
    asked = Numbered(
        partner_id=partner_id,
        number=request_number,
        act=f"card.{act}",
        body={
            "phone": phone,
            "card_token": card_token,
            "last4": last4,
            "happened_at": happened_at and happened_at.isoformat(),
        },
    )

    def execute() -> dict[str, Any]:
        notice = Notice(
            partner_id=partner_id,
            request_number=request_number,
            card_token=card_token,
            last4=last4,
            happened_at=happened_at,
        )
        do = cards.bind if act == "bind" else cards.unbind
        do(residents.of_phone(phone), notice, actor=f"partner:{partner_id}")
        return {"request_number": request_number, "act": act, "last4": last4}

    return partner_requests.answer(asked, execute)
