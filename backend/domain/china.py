"""China's time zone: the one in which days, deadlines and validity are meant.

Asia/Shanghai has been eight hours ahead of UTC, without summer time, since 1992. Said as a fixed
offset it makes every computation with times cheaper, and needs no time zone data on the machine.
"""

from datetime import timedelta, timezone

CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")
