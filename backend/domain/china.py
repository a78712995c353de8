"""China's time zone: the one in which days, deadlines and validity are meant."""

from zoneinfo import ZoneInfo

CHINA = ZoneInfo("Asia/Shanghai")
