"""Yuan exists here and on screens only; everywhere else money is integer fen."""

import re

MAX_AMOUNT_FEN = 100_000_000  # one million yuan: no purchase of the programme comes near


_YUAN = re.compile(r"(0|[1-9][0-9]{0,12})(?:\.([0-9]{1,2}))?", re.ASCII)


def fen_of_yuan(text: str) -> int | None:
    """Return an amount of yuan in fen: '85.5' -> 8550; None for anything but such a number."""
    found = _YUAN.fullmatch(text)
    return None if found is None else int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))


def yuan_text(amount_fen: int) -> str:
    """Return an amount of fen as yuan with two decimals: 8550 -> '85.50'."""
    sign = "-" if amount_fen < 0 else ""
    return f"{sign}{abs(amount_fen) // 100}.{abs(amount_fen) % 100:02d}"


def yuan_grouped(amount_fen: int) -> str:
    """Return an amount of fen as people read a large one: 10500000 -> '105,000.00'."""
    sign = "-" if amount_fen < 0 else ""
    return f"{sign}{abs(amount_fen) // 100:,}.{abs(amount_fen) % 100:02d}"
