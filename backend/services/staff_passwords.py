"""Passwords of staff: which are good enough, and how they are kept.

Argon2id by argon2-cffi with its own recommended parameters (RFC 9106, second choice); zxcvbn judges
how well a password can be guessed.
"""

import functools
import secrets
import threading
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from zxcvbn import zxcvbn

from backend.domain.staff import PasswordRefused

MIN_LENGTH = 12
MAX_LENGTH = 72  # zxcvbn's own: beyond it a password could cost seconds to judge
_SAFE = 4  # zxcvbn's best of 0 to 4: 10^10 guesses and more
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # none that is read as another

_hasher = PasswordHasher()
# Each takes 64 MiB and all cores: more at once would starve the pages of those who are signed in.
_at_work = threading.BoundedSemaphore(2)


def check(password: str, *, names: tuple[str, ...]) -> None:
    """Refuse a password that could be guessed: short, common, patterned, or of the person's names.

    :param names: login name, display name and office of its holder
    """
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH or not password.isprintable():
        raise PasswordRefused("length")
    said = password.casefold()
    # Two or three Latin letters stand in many words; zxcvbn weighs those.
    if any(name.casefold() in said for name in names if len(name) > 3 or not name.isascii()):
        raise PasswordRefused("a name is in it")
    if zxcvbn(password, user_inputs=[*names, "huiquan", "惠券"])["score"] < _SAFE:
        raise PasswordRefused("easily guessed")


def hashed(password: str) -> str:
    """Return what is kept of a password."""
    with _at_work:
        return _hasher.hash(password)


def matches(password: str, kept: str | None) -> bool:
    """Say whether a password is the one that was kept; None takes as long and never matches."""
    with _at_work:
        try:
            _hasher.verify(kept or _nobodys(), password)
        except VerifyMismatchError:
            return False
    return kept is not None


def is_outdated(kept: str) -> bool:
    """Say whether it was hashed with other parameters than those of today."""
    return _hasher.check_needs_rehash(kept)


@dataclass(frozen=True, kw_only=True)
class OneTime:
    """A new random password in two halves of 60 bits: neither is of use without the other."""

    first: str
    second: str

    @property
    def whole(self) -> str:
        """What its holder types, to be changed at once."""
        return f"{self.first}-{self.second}"


def one_time() -> OneTime:
    """Make a password to be handed over."""
    return OneTime(first=_half(), second=_half())


def _half() -> str:
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(3))


@functools.cache
def _nobodys() -> str:
    return _hasher.hash(secrets.token_hex(16))
