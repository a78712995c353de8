"""Yuan exists here and on screens only; everywhere else money is integer fen."""

MAX_AMOUNT_FEN = 100_000_000  # one million yuan: no purchase of the programme comes near


def yuan_text(amount_fen: int) -> str:
    """Return an amount of fen as yuan with two decimals: 8550 -> '85.50'."""
    sign = "-" if amount_fen < 0 else ""
    return f"{sign}{abs(amount_fen) // 100}.{abs(amount_fen) % 100:02d}"
