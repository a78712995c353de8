"""What a placard says, and what of a scanned text is believed."""

import dataclasses
import json
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchant_qr.payload import (
    AmountCode,
    ForeignLink,
    ForgedAmountCode,
    ForgedPlacard,
    PlacardCode,
    amount_code,
    amount_url,
    code_from_url,
    decode_q,
    is_amount_code,
    is_scene,
    placard_code,
    placard_url,
    read_amount_code,
    read_placard_code,
    scheme_link,
)

VECTORS = json.loads(
    (Path(__file__).parents[2] / "contracts/vectors/wechat_codes.json").read_text(encoding="utf-8")
)
ONLOAD = VECTORS["onload_q"]
BASE_URL = ONLOAD["rule_prefix"].removesuffix("/m/")
KEY = bytes(range(32))
CODE = "TJ0001-3-ECCWCF3SWEATIQ6H"  # printed: must never change for this key

merchant_ids = st.from_regex(r"[A-Z]{2}[0-9]{4,8}", fullmatch=True)
serials = st.integers(1, 9999)
keys = st.binary(min_size=16, max_size=64)


def test_a_printed_placard_stays_valid() -> None:
    assert placard_code(merchant_id="TJ0001", serial=3, key=KEY) == CODE
    assert read_placard_code(CODE, key=KEY) == PlacardCode(merchant_id="TJ0001", serial=3)


@given(merchant_ids, serials, keys)
def test_every_placard_reads_back_and_fits_a_wechat_scene(
    merchant_id: str, serial: int, key: bytes
) -> None:
    code = placard_code(merchant_id=merchant_id, serial=serial, key=key)
    assert read_placard_code(code, key=key) == PlacardCode(merchant_id=merchant_id, serial=serial)
    assert len(code) <= 32
    assert is_scene(code)
    assert set(code) <= set(string.ascii_letters + string.digits + "_-")
    assert code_from_url(placard_url(BASE_URL, code), base_url=BASE_URL) == code


def test_the_longest_placard_code_is_32_characters() -> None:
    assert len(placard_code(merchant_id="TJ12345678", serial=9999, key=KEY)) == 32


def test_changing_any_one_character_forges_the_code() -> None:
    others = string.ascii_letters + string.digits + "-_ ３"
    for i, right in enumerate(CODE):
        for wrong in set(others) - {right}:
            with pytest.raises(ForgedPlacard):
                read_placard_code(CODE[:i] + wrong + CODE[i + 1 :], key=KEY)


def test_a_signature_moved_to_another_merchant_or_serial_is_forged() -> None:
    mac = CODE.rpartition("-")[2]
    for named in ("TJ0002-3", "TJ0001-4", "TJ00013-3", "TJ0001-33"):
        with pytest.raises(ForgedPlacard):
            read_placard_code(f"{named}-{mac}", key=KEY)


def test_a_code_of_another_key_is_forged() -> None:
    with pytest.raises(ForgedPlacard):
        read_placard_code(CODE, key=bytes(32))


@pytest.mark.parametrize(
    "spelling",
    [
        CODE.lower(),
        CODE.replace("-3-", "-03-"),
        CODE.replace("-3-", "-３-"),
        CODE.replace("0001", "０００１"),
        CODE.replace("-3-", "-+3-"),
        f" {CODE}",
        f"{CODE} ",
        f"{CODE}\n",
        f"{CODE}=",
        CODE[:-1],
        CODE.replace("-", "－"),
        CODE.replace("-", ""),
        "",
    ],
)
def test_a_placard_has_exactly_one_text(spelling: str) -> None:
    with pytest.raises(ForgedPlacard):
        read_placard_code(spelling, key=KEY)


@given(st.text(max_size=40))
def test_any_other_text_is_refused_without_another_error(text: str) -> None:
    with pytest.raises(ForgedPlacard):
        read_placard_code(text, key=KEY)


@pytest.mark.parametrize(
    "merchant_id", ["TJ123", "TJ123456789", "tj0001", "T0001", "TJ０００１", "TJ0001\n", ""]
)
def test_a_merchant_id_outside_its_form_gets_no_placard(merchant_id: str) -> None:
    with pytest.raises(ValueError, match="merchant id"):
        placard_code(merchant_id=merchant_id, serial=1, key=KEY)


@pytest.mark.parametrize("serial", [0, -1, 10000])
def test_a_serial_outside_1_to_9999_gets_no_placard(serial: int) -> None:
    with pytest.raises(ValueError, match="serial"):
        placard_code(merchant_id="TJ0001", serial=serial, key=KEY)


def test_a_key_below_16_bytes_signs_nothing() -> None:
    assert placard_code(merchant_id="TJ0001", serial=1, key=bytes(16))
    with pytest.raises(ValueError, match="16 bytes"):
        placard_code(merchant_id="TJ0001", serial=1, key=bytes(15))


@pytest.mark.parametrize("case", ONLOAD["valid"])
def test_our_link_gives_its_code_scanned_or_as_q(case: dict[str, Any]) -> None:
    assert code_from_url(case["url"], base_url=BASE_URL) == case["merchant"]
    assert decode_q(case["q"], base_url=BASE_URL) == case["merchant"]


@pytest.mark.parametrize("case", ONLOAD["invalid"])
def test_a_link_that_only_resembles_ours_is_foreign_scanned_or_as_q(case: dict[str, Any]) -> None:
    with pytest.raises(ForeignLink):
        code_from_url(case["url"], base_url=BASE_URL)
    with pytest.raises(ForeignLink):
        decode_q(case["q"], base_url=BASE_URL)


