"""Personal data at rest: encrypted to be read by those who may, hashed with a key to be found."""

import base64
import hmac

from cryptography.fernet import Fernet, InvalidToken
from flask import current_app


class Vault:
    """Encrypts and hashes with keys derived from PERSONAL_DATA_KEY, one for each purpose."""

    def __init__(self, key: bytes) -> None:
        self._fernet = Fernet(base64.urlsafe_b64encode(hmac.digest(key, b"encrypt", "sha256")))
        self._hash_key = hmac.digest(key, b"hash", "sha256")

    def encrypt(self, text: str) -> bytes:
        """Return the text encrypted and authenticated."""
        return self._fernet.encrypt(text.encode())

    def decrypt(self, token: bytes) -> str:
        """Return the text, or raise ValueError when it was not encrypted with this key."""
        try:
            return self._fernet.decrypt(token).decode()
        except InvalidToken as error:
            raise ValueError("encrypted with another key, or altered") from error

    def seal(self, content: bytes) -> bytes:
        """Return a file's bytes encrypted and authenticated."""
        return self._fernet.encrypt(content)

    def open(self, token: bytes) -> bytes:
        """Return what was sealed, or raise ValueError when it was not with this key."""
        try:
            return self._fernet.decrypt(token)
        except InvalidToken as error:
            raise ValueError("sealed with another key, or altered") from error

    def hash(self, kind: str, value: str) -> str:
        """Return a keyed hash to look a value up by; `kind` keeps phones, cards, codes apart."""
        return hmac.digest(self._hash_key, f"{kind}:{value}".encode(), "sha256").hex()


def vault() -> Vault:
    """Return the application's vault."""
    found: Vault = current_app.extensions["vault"]
    return found
