"""Taking a file: whole or not at all, once, and never over another."""

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from apiflask import APIFlask

from backend.domain.reconciliation import (
    DayNotOver,
    OutsideFileExists,
    OutsideFileNotInForce,
    OutsideFileRefused,
    ReasonNeeded,
)
from backend.services import outside_files
from backend.services.outside_files import FilesDirUnusable
from backend.storage.models.audit import AuditEntry
from backend.storage.models.reconciliation import OutsideFile, OutsideLine
from tests.bank_details import DAY, back, detail, line, sheet, table, take_detail
from tests.factories import City, MovableClock, rows

TWO = detail([line("order-000001"), line("order-000002")])
CORRECTED = detail([line("order-000001"), line("order-000003")])


@pytest.fixture(autouse=True)
def next_morning(moment: MovableClock) -> None:
    """The day of the files is over."""
    moment.move(days=1)


def kept(city: City) -> list[Path]:
    return [path for path in city.settings.files_dir.rglob("*") if path.is_file()]


def test_a_file_is_taken_whole_with_its_bytes_and_an_audit_entry(city: City) -> None:
    taken = take_detail(TWO)
    assert taken.new
    file = taken.file
    assert (file.line_count, file.sum_fen, file.late) == (2, 20_000, False)
    assert outside_files.path_of(file).read_bytes() == TWO
    assert [entry.our_number for entry in rows(OutsideLine)] == ["order-000001", "order-000002"]
    (entry,) = [e for e in rows(AuditEntry) if e.action == "reconciliation.take"]
    assert (entry.actor, entry.details["digest"]) == ("李会计", file.digest)


def test_what_went_back_counts_as_negative_in_the_files_sum(city: City) -> None:
    assert (
        take_detail(detail([line("order-000001"), back("order-000001", "b-0001")])).file.sum_fen
        == 0
    )


def test_the_same_bytes_again_are_the_same_file_also_after_a_correction(city: City) -> None:
    first = take_detail(TWO)
    again = take_detail(TWO)
    assert (again.file.id, again.new) == (first.file.id, False)
    take_detail(CORRECTED, replaces=first.file.id, reason="银行更正")
    late = take_detail(TWO)
    assert (late.file.id, late.new) == (first.file.id, False)
    assert late.file.superseded_at is not None
    assert len(rows(OutsideFile)) == 2


def test_superseded_bytes_come_in_force_again_as_a_correction_of_what_replaced_them(
    city: City,
) -> None:
    first = take_detail(TWO).file.id
    second = take_detail(CORRECTED, replaces=first, reason="银行更正").file.id
    back_again = take_detail(TWO, replaces=second, reason="更正有误，恢复原文件")
    assert back_again.new
    third = back_again.file.id
    assert [f.id for f in rows(OutsideFile) if f.superseded_at is None] == [third]
    assert len([entry for entry in rows(OutsideLine) if entry.file_id == third]) == 2
    again = take_detail(TWO, replaces=second, reason="更正有误，恢复原文件")
    assert (again.file.id, again.new) == (third, False)
    late = take_detail(CORRECTED, replaces=first, reason="银行更正")  # the first correction, resent
    assert (late.file.id, late.new) == (second, False)
    with pytest.raises(OutsideFileNotInForce):
        take_detail(CORRECTED, replaces=second, reason="银行更正")


def test_superseded_bytes_put_back_8_times_at_once_are_one_file(city: City) -> None:
    first = take_detail(TWO).file.id
    second = take_detail(CORRECTED, replaces=first, reason="银行更正").file.id
    outcomes = race(city.app, [TWO] * 8, replaces=second, reason="恢复原文件")
    (third,) = [file.id for file in rows(OutsideFile) if file.superseded_at is None]
    assert outcomes == [third] * 8
    assert len(rows(OutsideFile)) == 3


def test_a_refused_file_leaves_no_row_and_no_byte(city: City) -> None:
    before = kept(city)
    with pytest.raises(OutsideFileRefused) as refused:
        take_detail(detail([line("order-000001"), line("order-000002", 商户号="8.98E+14")]))
    faults: Any = refused.value.details["faults"]
    assert [fault["line"] for fault in faults] == [3]
    assert (rows(OutsideFile), rows(OutsideLine), kept(city)) == ([], [], before)