@pytest.mark.parametrize(
    "text",
    [
        f"{BASE_URL}/m/TJ000123/",
        f"{BASE_URL}/m/TJ000123#x",
        f"{BASE_URL}/m/TJ000123\n",
        f"{BASE_URL}/m/TJ000123?f=1\n",
        f"{BASE_URL}//m/TJ000123",
        f"{BASE_URL}:8443/m/TJ000123",
        f"{BASE_URL}/m/..",
        f"{BASE_URL}/m/{'A' * 33}",
        f" {BASE_URL}/m/TJ000123",
        f"{BASE_URL}/m/TJ００１２３",
        "TJ000123",
        "",
    ],
)
def test_a_link_in_any_other_spelling_is_foreign(text: str) -> None:
    with pytest.raises(ForeignLink):
        code_from_url(text, base_url=BASE_URL)


def test_q_is_decoded_exactly_once() -> None:
    once = ONLOAD["valid"][0]["q"]
    twice = once.replace("%", "%25")
    assert decode_q(once, base_url=BASE_URL) == "TJ000123"
    with pytest.raises(ForeignLink):
        decode_q(twice, base_url=BASE_URL)
    with pytest.raises(ForeignLink):
        decode_q(once.replace("TJ", "TJ%2530"), base_url=BASE_URL)  # would become a 0 at last


def test_q_that_is_not_utf8_is_foreign() -> None:
    with pytest.raises(ForeignLink):
        decode_q(ONLOAD["valid"][0]["q"] + "%ff", base_url=BASE_URL)


def test_a_printed_link_holds_a_code_and_nothing_else() -> None:
    assert placard_url(BASE_URL, "TJ000123") == ONLOAD["valid"][0]["url"]
    for code in ("../admin", "a/b", "a?b", "", "x" * 33, "同江"):
        with pytest.raises(ValueError, match="placard code"):
            placard_url(BASE_URL, code)


@pytest.mark.parametrize("case", VECTORS["plain_scheme"])
def test_the_scheme_link_is_as_documented(case: dict[str, Any]) -> None:
    wanted = case.pop("expect")
    assert scheme_link(**case) == wanted


def test_a_value_in_a_scheme_query_cannot_add_a_parameter() -> None:
    link = scheme_link(appid="wx1", path="pages/m", query={"m": "a&env_version=trial#"})
    assert link.count("env_version=") == 1
    assert "#" not in link


def test_a_scheme_query_ends_at_512_encoded_characters() -> None:
    fits = "a" * (512 - len("m%3D"))
    assert fits in scheme_link(appid="wx1", path="pages/m", query={"m": fits})
    with pytest.raises(ValueError, match="512"):
        scheme_link(appid="wx1", path="pages/m", query={"m": fits + "a"})


@pytest.mark.parametrize("path", ["/pages/m", "pages/m?x=1", "pages/m&x", ""])
def test_a_scheme_path_has_no_leading_slash_and_no_query(path: str) -> None:
    with pytest.raises(ValueError, match="page path"):
        scheme_link(appid="wx1", path=path, query={})


def test_a_scheme_needs_a_plain_appid() -> None:
    with pytest.raises(ValueError, match="appid"):
        scheme_link(appid="wx1&path=x", path="pages/m", query={})


@pytest.mark.parametrize("text", VECTORS["scene"]["valid"])
def test_wechat_takes_the_scene(text: str) -> None:
    assert is_scene(text)


@pytest.mark.parametrize("text", [*VECTORS["scene"]["invalid"], "m=TJ000123\n"])
def test_wechat_refuses_the_scene(text: str) -> None:
    assert not is_scene(text)


ASKED = AmountCode(merchant_id="TJ0003", order_amount_fen=12_800, number=7, expires_s=1_682_647_500)


@given(
    merchant_ids,
    st.integers(1, 100_000_000),
    st.integers(1, 10**12 - 1),
    st.integers(10**9, 10**10 - 1),
)
def test_every_amount_code_reads_back_through_its_link(
    merchant_id: str, amount_fen: int, number: int, expires_s: int
) -> None:
    said = AmountCode(
        merchant_id=merchant_id, order_amount_fen=amount_fen, number=number, expires_s=expires_s
    )
    code = amount_code(said, key=KEY)
    assert len(code) <= 61
    assert code_from_url(amount_url(BASE_URL, code), base_url=BASE_URL) == code
    assert read_amount_code(code, key=KEY) == said


def test_changing_any_one_character_forges_an_amount_code() -> None:
    code = amount_code(ASKED, key=KEY)
    for i, right in enumerate(code):
        for wrong in set(string.ascii_letters + string.digits + "-_ ３") - {right}:
            with pytest.raises(ForgedAmountCode):
                read_amount_code(code[:i] + wrong + code[i + 1 :], key=KEY)
    with pytest.raises(ForgedAmountCode):
        read_amount_code(code, key=bytes(32))


def test_a_placard_is_no_amount_code_and_an_amount_code_no_placard() -> None:
    code = amount_code(ASKED, key=KEY)
    assert is_amount_code(code)
    assert not is_amount_code(CODE)
    with pytest.raises(ForgedPlacard):
        read_placard_code(code, key=KEY)
    # Nor does one's signature serve the other, though one key makes both.
    mac = CODE.rpartition("-")[2]
    with pytest.raises(ForgedAmountCode):
        read_amount_code(f"{code.rpartition('-')[0]}-{mac}", key=KEY)
    with pytest.raises(ValueError, match="amount code"):
        amount_url(BASE_URL, CODE)


@pytest.mark.parametrize(
    "wrong",
    [
        {"merchant_id": "tj0003"},
        {"order_amount_fen": 0},
        {"order_amount_fen": 10**9},
        {"number": 0},
        {"expires_s": 10**9 - 1},
    ],
)
def test_an_amount_code_of_what_it_cannot_say_is_not_made(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="amount code"):
        amount_code(dataclasses.replace(ASKED, **wrong), key=KEY)
