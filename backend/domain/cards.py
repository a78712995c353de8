"""Bound cards (绑卡): known by a partner's token and four digits, never by their number."""

import re
import unicodedata

from backend.domain.errors import HuiquanError, InvalidRequest

# Card numbers have 12 to 19 digits (ISO/IEC 7812). A token of that form is refused with them,
# whatever its check digit says: a mistyped card number must not be kept either.
CARD_NUMBER = re.compile(r"[0-9]{12,19}")
TOKEN = re.compile(r"[!-~]{1,128}")
LAST4 = re.compile(r"[0-9]{4}")
PARTNER = re.compile(r"[0-9A-Za-z_-]{1,32}")
REQUEST_NUMBER = re.compile(r"[0-9A-Za-z_-]{8,64}")


class CardRequired(HuiquanError):
    code = "card_required"
    message = "请先在合作银行的手机 App 中绑定银联卡，绑定后再试"
    category = "forbidden"


class CardNumberRefused(HuiquanError):
    code = "card_number_refused"
    message = "不能提交完整的银行卡号，请改用银行给出的卡标记"
    category = "invalid"


def check_token(text: str) -> str:
    """Return a card's token as it came; raise CardNumberRefused for what may be a card's number.

    Source: plan, part six (二): 将银联卡绑定; the product keeps a token and the last four digits.
    The refusal holds no part of the text, since refusals are logged.
    """
    plain = re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", text))
    if CARD_NUMBER.fullmatch(plain):
        raise CardNumberRefused("a token in the form of a card number")
    if not TOKEN.fullmatch(text):
        raise InvalidRequest("card token: 1 to 128 printable characters")
    return text


def check_binding(*, partner_id: str, last4: str, request_number: str) -> None:
    """Raise InvalidRequest unless a notice about a card is written as agreed with its partner."""
    for name, form, text in (
        ("partner", PARTNER, partner_id),
        ("last four digits", LAST4, last4),
        ("request number", REQUEST_NUMBER, request_number),
    ):
        if not form.fullmatch(text):
            raise InvalidRequest(f"{name} has not the agreed form")
