"""Whose an address is, and its range."""

import pytest

from backend.domain import addresses


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8.8.4.4", "8.8.4.0/24"),
        ("::ffff:8.8.4.200", "8.8.4.0/24"),
        ("2400:3200:1:1:ffff::1", "2400:3200:1:1::/64"),
    ],
)
def test_a_range_is_a_24_or_a_64(text: str, expected: str) -> None:
    found = addresses.parse(text)
    assert found is not None
    assert addresses.range_of(found) == expected


@pytest.mark.parametrize("text", ["", "unix", "8.8.4", "8.8.4.4:80", "8.8.4.4 "])
def test_what_is_no_address_is_none(text: str) -> None:
    assert addresses.parse(text) is None


@pytest.mark.parametrize(
    ("forwarded_for", "trusted_proxies", "expected"),
    [
        ("6.6.6.6, 8.8.4.4", 0, "127.0.0.1"),
        ("6.6.6.6, 8.8.4.4", 1, "8.8.4.4"),
        ("6.6.6.6, 8.8.4.4", 2, "6.6.6.6"),
        ("6.6.6.6, 8.8.4.4", 3, "127.0.0.1"),
        ("", 1, "127.0.0.1"),
        ("6.6.6.6, ", 1, "127.0.0.1"),
    ],
)
def test_only_what_our_own_proxies_wrote_is_believed(
    forwarded_for: str, trusted_proxies: int, expected: str
) -> None:
    found = addresses.behind_proxies("127.0.0.1", forwarded_for, trusted_proxies=trusted_proxies)
    assert found == expected
