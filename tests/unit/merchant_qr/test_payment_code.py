"""The form of our payment code, beside every other wallet's."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchant_qr.payment_code import clean, is_ours, make, wallet_of

VECTORS = json.loads(
    (Path(__file__).parents[2] / "contracts/vectors/barcodes.json").read_text(encoding="utf-8")
)
random_parts = st.from_regex(r"[0-9]{17}", fullmatch=True)
# The published example number of the Luhn algorithm is 7992739871, check digit 3.
LUHN_BODY, LUHN_CHECK = "88" + "0" * 17, "5"


@given(random_parts)
def test_a_made_code_is_20_digits_ours_and_no_other_wallets(random_digits: str) -> None:
    code = make(prefix="88", random_digits=random_digits)
    assert len(code) == 20
    assert code[:-1] == "88" + random_digits
    assert is_ours(code, prefix="88")
    assert wallet_of(code) is None
    assert not is_ours(code, prefix="77")


def test_the_check_digit_is_luhns() -> None:
    assert make(prefix="88", random_digits="0" * 17) == LUHN_BODY + LUHN_CHECK
    assert make(prefix="00", random_digits="0000000" + "7992739871") == "000000000" + "79927398713"


@given(random_parts, st.integers(0, 19), st.integers(1, 9))
def test_a_single_misread_digit_is_caught(random_digits: str, at: int, shift: int) -> None:
    code = make(prefix="88", random_digits=random_digits)
    misread = code[:at] + str((int(code[at]) + shift) % 10) + code[at + 1 :]
    assert not is_ours(misread, prefix="88")


@pytest.mark.parametrize(
    "random_digits", ["1" * 16, "1" * 18, "１" * 17, "a" * 17, "1" * 17 + "\n"]
)
def test_the_random_part_is_17_ascii_digits(random_digits: str) -> None:
    with pytest.raises(ValueError, match="random part"):
        make(prefix="88", random_digits=random_digits)


@pytest.mark.parametrize(
    "prefix", ["10", "15", "25", "30", "62", "01", "91", "8", "888", "８８", ""]
)
def test_a_prefix_of_another_wallet_is_never_ours(prefix: str) -> None:
    with pytest.raises(ValueError, match="prefix"):
        make(prefix=prefix, random_digits="1" * 17)
    with pytest.raises(ValueError, match="prefix"):
        is_ours("1" * 20, prefix=prefix)


@pytest.mark.parametrize(
    "typed",
    [
        "{0}\r\n",
        "\t{0}\n",
        " {0} ",
        "\u3000{0}\u00a0",
        "{1}",
        "{2}",
    ],
)
def test_what_a_scanner_gun_types_becomes_the_code(typed: str) -> None:
    code = make(prefix="88", random_digits="12345678901234567")
    grouped = " ".join(code[i : i + 4] for i in range(0, 20, 4))
    full_width = "".join(chr(ord(d) - ord("0") + ord("０")) for d in code)
    assert clean(typed.format(code, grouped, full_width)) == code


def test_cleaning_hides_no_foreign_character() -> None:
    assert clean("88a8-8٣") == "88a8-8٣"


@given(st.text(max_size=30))
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    assert clean(clean(text)) == clean(text)


def test_full_width_digits_and_other_lengths_are_not_ours_until_cleaned() -> None:
    code = LUHN_BODY + LUHN_CHECK
    assert is_ours(code, prefix="88")
    for text in (code + "\n", " " + code, code[:-1], code + "0", code.replace("0", "０"), ""):
        assert not is_ours(text, prefix="88")


@pytest.mark.parametrize("case", VECTORS["classify"])
def test_a_wallets_code_is_told_by_its_published_form(case: dict[str, Any]) -> None:
    assert (wallet_of(case["code"]) or "other") == case["expect"]


def test_a_wallets_code_needs_ascii_digits_and_no_line_end() -> None:
    assert wallet_of("134567890123456789") == "wechat"
    assert wallet_of("134567890123456789\n") is None
    assert wallet_of("13456789012345678９") is None
