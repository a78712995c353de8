"""The bounds of single values, each from both sides."""

import re

import pytest

from backend.domain.programme_fields import (
    CODE,
    EVIDENCE_CODE,
    MERCHANT_CODE,
    Form,
    amount_faults,
    form_faults,
    range_faults,
    text_faults,
)

PATH = ("here", 0)


@pytest.mark.parametrize(
    ("form", "legal", "illegal"),
    [
        (CODE, ["Q", "Q2-MAY", "9" * 32], ["", "q2", "Q2_MAY", "9" * 33, "Q2\n", "Ｑ２", "é"]),
        (MERCHANT_CODE, ["TJ0001", "TJ12345678"], ["TJ001", "TJ123456789", "T00001", "tj0001",
                                                   "TJ0001\n", "TJ٠٠٠١"]),
        (EVIDENCE_CODE, ["vin", "invoice_number", "a" * 32], ["", "VIN", "a" * 33, "车架号"]),
    ],
)  # fmt: skip
def test_a_code_has_its_form_from_first_to_last_character(
    form: Form, legal: list[str], illegal: list[str]
) -> None:
    assert [text for text in legal if list(form_faults(PATH, text, form))] == []
    for text in illegal:
        [fault] = form_faults(PATH, text, form)
        assert (fault.path, fault.reason) == (PATH, f"应为 {form.words}")


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        ("券", []),
        ("丰" * 64, []),
        ("示例·赫乡 鳇鱼馆（一店）", []),
        ("𫚉鱼馆", []),
        ("", ["不能为空"]),
        (" \t", ["不能为空", "控制字符"]),
        ("券 ", ["首尾不能有空格"]),
        ("\u3000券", ["首尾不能有空格"]),
        ("丰" * 65, ["不能超过 64 个字，现为 65 个字"]),
        ("券\n二", ["控制字符"]),
        ("券\x7f", ["控制字符"]),
        ("券\u200b二", ["控制字符"]),
        ("券\u202e二", ["控制字符"]),
        ("券\u2028二", ["控制字符"]),
        ("券\ud800二", ["控制字符"]),
    ],
)
def test_a_text_for_people_is_there_is_short_and_is_visible(text: str, reasons: list[str]) -> None:
    faults = list(text_faults(PATH, text))
    assert len(faults) == len(reasons)
    for fault, reason in zip(faults, reasons, strict=True):
        assert re.search(reason, fault.reason)


@pytest.mark.parametrize(
    ("amount_fen", "legal"), [(-1, 0), (0, 0), (1, 1), (10**11, 1), (10**11 + 1, 0)]
)
def test_an_amount_lies_between_one_fen_and_a_thousand_million_yuan(
    amount_fen: int, legal: int
) -> None:
    faults = list(amount_faults(PATH, amount_fen))
    assert len(faults) == 1 - legal
    assert all("不超过 1000000000.00 元" in fault.reason for fault in faults)


def test_a_number_outside_its_range_is_told_with_both_bounds() -> None:
    assert list(range_faults(PATH, 1, range(1, 4), "天")) == []
    assert list(range_faults(PATH, 3, range(1, 4), "天")) == []
    for value in (0, 4):
        [fault] = range_faults(PATH, value, range(1, 4), "天")
        assert fault.reason == f"应在 1 至 3 天之间，现为 {value}"
