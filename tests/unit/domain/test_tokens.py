"""Access tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.tokens import Claims, TokenRefused, issue, read

KEY, OTHER = bytes(range(32)), bytes(32)
CLAIMS = Claims(role="resident", sign_in_id=5, wechat_user_id=6, subject_id=7, expires_s=1000)


def test_a_token_reads_back_until_its_last_moment() -> None:
    token = issue(CLAIMS, key=KEY)
    assert read(token, key=KEY, now_s=999.999) == CLAIMS
    with pytest.raises(TokenRefused):
        read(token, key=KEY, now_s=1000)


def test_every_single_changed_character_is_refused() -> None:
    token = issue(CLAIMS, key=KEY)
    for place, char in enumerate(token):
        for other in {"A", "9", "."} - {char}:
            with pytest.raises(TokenRefused):
                read(token[:place] + other + token[place + 1 :], key=KEY, now_s=0)


def test_another_key_another_role_and_a_longer_token_are_refused() -> None:
    token = issue(CLAIMS, key=KEY)
    for forged in (
        issue(CLAIMS, key=OTHER),
        token.replace("resident", "clerk"),
        f"{token}=",
        f"{token}.",
        token[:-1],
        "",
        ".",
    ):
        with pytest.raises(TokenRefused):
            read(forged, key=KEY, now_s=0)


@given(st.text(max_size=200))
def test_no_text_does_worse_than_be_refused(text: str) -> None:
    with pytest.raises(TokenRefused):
        read(text, key=KEY, now_s=0)
