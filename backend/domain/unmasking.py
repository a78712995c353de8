"""Unmasking (查看完整号码): how often a day staff see a whole phone number, and how long."""

from collections.abc import Mapping

from backend.domain.errors import HuiquanError
from backend.domain.staff import Role

SHOWN_S = 60  # then the page goes back to the masked number by itself
# One person, one day. Who is not named may never.
UNMASKS_A_DAY: Mapping[Role, int] = {
    Role.BUREAU_OPERATOR: 20,
    Role.MARKET_REGULATOR: 20,  # of those who complain to it
    Role.TOURISM: 20,  # likewise
}


class UnmaskLimitReached(HuiquanError):
    code = "unmask_limit_reached"
    message = "您今天查看完整号码的次数已用完，请明天再办或由同事办理"
    category = "too_many"
