"""What claims read from memory: rows of SQL that are at most a second old."""

import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

TTL_S = 1.0


class Snapshots(Generic[Key, Value]):
    """Values by key, each read from SQL again when it is a second old.

    :param read_one: reads one value from SQL; what it raises is not kept
    """

    def __init__(self, read_one: Callable[[Key], Value]) -> None:
        self._read_one = read_one
        self._kept: dict[Key, tuple[float, Value]] = {}

    def get(self, key: Key) -> Value:
        """Return the value, read anew when what is kept is too old."""
        kept = self.kept(key)
        return kept[0] if kept is not None else self.read(key)

    def kept(self, key: Key) -> tuple[Value, float] | None:
        """Return the value in memory and its age in seconds, or None when it is too old."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        age_s = time.monotonic() - kept[0]
        return (kept[1], age_s) if age_s < TTL_S else None

    def read(self, key: Key) -> Value:
        """Read the value from SQL and keep it."""
        now_s = time.monotonic()  # before the reading: the value is never older than it seems
        value = self._read_one(key)
        self._kept[key] = (now_s, value)
        return value

    def forget(self) -> None:
        """Read everything anew at the next call."""
        self._kept.clear()
