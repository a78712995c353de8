"""Yuan on screens."""

import pytest

from backend.domain.money import fen_of_yuan, yuan_grouped, yuan_text


@pytest.mark.parametrize(
    ("fen", "text"),
    [(0, "0.00"), (5, "0.05"), (100, "1.00"), (8_550, "85.50"), (-1, "-0.01"), (-250, "-2.50")],
)
def test_fen_are_shown_as_yuan_with_two_decimals(fen: int, text: str) -> None:
    assert yuan_text(fen) == text


@pytest.mark.parametrize(
    ("fen", "text"),
    [(0, "0.00"), (99_999, "999.99"), (110_500_000, "1,105,000.00"), (-100_000, "-1,000.00")],
)
def test_large_amounts_are_grouped_by_thousands_for_people(fen: int, text: str) -> None:
    assert yuan_grouped(fen) == text


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("0", 0),
        ("85.5", 8550),
        ("85.50", 8550),
        ("220000", 22_000_000),
        *(
            (text, None)
            for text in ("1,000", "-1", "1.005", "1e3", "", " 1", "01", "１", "1.", ".5")
        ),
    ],
)
def test_yuan_are_read_into_fen_and_nothing_is_guessed(text: str, fen: int | None) -> None:
    assert fen_of_yuan(text) == fen
