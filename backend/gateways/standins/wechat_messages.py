"""What a subscribe message's values may look like. Source: WeChat, 订阅消息参数值内容限制."""

import re
from collections.abc import Mapping

_CLOCK_TIME = r"([01]?[0-9]|2[0-3]):[0-5][0-9]"
_DATE = r"[0-9]{4}年(1[0-2]|0?[1-9])月(3[01]|[12][0-9]|0?[1-9])日"
_HAN = r"[\u4e00-\u9fff]"
_TIME = rf"({_DATE} )?{_CLOCK_TIME}"
_DAY = rf"{_DATE}( {_CLOCK_TIME})?"

_KINDS = {
    kind: re.compile(pattern)
    for kind, pattern in {
        "thing": r"[^\r\n]{1,20}",
        "number": r"(?=(\.?[0-9]){1,32}$)[0-9]+(\.[0-9]+)?",
        "letter": r"[A-Za-z]{1,32}",
        "symbol": r"[^\w\s]{1,5}",
        "character_string": r"[!-~]{1,32}",
        "time": rf"{_TIME}(~{_TIME})?",
        "date": rf"{_DAY}(~{_DAY})?",
        "amount": r"[¥￥$€£]?[0-9]{1,10}(\.[0-9]+)?元?",
        "phone_number": r"[0-9+\- ]{1,17}",
        "car_number": rf"(?=.{{1,8}}$){_HAN}?[A-Za-z0-9]+{_HAN}?",
        "name": rf"(?=.*{_HAN})[\w ·]{{1,10}}|[A-Za-z ·.]{{1,20}}",
        "phrase": rf"{_HAN}{{1,5}}",
    }.items()
}
_KEY = re.compile(r"([a-z_]+)[0-9]+")


def bad_field(data: object) -> str | None:
    """Return where WeChat would find fault, e.g. `data.thing1.value`, or None.

    :param data: `{"thing1": {"value": "…"}, …}`; the key's letters name the kind of the value
    """
    if not isinstance(data, Mapping) or not data:
        return "data"
    for key, given in data.items():
        kind = _KEY.fullmatch(key)
        pattern = _KINDS.get(kind.group(1)) if kind else None
        value = given.get("value") if isinstance(given, Mapping) else None
        if pattern is None or not isinstance(value, str) or not pattern.fullmatch(value):
            return f"data.{key}.value"
    return None
