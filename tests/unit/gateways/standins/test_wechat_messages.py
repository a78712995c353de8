"""The stand-in's limits of subscribe messages, both sides of each."""

import pytest

from backend.gateways.standins.wechat_messages import bad_field

GOOD = {
    "thing": ["消费券将于明日到期", "满80减20元餐饮券已到账请及时使用哦哦", "满" * 20],
    "number": ["20", "3.5", "1" * 32],
    "letter": ["ABC", "A" * 32],
    "symbol": ["!?", "!!!!!"],
    "character_string": ["TJ20260101000001", "A-1_b", "A" * 32],
    "time": ["15:01", "2026年1月9日 15:01", "2026年1月9日 09:00~2026年1月15日 23:59"],
    "date": ["2026年1月9日", "2026年1月9日 15:01"],
    "amount": ["20元", "¥20.00", "20.00", "1234567890"],
    "phone_number": ["+86-0454-2920000", "0" * 17],
    "car_number": ["黑D12345", "黑D123456"],
    "name": ["张三", "Zhang San", "张" * 10, "z" * 20],
    "phrase": ["领取成功", "领取成功啦"],
}
BAD = {
    "thing": ["满" * 21, ""],
    "number": ["1" * 33, "十"],
    "letter": ["AB1", "A" * 33],
    "symbol": ["!!!!!!", "a"],
    "character_string": ["A" * 33, "中文"],
    "time": ["明天下午", "24:00", "15:60"],
    "date": ["下周", "2026年13月1日"],
    "amount": ["贰拾元", "12345678901"],
    "phone_number": ["0" * 18],
    "car_number": ["黑D1234567"],
    "name": ["张" * 11, "z" * 21],
    "phrase": ["领取成功啦啦", "ok"],
}


def cases(values: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(kind, value) for kind, given in values.items() for value in given]


@pytest.mark.parametrize(("kind", "value"), cases(GOOD))
def test_a_value_within_its_limit_passes(kind: str, value: str) -> None:
    assert bad_field({f"{kind}1": {"value": value}}) is None


@pytest.mark.parametrize(("kind", "value"), cases(BAD))
def test_a_value_over_its_limit_is_named(kind: str, value: str) -> None:
    data = {"thing9": {"value": "好"}, f"{kind}1": {"value": value}}
    assert bad_field(data) == f"data.{kind}1.value"


@pytest.mark.parametrize("data", [None, [], {}, "x"])
def test_a_message_without_data_is_refused(data: object) -> None:
    assert bad_field(data) == "data"


@pytest.mark.parametrize("given", [None, "好", {}, {"value": 7}])
def test_a_value_that_is_not_wrapped_is_named(given: object) -> None:
    assert bad_field({"thing1": given}) == "data.thing1.value"


def test_an_unknown_kind_is_named() -> None:
    assert bad_field({"colour1": {"value": "red"}}) == "data.colour1.value"