def test_another_file_of_the_day_must_say_that_it_replaces_and_why(city: City) -> None:
    first = take_detail(TWO).file
    with pytest.raises(OutsideFileExists) as refused:
        take_detail(CORRECTED)
    assert refused.value.details["file_id"] == first.id
    with pytest.raises(ReasonNeeded):
        take_detail(CORRECTED, replaces=first.id, reason=" ")
    with pytest.raises(OutsideFileNotInForce):
        take_detail(CORRECTED, replaces=first.id + 1, reason="银行更正")
    second = take_detail(CORRECTED, replaces=first.id, reason="银行更正").file
    assert (second.replaces_id, second.reason) == (first.id, "银行更正")
    old, new = rows(OutsideFile)
    assert (old.superseded_at is None, new.superseded_at is None) == (False, True)
    assert len(rows(OutsideLine)) == 4  # the old lines stay
    with pytest.raises(OutsideFileNotInForce):
        take_detail(detail([]), replaces=first.id, reason="银行再次更正")


def test_a_refused_correction_leaves_the_former_file_in_force(city: City) -> None:
    first = take_detail(TWO).file
    with pytest.raises(OutsideFileRefused):
        take_detail(detail([line(商户号="1")]), replaces=first.id, reason="银行更正")
    (file,) = rows(OutsideFile)
    assert file.superseded_at is None


def test_a_file_of_another_bank_or_another_day_than_its_name_says_is_refused(city: City) -> None:
    for name in ("BANK02_20230428.csv", "BANK01_20230427.csv", "BANK01_20230428.txt"):
        with pytest.raises(OutsideFileRefused) as refused:
            take_detail(TWO, name=name)
        faults: Any = refused.value.details["faults"]
        assert [fault["where"] for fault in faults] == ["文件名"]
    with pytest.raises(OutsideFileRefused):  # the name was changed to fit, the lines were not
        take_detail(TWO, name="BANK01_20230427.csv", day=DAY - timedelta(days=1))


def test_a_late_file_is_taken_and_marked(city: City, moment: MovableClock) -> None:
    moment.move(days=2)
    assert not take_detail(TWO).file.late
    moment.move(days=1)
    other = detail([line(交易日期时间="2023-04-27 10:00:00")])
    name = "BANK01_20230427.csv"
    assert take_detail(other, name=name, day=DAY - timedelta(days=1)).file.late


def test_a_day_that_is_not_over_cannot_be_compared(city: City, moment: MovableClock) -> None:
    moment.move(days=-1)
    with pytest.raises(DayNotOver):
        take_detail(TWO)


def test_a_workbook_is_taken_as_a_csv_is(city: City) -> None:
    content = sheet(table([line("order-000001")]))
    assert take_detail(content, name="BANK01_20230428.xlsx").file.line_count == 1


def test_more_bytes_than_the_bound_are_refused(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside_files, "MAX_FILE_BYTES", 100)
    with pytest.raises(OutsideFileRefused):
        take_detail(TWO)
    assert rows(OutsideFile) == []


def test_a_folder_that_takes_no_file_is_told_and_nothing_is_written(
    city: City, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setattr(outside_files, "_folder", lambda: tmp_path / "file")
    with pytest.raises(FilesDirUnusable):
        take_detail(TWO)
    assert rows(OutsideFile) == []


def race(app: APIFlask, contents: list[bytes], **changed: Any) -> list[object]:
    """Take files at once; return the file's number, or the refusal's code, for each."""
    outcomes: list[object] = [None] * len(contents)
    ready = threading.Barrier(len(contents))

    def take(n: int) -> None:
        with app.app_context():
            ready.wait()
            try:
                outcomes[n] = take_detail(contents[n], **changed).file.id
            except (OutsideFileExists, OutsideFileNotInForce) as refused:
                outcomes[n] = refused.code

    threads = [threading.Thread(target=take, args=(n,)) for n in range(len(contents))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_the_same_file_taken_8_times_at_once_is_one_file(city: City) -> None:
    outcomes = race(city.app, [TWO] * 8)
    (file,) = rows(OutsideFile)
    assert outcomes == [file.id] * 8
    assert len(rows(OutsideLine)) == 2


def test_of_two_files_of_a_day_taken_at_once_one_is_in_force(city: City) -> None:
    outcomes = race(city.app, [TWO, CORRECTED])
    (file,) = rows(OutsideFile)
    assert sorted(map(str, outcomes)) == sorted([str(file.id), "outside_file_exists"])


def test_of_two_corrections_at_once_one_replaces(city: City) -> None:
    first = take_detail(TWO).file
    corrections = [CORRECTED, detail([line("order-000004")])]
    outcomes = race(city.app, corrections, replaces=first.id, reason="银行更正")
    assert outcomes.count("outside_file_not_in_force") == 1
    assert sum(file.superseded_at is None for file in rows(OutsideFile)) == 1
