"""A bank's form is read from YAML, or refused with every fault."""

from dataclasses import replace

import pytest

from backend.domain.payouts import PayoutLayoutInvalid
from backend.services import payout_layouts
from tests.factories import City

SAMPLE = payout_layouts.SAMPLE.read_text()


def test_the_sample_is_used_until_a_layout_is_given(city: City) -> None:
    assert payout_layouts.current().name == "示例银行代发"
    given = SAMPLE.replace("示例银行代发", "另一家银行").encode()
    city.app.extensions["settings"] = replace(city.settings, payout_layout=given)
    try:
        assert payout_layouts.current().name == "另一家银行"
    finally:
        city.app.extensions["settings"] = city.settings


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("encoding: gbk", "encoding: big5", "line 8 encoding"),
        ("field: holder", "field: owner", "columns[2].field"),
        ("{field: amount_yuan, title: 金额}", "{field: empty}", "wants columns: amount"),
        ("amount_yuan, outcome", "amount_yuan, reason", "wants answer.columns: outcome"),
        ("failed: [失败]", "failed: [成功]", "wants answer: words"),
        ("format: delimited", "format: fixed", "a width for each"),
        ('"{number}', '"{password}', "header names something unknown"),
        ("name: 示例银行代发", "name: &a 示例银行代发", "line 6"),
        ("remark: 消费券", "note: 消费券", "note"),
    ],
)
def test_a_layout_that_could_not_work_is_refused(old: str, new: str, told: str) -> None:
    assert old in SAMPLE
    with pytest.raises(PayoutLayoutInvalid) as refused:
        payout_layouts.read(SAMPLE.replace(old, new, 1).encode())
    assert told in str(refused.value)


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(PayoutLayoutInvalid):
        payout_layouts.read(b"\xff\xfe\x00")
