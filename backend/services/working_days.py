"""Working days (工作日) in China: public holidays, and the weekends that are worked for them.

The State Council announces each year's days in the autumn before it; until the package has a year,
Monday to Friday count, and the log says so.
"""

from datetime import date

import structlog
from chinese_calendar import is_workday

log = structlog.get_logger()


def is_working_day(day: date) -> bool:
    """Tell whether offices work on a day."""
    if is_covered(day.year):
        return bool(is_workday(day))
    log.warning("working_days_unknown", year=day.year)
    return day.isoweekday() <= 5


def is_covered(year: int) -> bool:
    """Tell whether a year's holidays are known."""
    try:
        is_workday(date(year, 1, 1))
    except NotImplementedError:  # the package's word for it
        return False
    return True
