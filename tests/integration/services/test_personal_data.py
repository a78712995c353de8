"""Encryption and keyed hashes."""

import pytest

from backend.services.personal_data import Vault

VAULT, OTHER = Vault(bytes(32)), Vault(bytes(31) + b"1")


def test_a_text_is_read_back_only_with_its_own_key() -> None:
    sealed = VAULT.encrypt("13800138000")
    assert b"13800138000" not in sealed
    assert VAULT.decrypt(sealed) == "13800138000"
    with pytest.raises(ValueError, match="another key"):
        OTHER.decrypt(sealed)


def test_an_altered_text_is_refused() -> None:
    sealed = bytearray(VAULT.encrypt("13800138000"))
    sealed[30] ^= 1
    with pytest.raises(ValueError, match="altered"):
        VAULT.decrypt(bytes(sealed))


def test_hashes_differ_by_key_and_by_kind() -> None:
    hashes = {
        VAULT.hash("phone", "13800138000"),
        VAULT.hash("card", "13800138000"),
        OTHER.hash("phone", "13800138000"),
    }
    assert len(hashes) == 3
    assert VAULT.hash("phone", "13800138000") in hashes
