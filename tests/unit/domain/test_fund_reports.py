"""The fund report's rules: when it may be made, its rates, floors and differences."""

from datetime import date

import pytest

from backend.domain.fund_reports import (
    FIGURES,
    ReportDayNotOver,
    differences,
    floor_lines,
    rate_text,
    refuse_unless_over,
)


def row(kind: str = "pot", id_: str = "FUND93/Q1", **figures: int) -> dict[str, object]:
    names = {"kind": kind, "id": id_, "name": id_, "fund_id": "FUND93", "quarter": "Q1"}
    return {**names, "floor_fen": 0, **dict.fromkeys(FIGURES, 0), **figures}


def test_a_report_is_of_a_day_that_is_over() -> None:
    refuse_unless_over(date(2023, 4, 27), date(2023, 4, 28))
    with pytest.raises(ReportDayNotOver):
        refuse_unless_over(date(2023, 4, 28), date(2023, 4, 28))


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(0, 0, "—"), (1, 8, "12.5%"), (1, 3, "33.3%"), (1, 2000, "0.1%"), (1, 2001, "0.0%")],
)
def test_a_rate_is_rounded_half_up_to_a_tenth(part: int, whole: int, text: str) -> None:
    assert rate_text(part, whole) == text


@pytest.mark.parametrize(
    ("spent_fen", "locked_fen", "reached"),
    [(99, 0, (False, False)), (99, 1, (False, True)), (100, 0, (True, True))],
)
def test_a_floor_is_reached_by_its_last_fen(
    spent_fen: int, locked_fen: int, reached: tuple[bool, bool]
) -> None:
    rows = [row(floor_fen=100, spent_fen=spent_fen, locked_fen=locked_fen), row(id_="FUND93/Q2")]
    (line,) = floor_lines(rows)
    assert (line["reached_by_spent"], line["reached_by_given"]) == reached
    assert line["given_fen"] == spent_fen + locked_fen


def test_every_figure_that_differs_is_named_with_its_row() -> None:
    frozen = {"rows": [row("programme", ""), row("campaign", "A", spent_fen=1), row("fund", "B")]}
    found = {"rows": [row("programme", ""), row("campaign", "A", spent_fen=2), row("fund", "C")]}
    assert differences(frozen, found) == [
        {"line": 2, "where": "A", "reason": "已用合计 1 → 2"},
        {"line": 3, "where": "B", "reason": "本次没有这一行"},
        {"line": 3, "where": "C", "reason": "本次多出这一行"},
    ]
    assert len(differences(frozen, frozen)) == 1  # a difference that no figure shows
