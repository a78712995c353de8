"""The hash chain of the audit log: each sealed entry carries the hash of the one before.

A hash is SHA-256, in hex, over JSON of the seal and its entry: ASCII, keys sorted, no spaces, times
in UTC with six digits of a second. Whoever holds an export can compute it anew with any language.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

FIRST_PREVIOUS = "0" * 64
SEALED_WITHIN = timedelta(seconds=60)  # an entry's time and its seal's; beyond it, it is told
# No transaction lives as long. What claims to be older than the chain by more was brought in later.
LONGEST_TRANSACTION = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What was written when a member of staff acted."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    details: Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Seal:
    """An entry's place in the chain; positions count from 1 without a gap."""

    position: int
    entry_id: int
    sealed_at: datetime
    previous_hash: str
    hash: str


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something that no act of ours leaves behind, in Chinese for who has to look into it."""

    position: int
    what: str


def hash_of(entry: Entry, *, position: int, previous_hash: str, sealed_at: datetime) -> str:
    """Return the hash that seals an entry at a position."""
    sealed = as_json(entry) | {
        "position": position,
        "previous_hash": previous_hash,
        "sealed_at": _utc(sealed_at),
    }
    return hashlib.sha256(canonical(sealed)).hexdigest()


def as_json(entry: Entry) -> dict[str, object]:
    """Return an entry as it is hashed and exported."""
    return {
        "entry_id": entry.id,
        "at": _utc(entry.at),
        "actor": entry.actor,
        "action": entry.action,
        "subject": entry.subject,
        "details": entry.details,
    }


def seal_as_json(seal: Seal) -> dict[str, object]:
    """Return what an export adds to its entry."""
    return {
        "position": seal.position,
        "previous_hash": seal.previous_hash,
        "sealed_at": _utc(seal.sealed_at),
        "hash": seal.hash,
    }


def canonical(value: Mapping[str, object]) -> bytes:
    """Return the one spelling of an object that is hashed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii")


def faults(sealed: Iterable[tuple[Seal, Entry | None]]) -> Iterator[Fault]:
    """Walk the chain by position and yield what was altered, removed or replaced, row by row."""
    position, previous_hash = 0, FIRST_PREVIOUS
    for seal, entry in sealed:
        if seal.position != position + 1:
            gap = f"{position + 1} 至 {seal.position - 1}"
            yield Fault(position=position + 1, what=f"第 {gap} 位的封存被删除")
        elif seal.previous_hash != previous_hash:
            yield Fault(position=seal.position, what=f"第 {seal.position - 1} 位的封存被替换")
        if entry is None:
            yield Fault(position=seal.position, what=f"审计记录 {seal.entry_id} 被删除")
        elif seal.hash != hash_of(
            entry,
            position=seal.position,
            previous_hash=seal.previous_hash,
            sealed_at=seal.sealed_at,
        ):
            what = f"审计记录 {seal.entry_id} 或它的封存被改动"
            yield Fault(position=seal.position, what=what)
        position, previous_hash = seal.position, seal.hash


def is_late(entry: Entry, seal: Seal) -> bool:
    """Say whether an entry's time and its seal's are further apart than the jobs ever let them."""
    return abs(seal.sealed_at - entry.at) > SEALED_WITHIN


def oldest_to_seal(last: Seal) -> datetime:
    """Return from when on entries are still sealed, given the last seal."""
    return last.sealed_at - LONGEST_TRANSACTION


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")
