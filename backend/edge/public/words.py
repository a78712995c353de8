"""How the public pages say money, times and a campaign's phase. Pure functions."""

from datetime import datetime, timedelta
from typing import Literal

from backend.domain.china import CHINA
from backend.domain.money import yuan_text

Phase = Literal["upcoming", "open", "paused", "ended"]
PHASE_NAMES: dict[Phase, str] = {
    "upcoming": "未开始",
    "open": "进行中",
    "paused": "已暂停",
    "ended": "已结束",
}
MODE_NAMES = {
    "claim": "领券",
    "instant": "刷卡满减",
    "subsidy": "专项补贴",
    "entry": "免首道门票",
}


def phase(state: str, *, opens_at: datetime, ends_at: datetime, at: datetime) -> Phase:
    """Return where a campaign stands for a reader at a time: open in [opens_at, ends_at).

    The clock is asked besides the state, because a campaign is set to run before it opens, and the
    job that ends it comes a little after its end.
    """
    if state in ("stopped", "ended") or at >= ends_at:
        return "ended"
    if state == "paused":
        return "paused"
    return "open" if state == "running" and at >= opens_at else "upcoming"


def yuan(amount_fen: int) -> str:
    """Return fen as yuan, without decimals where there are none: 3000 -> '30', 8550 -> '85.50'."""
    return yuan_text(amount_fen).removesuffix(".00")


def large_sum(amount_fen: int) -> str:
    """Return fen as people say large sums: 110500000 -> '110.5万元'; below 10,000 yuan plainly."""
    ten_thousands, rest_fen = divmod(amount_fen, 1_000_000)
    if ten_thousands == 0 or rest_fen % 1_000:
        return f"{yuan(amount_fen)}元"
    return f"{ten_thousands}.{rest_fen:06d}".rstrip("0").removesuffix(".") + "万元"


def tier(threshold_fen: int, face_value_fen: int) -> str:
    """Return a tier as 满100减30; one without a threshold as 减35元."""
    if threshold_fen == 0:
        return f"减{yuan(face_value_fen)}元"
    return f"满{yuan(threshold_fen)}减{yuan(face_value_fen)}"


def moment(at: datetime) -> str:
    """Return a time in China to the minute: 2023年4月28日 10:00."""
    local = at.astimezone(CHINA)
    return f"{local.year}年{local.month}月{local.day}日 {local:%H:%M}"


def end(at: datetime) -> str:
    """Return an exclusive end; midnight is said as 24:00 of the day before, as notices do."""
    local = at.astimezone(CHINA)
    if local.hour or local.minute:
        return moment(at)
    return moment(local - timedelta(days=1)).replace("00:00", "24:00")


def minute_of_day(minute: int) -> str:
    """Return a minute of the day, 0 … 1440, as HH:MM; 1440 is 24:00."""
    return f"{minute // 60:02d}:{minute % 60:02d}"
