"""Numbers by which China knows a person's phone and a business."""

import re

MOBILE = re.compile(r"1[3-9][0-9]{9}")
# Numbers of operators without a network of their own: bought in bulk for farms of accounts.
VIRTUAL_OPERATORS = ("162", "165", "167", "170", "171")
MERCHANT_NUMBER = re.compile(r"[0-9]{15}")

# GB 32100: no I, O, S, V, Z, which are misread.
_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
# GB 11714: the organisation code within, characters 9 to 17, checks itself.
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_ORGANISATION_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def is_mobile(text: str) -> bool:
    """Tell whether a text is a mainland mobile number: 11 ASCII digits, nothing around them."""
    return MOBILE.fullmatch(text) is not None


def is_of_virtual_operator(phone: str) -> bool:
    """Tell whether a mobile number is of a virtual operator's range."""
    return phone.startswith(VIRTUAL_OPERATORS)


def masked_mobile(phone: str) -> str:
    """Return a phone number as screens show it: 138****8000."""
    return f"{phone[:3]}****{phone[-4:]}"


def is_merchant_number(text: str) -> bool:
    """Tell whether a text has the form of an acquirer's merchant number: 15 digits.

    It names an institution (3), an area of the network's own (4), a trade (4) and a sequence (4);
    none of them proves what the shop sells today.
    """
    return MERCHANT_NUMBER.fullmatch(text) is not None


def is_uscc(text: str) -> bool:
    """Tell whether a text is a unified social credit code with both its checks (GB 32100)."""
    if len(text) != 18 or any(char not in _USCC_ALPHABET for char in text):
        return False
    total = sum(
        weight * _USCC_ALPHABET.index(char)
        for weight, char in zip(_USCC_WEIGHTS, text, strict=False)
    )
    if text[17] != _USCC_ALPHABET[-total % 31]:
        return False
    return text[16] == _organisation_check(text[8:16])


def _organisation_check(body: str) -> str:
    total = sum(
        weight * _ORGANISATION_ALPHABET.index(char)
        for weight, char in zip(_ORGANISATION_WEIGHTS, body, strict=True)
    )
    return "0123456789X"[-total % 11]
