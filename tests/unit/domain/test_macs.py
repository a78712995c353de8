"""MACs: another text, key or purpose is another MAC."""

import hashlib
import hmac
import re

from backend.domain.macs import mac

KEY = bytes(range(32))


def test_a_mac_is_22_characters_that_a_url_carries() -> None:
    assert re.fullmatch("[0-9A-Za-z_-]{22}", mac("text", key=KEY, purpose=b"one"))


def test_it_is_the_same_tomorrow() -> None:
    assert mac("惠券", key=KEY, purpose=b"access-token") == "ExwTNasf7D49JvyUlEKO8w"


def test_another_text_key_or_purpose_is_another_mac() -> None:
    found = {
        mac("text", key=KEY, purpose=b"one"),
        mac("texT", key=KEY, purpose=b"one"),
        mac("text", key=KEY[::-1], purpose=b"one"),
        mac("text", key=KEY, purpose=b"two"),
        mac("", key=KEY, purpose=b"one"),
        hmac.digest(KEY, b"text", hashlib.sha256).hex()[:22],
    }
    assert len(found) == 6
