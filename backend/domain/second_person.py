"""Two people (双人复核): who proposed a thing about money or merchants never confirms it."""

from backend.domain.errors import HuiquanError


class SecondPersonNeeded(HuiquanError):
    code = "second_person_needed"
    message = "同一人不能既经办又复核，请由另一位工作人员办理"
    category = "forbidden"


def refuse_own_work(*, made_by: str, checked_by: str) -> None:
    """Refuse a check by whoever made what is checked; names are compared without case or spaces.

    Source: the city's demand for controlled use of funds (规范资金使用，完善管理机制).
    """
    if made_by.strip().casefold() == checked_by.strip().casefold():
        raise SecondPersonNeeded(f"{checked_by!r} made it")
