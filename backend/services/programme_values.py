"""Values of a programme file that have a form of their own: days, moments, hours, a place."""

import re
from datetime import date, datetime
from typing import Annotated

from pydantic import PlainValidator
from pydantic_core import PydanticCustomError

from backend.clock import day_bounds
from backend.domain.china import CHINA

SAID = "said"  # the type of an error whose message is already a sentence for the clerk

# Years of this century only: the end of 9999-12-31 does not exist.
_DAY = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}")
_MINUTE = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]")
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
# China lies north of the equator and east of Greenwich: no sign is wanted.
_CENTRE = re.compile(r"([0-9]{1,2})[.]([0-9]{6}), ?([0-9]{1,3})[.]([0-9]{6})")
_HOURS = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])")


def said(sentence: str) -> PydanticCustomError:
    return PydanticCustomError(SAID, "{sentence}", {"sentence": sentence})


def _moment(value: object, form: re.Pattern[str], wanted: str) -> datetime:
    if isinstance(value, str) and form.fullmatch(value):
        try:
            return datetime.fromisoformat(value).replace(tzinfo=CHINA)
        except ValueError:  # the 30th of February
            raise said(f"没有 {value[:10]} 这一天") from None
    raise said(wanted)


def _day(value: object) -> date:
    return _moment(value, _DAY, "应写成 2023-01-31 这样的日期").date()


def _start_of_day(value: object) -> datetime:
    return day_bounds(_day(value))[0]


def _end_of_day(value: object) -> datetime:
    return day_bounds(_day(value))[1]


def _minute(value: object) -> datetime:
    return _moment(value, _MINUTE, "应写成 2023-01-31T10:00 这样的日期和时刻")


def _hours(value: object) -> tuple[int, int]:
    found = _HOURS.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise said('应写成 "16:00-24:00" 这样的时段')
    from_hour, from_minute, until_hour, until_minute = map(int, found.groups())
    return from_hour * 60 + from_minute, until_hour * 60 + until_minute


def _minute_of_day(value: object) -> int:
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise said('应写成 "10:00" 这样的时刻')
    return int(found[1]) * 60 + int(found[2])


def _centre(value: object) -> tuple[int, int]:
    found = _CENTRE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise said('应写成 "47.651300,132.510400" 这样的纬度和经度，各六位小数')
    return int(found[1] + found[2]), int(found[3] + found[4])


FirstDay = Annotated[datetime, PlainValidator(_start_of_day)]
LastDay = Annotated[datetime, PlainValidator(_end_of_day)]
Minute = Annotated[datetime, PlainValidator(_minute)]
MinuteOfDay = Annotated[int, PlainValidator(_minute_of_day)]
Centre = Annotated[tuple[int, int], PlainValidator(_centre)]  # millionths of a degree
Hours = Annotated[tuple[int, int], PlainValidator(_hours)]
