"""Entry waivers (首道门票): who enters free at a scenic spot's gate, counted by natural months.

    counted ──► undone      undone on its day by the gate, later by staff, never once stated
    free    ──► undone      let in free by another rule; recorded, never counted

A month's counted entries make one statement, which a second person confirms.
"""

import calendar
from datetime import date, datetime, time, timedelta
from typing import Literal

from backend.domain.china import CHINA
from backend.domain.errors import HuiquanError

EntryState = Literal["counted", "free", "undone"]
StatementState = Literal["drafted", "confirmed", "refused"]

STATE_NAMES: dict[EntryState, str] = {
    "counted": "已免票",
    "free": "本就免票，不计",
    "undone": "已撤销",
}
STATEMENT_STATE_NAMES: dict[StatementState, str] = {
    "drafted": "待复核",
    "confirmed": "已确认",
    "refused": "已退回",
}
STATED_FROM = time(0, 30)  # by then every entry of the month before is written or undone


class EntryNotOffered(HuiquanError):
    code = "entry_not_offered"
    message = "本景区现在没有进行中的免首道门票活动，请按票价售票"
    category = "rule"


class EntryLimitReached(HuiquanError):
    code = "entry_limit_reached"
    message = "该游客本月的免首道门票次数已用完，请按票价售票，下个月可再享受"
    category = "rule"


class EntryFundUsedUp(HuiquanError):
    code = "entry_fund_used_up"
    message = "免首道门票的资金已用完，请按票价售票"
    category = "rule"


class EntryNotUndoable(HuiquanError):
    """Undone already, of another day, or in a statement."""

    code = "entry_not_undoable"
    message = "该次入园已撤销、不是今天记录的或已编入月度结算单，不能撤销"
    category = "conflict"


class EntryMonthOpen(HuiquanError):
    code = "entry_month_open"
    message = "该月还没有结束，请在次月 1 日 00:30 以后出月度结算单"
    category = "rule"


class EntryStatementEmpty(HuiquanError):
    code = "entry_statement_empty"
    message = "该月没有待结算的免票入园，无需出月度结算单"
    category = "rule"


class EntryStatementDecided(HuiquanError):
    code = "entry_statement_decided"
    message = "该月度结算单已确认或已退回，不能再次办理"
    category = "conflict"


def month_of(day: date) -> str:
    """Return a day's natural month: '2023-05'. Days are calendar days in China."""
    return f"{day:%Y-%m}"


def last_day(month: str) -> date:
    """Return the last day of a month such as '2023-05'; ValueError for any other text."""
    first = datetime.strptime(month, "%Y-%m").replace(tzinfo=CHINA).date()
    if month_of(first) != month:
        raise ValueError(f"no month: {month!r}")
    return first.replace(day=calendar.monthrange(first.year, first.month)[1])


def refuse_open_month(month: str, *, now: datetime) -> date:
    """Return a month's last day, or refuse a month that is not over for everybody."""
    last = last_day(month)
    over = datetime.combine(last + timedelta(days=1), STATED_FROM, CHINA)
    if now < over:
        raise EntryMonthOpen(f"{month} is over at {over.isoformat()}")
    return last


def statement_id(campaign_id: str, month: str, number: int) -> str:
    """Return 'GATE-JJK-202305-1': campaign, month, how many for that month before."""
    return f"{campaign_id}-{month.replace('-', '')}-{number}"
