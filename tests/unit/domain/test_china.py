"""China's time zone."""

from datetime import datetime, timedelta

from backend.domain.china import CHINA


def test_china_is_eight_hours_ahead_all_year() -> None:
    for month in range(1, 13):
        assert datetime(2023, month, 15, tzinfo=CHINA).utcoffset() == timedelta(hours=8)
