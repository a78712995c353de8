"""How a text becomes lines a page can show."""

import io
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reportlab.pdfgen.canvas import Canvas

from merchant_qr.lettering import LEADING, Lettering, tidy

BOX: dict[str, Any] = {"width": 300.0, "height": 60.0, "largest": 27, "smallest": 9}


@pytest.fixture
def letters() -> Lettering:
    return Lettering(Canvas(io.BytesIO()), cjk_font=None)


def test_a_text_is_cut_at_its_limit_and_not_before() -> None:
    assert tidy("江" * 64, max_chars=64) == "江" * 64
    assert tidy("江" * 65, max_chars=64) == "江" * 63 + "…"


def test_control_format_and_private_characters_vanish_and_blanks_join() -> None:
    assert tidy(" 江\x00\u200b\ue000\ud800 \r\n\t店\u202e ", max_chars=9) == "江 店"


@pytest.mark.parametrize(
    "text", ["街津口赫哲鳇䶮", "阿依古丽·买买提", "Магазин №1", "Café（总店）"]
)
def test_rare_characters_are_kept(letters: Lettering, text: str) -> None:
    assert letters.tidy(text, max_chars=64) == text


def test_a_letter_no_face_has_is_marked_and_an_emoji_left_out(letters: Lettering) -> None:
    assert letters.tidy("老𬭎🔥⚡️烤", max_chars=64) == "老〓烤"


def test_a_short_text_takes_the_largest_size_on_one_line(letters: Lettering) -> None:
    assert letters.fit("老李包子铺", **BOX) == (27, ["老李包子铺"])


def test_a_text_one_character_too_wide_shrinks_or_wraps(letters: Lettering) -> None:
    assert letters.fit("江" * 11, **BOX)[0] == 27  # 11 × 27 = 297 points
    size, lines = letters.fit("江" * 12, **BOX)
    assert (size, "".join(lines)) == (25, "江" * 12)


def test_lines_are_filled_evenly(letters: Lettering) -> None:
    for n in range(12, 65):
        _, lines = letters.fit("江" * n, **BOX)
        assert max(map(len, lines)) == math.ceil(n / len(lines))


def test_a_closing_mark_never_begins_a_line(letters: Lettering) -> None:
    for before in range(1, 50):
        name = "江" * before + "）" + "江" * 14
        _, lines = letters.fit(name, **BOX)
        assert not any(line.startswith("）") for line in lines)
        assert "".join(lines) == name


def test_a_middle_dot_takes_half_a_character(letters: Lettering) -> None:
    assert letters.width("买·买", 10) == letters.width("买·买", 10, bold=True) == 25


def test_a_word_is_broken_only_when_it_fills_a_line(letters: Lettering) -> None:
    _, lines = letters.fit("同江" * 9 + "Магазин Дружба", **BOX)
    assert any("Магазин" in line for line in lines)
    _, lines = letters.fit("W" * 64, **BOX)
    assert "".join(lines) == "W" * 64


def test_what_fits_at_no_size_ends_in_an_ellipsis(letters: Lettering) -> None:
    size, lines = letters.fit("江" * 500, **BOX)
    assert size == 9
    assert lines[-1].endswith("…")
    assert len(lines) * LEADING * size <= BOX["height"]


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80))
def test_no_line_leaves_its_box(text: str) -> None:
    letters = Lettering(Canvas(io.BytesIO()), cjk_font=None)
    size, lines = letters.fit(letters.tidy(text, max_chars=64), **BOX)
    assert len(lines) * LEADING * size <= BOX["height"]
    assert all(letters.width(line, size, bold=True) <= BOX["width"] + size for line in lines)
