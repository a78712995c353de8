"""What a shop says of itself is checked column by column."""

from datetime import date

import pytest

from backend.domain import applicants as rules
from tests.joining import applicant, signature, tills, uscc

DOMAINS = ("FOOD", "SUPER")


def test_a_right_shop_has_no_fault() -> None:
    assert list(rules.applicant_faults(applicant(), DOMAINS)) == []
    assert list(rules.applicant_faults(applicant(licence_number=None), DOMAINS)) == []


@pytest.mark.parametrize(
    ("field", "wrong", "column"),
    [
        ("name", "", "商户名称"),
        ("name", "店" * 61, "商户名称"),
        ("name", "小馆\u202e", "商户名称"),
        ("legal_name", " 公司", "营业执照名称"),
        ("uscc", uscc(1)[:-1] + "I", "统一社会信用代码"),
        ("licence_number", "2308816", "营业执照编号"),
        ("domain_id", "CASINO", "领域"),
        ("area", "a\nb", "区域"),
        ("address", "", "地址"),
        ("contact", "王" * 41, "联系人"),
        ("phone", "0454-2922", "联系电话"),
    ],
)
def test_each_wrong_value_is_named_by_its_column(field: str, wrong: str, column: str) -> None:
    found = list(rules.applicant_faults(applicant(**{field: wrong}), DOMAINS))
    assert [where for where, _ in found] == [column]


def test_a_signature_is_under_a_known_text_by_somebody_and_not_of_tomorrow() -> None:
    today = date(2023, 4, 20)
    assert list(rules.signature_faults(signature(signed_on=today), {1}, today=today)) == []
    wrong = signature(text_version=2, signed_by="", signed_on=date(2023, 4, 21))
    found = [where for where, _ in rules.signature_faults(wrong, {1}, today=today)]
    assert found == ["承诺书版本", "签订人", "签订日期"]


def test_tills_have_numbers_of_15_digits_and_terminals_of_8_characters_each_once() -> None:
    assert list(rules.till_faults(tills())) == []
    fifty = tuple(f"{n:08d}" for n in range(50))
    assert list(rules.till_faults(tills(terminal_numbers=fifty))) == []
    for wrong, column in (
        (tills(merchant_number="89826100000001"), "商户号"),
        (tills(terminal_numbers=("1234567",)), "终端号"),
        (tills(terminal_numbers=("12345678", "12345678")), "终端号"),
        (tills(terminal_numbers=(*fifty, "00000050")), "终端号"),
    ):
        assert [where for where, _ in rules.till_faults(wrong)] == [column]
