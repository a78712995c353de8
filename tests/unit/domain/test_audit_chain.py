"""The chain of hashes: anybody can compute it, and whatever is touched is named."""

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from backend.domain import audit_chain
from backend.domain.audit_chain import FIRST_PREVIOUS, Entry, Seal
from backend.domain.china import CHINA

AT = datetime(2023, 4, 28, 10, 0, tzinfo=CHINA)
Row = tuple[Seal, Entry | None]


def entry(id_: int) -> Entry:
    return Entry(
        id=id_, at=AT, actor="li.wei", action="campaign.pause", subject="Q2-MAY", details={"n": id_}
    )


def chain(length: int) -> list[Row]:
    rows: list[Row] = []
    previous = FIRST_PREVIOUS
    for position in range(1, length + 1):
        one = entry(100 + position)
        found = audit_chain.hash_of(one, position=position, previous_hash=previous, sealed_at=AT)
        seal = Seal(
            position=position,
            entry_id=one.id,
            sealed_at=AT,
            previous_hash=previous,
            hash=found,
        )
        rows.append((seal, one))
        previous = found
    return rows


def found(rows: list[Row]) -> list[tuple[int, str]]:
    return [(fault.position, fault.what) for fault in audit_chain.faults(rows)]


def test_a_hash_is_sha_256_over_sorted_ascii_json() -> None:
    written = (
        '{"action":"campaign.pause","actor":"\\u674e","at":"2023-04-28T02:00:00.000000+00:00",'
        '"details":{"n":101},"entry_id":101,"position":1,"previous_hash":"' + "0" * 64 + '",'
        '"sealed_at":"2023-04-28T02:00:05.000000+00:00","subject":"Q2-MAY"}'
    )
    assert (
        audit_chain.hash_of(
            replace(entry(101), actor="李"),
            position=1,
            previous_hash=FIRST_PREVIOUS,
            sealed_at=AT + timedelta(seconds=5),
        )
        == hashlib.sha256(written.encode()).hexdigest()
    )


def test_an_untouched_chain_has_no_fault() -> None:
    assert found([]) == []
    assert found(chain(5)) == []


@pytest.mark.parametrize(
    "change",
    [
        {"at": AT + timedelta(microseconds=1)},
        {"actor": "wang.fang"},
        {"action": "campaign.resume"},
        {"subject": "Q3-NIGHT"},
        {"details": {"n": 103, "more": None}},
    ],
)
def test_an_altered_entry_is_named_and_no_other(change: dict[str, object]) -> None:
    rows = chain(5)
    rows[2] = (rows[2][0], replace(entry(103), **change))  # type: ignore[arg-type]  # one field
    assert found(rows) == [(3, "审计记录 103 或它的封存被改动")]


def test_a_removed_entry_a_removed_seal_and_a_removed_pair_are_named() -> None:
    rows = chain(5)
    assert found([*rows[:2], (rows[2][0], None), *rows[3:]]) == [(3, "审计记录 103 被删除")]
    assert found([*rows[:2], *rows[3:]]) == [(3, "第 3 至 3 位的封存被删除")]
    assert found(rows[2:]) == [(1, "第 1 至 2 位的封存被删除")]


def test_an_entry_that_was_altered_and_sealed_anew_breaks_the_next_link() -> None:
    rows = chain(5)
    forged = replace(entry(103), actor="wang.fang")
    seal = rows[2][0]
    anew = audit_chain.hash_of(
        forged, position=3, previous_hash=seal.previous_hash, sealed_at=seal.sealed_at
    )
    rows[2] = (replace(seal, hash=anew), forged)
    assert found(rows) == [(4, "第 3 位的封存被替换")]


def test_a_seal_whose_time_was_altered_is_named() -> None:
    rows = chain(3)
    rows[1] = (replace(rows[1][0], sealed_at=AT + timedelta(seconds=1)), rows[1][1])
    assert found(rows) == [(2, "审计记录 102 或它的封存被改动")]


@pytest.mark.parametrize(("seconds", "late"), [(0, False), (60, False), (61, True), (-61, True)])
def test_an_entry_is_late_when_its_seal_is_more_than_60_seconds_away(
    seconds: int, late: bool
) -> None:
    seal, one = chain(1)[0]
    assert one is not None
    moved = replace(seal, sealed_at=AT + timedelta(seconds=seconds))
    assert audit_chain.is_late(one, moved) is late
