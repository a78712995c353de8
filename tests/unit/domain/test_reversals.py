"""A redemption is undone on its own day alone."""

from datetime import date

import pytest

from backend.domain.reversals import ReversalTooLate, refuse_late

DAY = date(2023, 5, 1)


def test_on_its_own_day_a_redemption_may_be_undone() -> None:
    refuse_late(redeemed_on=DAY, today=DAY)


@pytest.mark.parametrize("today", [date(2023, 5, 2), date(2024, 5, 1)])
def test_afterwards_a_refund_is_due(today: date) -> None:
    with pytest.raises(ReversalTooLate):
        refuse_late(redeemed_on=DAY, today=today)
