"""The form of our own payment code, and how to tell it from other wallets' codes.

Digits only, because a Chinese input method garbles the letters a scanner gun types; 20 of them,
because an even count halves the bars of a Code 128. Never a number in JSON: 20 digits exceed 2^53.
"""

import re
from typing import Literal

DIGITS = 20
PREFIX_DIGITS = 2
RANDOM_DIGITS = 17

Wallet = Literal["wechat", "alipay", "unionpay"]

# Published forms of the other wallets' codes (WeChat Pay, Alipay and UnionPay documentation).
_WALLET_FORMS: dict[Wallet, re.Pattern[str]] = {
    "wechat": re.compile(r"1[0-5][0-9]{16}"),
    "alipay": re.compile(r"(?:2[5-9]|30)[0-9]{14,22}"),
    "unionpay": re.compile(r"62[0-9]{17}"),
}
# First digits in use by any wallet: a till that guesses by prefix must never take ours for money.
_TAKEN_PREFIXES = frozenset(
    ["01", "18", "51", "62", "81", "83", "91", "30"]
    + [str(n) for n in range(10, 16)]
    + [str(n) for n in range(25, 30)]
)
_TYPED = str.maketrans(
    dict(zip("０１２３４５６７８９", "0123456789", strict=True))
    | dict.fromkeys("\r\n\t \u00a0\u3000")
)


def make(*, prefix: str, random_digits: str) -> str:
    """Return a payment code: the prefix, the caller's 17 random digits, one Luhn check digit.

    :param prefix: two digits that no other wallet's codes begin with, e.g. "88"
    :param random_digits: 17 digits from `secrets`; this module makes no randomness of its own
    Raises ValueError for any other input.
    """
    _check_prefix(prefix)
    if not re.fullmatch(rf"[0-9]{{{RANDOM_DIGITS}}}", random_digits):
        raise ValueError(f"the random part is {RANDOM_DIGITS} digits")
    body = prefix + random_digits
    return f"{body}{-_luhn_sum(body + '0') % 10}"


def clean(text: str) -> str:
    """Return what a scanner gun meant: no line ends, tabs or blanks, full-width digits as 0-9.

    Anything else stays, so that `is_ours` and `wallet_of` see it and refuse.
    """
    return text.translate(_TYPED)


def is_ours(text: str, *, prefix: str) -> bool:
    """Tell whether a cleaned text has the form of our code and a fitting check digit.

    The check digit catches misreads before anybody looks the code up; it proves nothing.
    """
    _check_prefix(prefix)
    # [0-9], not \d: Python's \d also takes full-width and Arabic digits.
    form = re.fullmatch(rf"{prefix}[0-9]{{{RANDOM_DIGITS + 1}}}", text)
    return form is not None and luhn_fits(text)


def luhn_fits(digits: str) -> bool:
    """Tell whether the last of some digits is the Luhn check digit of the others (ISO 7812)."""
    return _luhn_sum(digits) % 10 == 0


def wallet_of(text: str) -> Wallet | None:
    """Name the other wallet whose payment code a cleaned text is, or None.

    Such a text can still be spent: tell the clerk which wallet it is, never store or log it.
    """
    return next((wallet for wallet, form in _WALLET_FORMS.items() if form.fullmatch(text)), None)


def _check_prefix(prefix: str) -> None:
    if not re.fullmatch(rf"[0-9]{{{PREFIX_DIGITS}}}", prefix) or prefix in _TAKEN_PREFIXES:
        raise ValueError("the prefix is two digits that no other wallet uses")


def _luhn_sum(digits: str) -> int:
    """Luhn sum over digits that include the check digit; a multiple of ten when it fits."""
    kept = sum(int(d) for d in digits[-1::-2])
    return kept + sum(sum(divmod(2 * int(d), 10)) for d in digits[-2::-2])
