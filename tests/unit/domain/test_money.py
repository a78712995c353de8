"""Yuan on screens."""

import pytest

from backend.domain.money import yuan_text


@pytest.mark.parametrize(
    ("fen", "text"),
    [(0, "0.00"), (5, "0.05"), (100, "1.00"), (8_550, "85.50"), (-1, "-0.01"), (-250, "-2.50")],
)
def test_fen_are_shown_as_yuan_with_two_decimals(fen: int, text: str) -> None:
    assert yuan_text(fen) == text
