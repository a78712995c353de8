"""The JSON we read means one thing, or is refused."""

import json
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.errors import InvalidRequest
from backend.edge.http import MAX_DEPTH, StrictJSON

READER = StrictJSON(Flask(__name__))
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
NUMBERS = st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)
PLAIN = st.none() | st.booleans() | NUMBERS | TEXT
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=15
)


@given(VALUES)
def test_what_python_writes_is_read_back_the_same(value: Any) -> None:
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False)):
        assert READER.loads(text) == READER.loads(text.encode()) == value


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_whatever_is_no_json_is_refused_and_never_crashes(data: bytes | str) -> None:
    try:
        value = READER.loads(data)
    except InvalidRequest:
        return
    assert json.dumps(value, allow_nan=False, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    "text",
    [
        *("NaN", "Infinity", "-Infinity", '{"a": NaN}', "[Infinity]", "1e999", "-1e999", "[1e400]"),
        *(
            "",
            " ",
            "{",
            "[1,]",
            "{'a': 1}",
            '{"a": 1} x',
            "01",
            "+1",
            "1_0",
            "nul",
            '"\t"',
            "\ufeff1",
        ),
        "1" * 5_000,
    ],
)
def test_a_text_that_is_no_json_or_no_number_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        READER.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        *('"\\u0000"', '"\\ud800"', '["a\\u0000"]', '[["\\udfff"]]', '{"a": ["\\ud800"]}'),
        *('{"a": "\\u0000"}', '{"\\u0000": 1}', '{"\\ud800": 1}', '{"a": {"b": "x\\udc00y"}}'),
    ],
)
def test_a_text_that_sql_cannot_hold_is_refused_wherever_it_stands(text: str) -> None:
    with pytest.raises(InvalidRequest, match="NUL or half"):
        READER.loads(text)


def test_a_pair_of_surrogates_is_one_character_and_welcome() -> None:
    assert READER.loads('"\\ud83d\\ude00"') == "\U0001f600"


@pytest.mark.parametrize(
    "text", ['{"a": 1, "a": 2}', '{"x": {"a": 1, "\\u0061": 1}}', '[{"": 0, "": 0}]']
)
def test_a_key_that_appears_twice_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="twice"):
        READER.loads(text)


def test_the_same_key_on_two_levels_is_no_repetition() -> None:
    assert READER.loads('{"a": {"a": [{"a": 1}]}}') == {"a": {"a": [{"a": 1}]}}


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_nesting_ends_at_the_limit(opening: str, closing: str) -> None:
    def nested(depth: int) -> str:
        return opening * depth + "1" + closing * depth

    assert READER.loads(nested(MAX_DEPTH)) is not None
    for depth in (MAX_DEPTH + 1, 10_000):
        with pytest.raises(InvalidRequest, match="deep"):
            READER.loads(nested(depth))


def test_brackets_in_texts_and_side_by_side_are_no_nesting() -> None:
    assert READER.loads(json.dumps(["[" * 100, '"[' * 100, "\\" * 99])) is not None
    assert READER.loads("[" + "[]," * 500 + "[]]") is not None


@pytest.mark.parametrize(
    "data", [b'"\xff"', b'"\xed\xa0\x80"', b'"\xc0\x80"', b'\xff\xfe"\x00a\x00"\x00']
)
def test_bytes_that_are_no_utf_8_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidRequest):
        READER.loads(data)
