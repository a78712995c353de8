"""Mobile numbers, credit codes and merchant numbers, by the published vectors."""

import json
from pathlib import Path

import pytest

from backend.domain.identifiers import (
    is_merchant_number,
    is_mobile,
    is_of_virtual_operator,
    is_uscc,
    masked_mobile,
)
from merchant_qr import payment_code

VECTORS = json.loads(
    (Path(__file__).parents[2] / "contracts/vectors/identifiers.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("text", VECTORS["uscc"]["valid"])
def test_a_credit_code_is_taken_and_no_single_changed_character_is(text: str) -> None:
    assert is_uscc(text)
    for place, char in enumerate(text):
        for other in set(VECTORS["uscc"]["alphabet"]) - {char}:
            assert not is_uscc(text[:place] + other + text[place + 1 :])


@pytest.mark.parametrize("text", [*VECTORS["uscc"]["invalid"], "", "91110000600037341L\n"])
def test_what_is_no_credit_code_is_refused(text: str) -> None:
    assert not is_uscc(text)


def test_mobile_numbers_are_told_from_what_only_looks_like_one() -> None:
    assert all(is_mobile(text) for text in VECTORS["mobile"]["valid"])
    assert not any(is_mobile(text) for text in [*VECTORS["mobile"]["invalid"], "13800138000\n"])


@pytest.mark.parametrize("case", VECTORS["mobile"]["mask"], ids=lambda case: case["in"])
def test_a_shown_number_keeps_three_and_four_digits(case: dict[str, str]) -> None:
    assert masked_mobile(case["in"]) == case["expect"]


@pytest.mark.parametrize("case", VECTORS["mid"], ids=lambda case: case["mid"])
def test_a_merchant_number_has_15_digits_and_its_trade_within(case: dict[str, str]) -> None:
    assert is_merchant_number(case["mid"])
    assert case["mid"][7:11] == case["mcc_digits_8_to_11"]
    assert not is_merchant_number(case["mid"][:-1])
    assert not is_merchant_number("８" + case["mid"][1:])


@pytest.mark.parametrize("case", VECTORS["luhn"], ids=lambda case: case["number"])
def test_our_check_digit_is_luhns(case: dict[str, str]) -> None:
    assert payment_code.luhn_fits(case["number"]) == case["expect"]


@pytest.mark.parametrize("prefix", ["162", "165", "167", "170", "171"])
def test_a_virtual_operators_number_is_known_by_its_beginning(prefix: str) -> None:
    assert is_of_virtual_operator(prefix + "12345678")


@pytest.mark.parametrize("prefix", ["138", "166", "172", "199", "116"])
def test_other_numbers_are_not_of_a_virtual_operator(prefix: str) -> None:
    assert not is_of_virtual_operator(prefix + "17012345")
