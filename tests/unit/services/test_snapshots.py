"""What is kept in memory is at most a second old, and a fault is never kept."""

import pytest

from backend.services import snapshots
from backend.services.snapshots import Snapshots


class StorageLost(Exception):
    pass


class Source:
    """Counts how often it is read."""

    def __init__(self) -> None:
        self.readings = 0
        self.broken = False

    def read(self, key: str) -> str:
        self.readings += 1
        if self.broken:
            raise StorageLost
        return f"{key}{self.readings}"


def test_a_value_is_read_once_while_it_is_young_and_again_when_it_is_old(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = Source()
    kept = Snapshots(source.read)
    at_s = 100.0
    monkeypatch.setattr(snapshots.time, "monotonic", lambda: at_s)
    assert kept.get("a") == "a1"
    at_s += snapshots.TTL_S - 0.001
    assert kept.get("a") == "a1"
    assert kept.get("b") == "b2"
    at_s += 0.001
    assert kept.kept("a") is None
    assert kept.get("a") == "a3"


def test_forgetting_reads_everything_anew() -> None:
    kept = Snapshots(Source().read)
    assert kept.get("a") == "a1"
    kept.forget()
    assert kept.get("a") == "a2"


def test_a_fault_is_not_kept_and_an_old_value_is_not_served_instead() -> None:
    source = Source()
    kept = Snapshots(source.read)
    kept.get("a")
    kept.forget()
    source.broken = True
    with pytest.raises(StorageLost):
        kept.get("a")
    source.broken = False
    assert kept.get("a") == "a3"
