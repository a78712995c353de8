"""The audit log as files: the chain can be proved from them alone, and no cell is a formula."""

import hashlib
import io
import json
from datetime import timedelta

import pytest
from apiflask import APIFlask
from python_calamine import CalamineWorkbook

from backend import clock
from backend.services import audit_exports, audit_seals
from backend.storage.models.audit import AuditEntry
from tests.auditing import act, insert
from tests.factories import MovableClock, rows


def lines(first_day: int = 0, last_day: int = 0) -> list[dict[str, object]]:
    file = io.BytesIO()
    first = clock.today() + timedelta(days=first_day)
    count = audit_exports.write_lines(file, first, clock.today() + timedelta(days=last_day))
    found = [json.loads(line) for line in file.getvalue().splitlines()]
    assert len(found) == count
    return found


def test_the_hashes_can_be_computed_from_the_lines_alone(app: APIFlask) -> None:
    act(4)
    audit_seals.seal_due()
    previous = "0" * 64
    for line in lines():
        claimed = line.pop("hash")
        text = json.dumps(line, sort_keys=True, separators=(",", ":"))
        assert hashlib.sha256(text.encode()).hexdigest() == claimed
        assert line["previous_hash"] == previous
        previous = str(claimed)


def test_what_waits_for_its_seal_is_there_without_one(app: APIFlask) -> None:
    act()
    (line,) = lines()
    assert "hash" not in line
    assert line["details"] == {"n": 0, "注": "是"}


def test_days_are_business_days_and_both_are_included(app: APIFlask, moment: MovableClock) -> None:
    start, end = clock.day_bounds(clock.today())
    microsecond = timedelta(microseconds=1)
    for n, at in enumerate((start - microsecond, start, end - microsecond, end), start=1):
        insert(n, at=at)
    assert [line["entry_id"] for line in lines()] == [2, 3]
    assert [line["entry_id"] for line in lines(-1, 1)] == [1, 2, 3, 4]


def test_the_workbook_has_the_same_rows_dead_and_the_same_bytes(
    app: APIFlask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_exports, "_PAGE", 2)
    act(4, subject="=1+1")
    audit_seals.seal_due()
    act()
    made = []
    for _ in range(2):
        file = io.BytesIO()
        audit_exports.write_workbook(file, clock.today(), clock.today())
        made.append(file.getvalue())
    assert made[0] == made[1]
    head, *found = (
        CalamineWorkbook.from_filelike(io.BytesIO(made[0])).get_sheet_by_index(0).to_python()
    )
    assert head[:2] == ["编号", "时间"]
    assert [row[4] for row in found] == ["'=1+1"] * 4 + ["Q2-MAY"]
    assert [row[6] for row in found] == [1, 2, 3, 4, ""]
    assert [row[9] for row in found[:4]] == [line["hash"] for line in lines()[:4]]


def test_taking_the_log_out_is_in_the_log(app: APIFlask) -> None:
    audit_exports.note(clock.today(), clock.today(), actor="sun.audit")
    (entry,) = rows(AuditEntry)
    assert (entry.actor, entry.action) == ("sun.audit", "audit.export")
    assert entry.subject == "2023-04-28/2023-04-28"
