"""A partner's daily file, brought by itself."""

import pytest

from backend.domain.partners import PartnerFileOfAnother
from backend.domain.reconciliation import OutsideFileExists, OutsideFileRefused
from backend.services import partner_files
from backend.storage.models.reconciliation import OutsideFile
from tests.bank_details import DAY, detail, line
from tests.bank_parts import enter
from tests.factories import City, MovableClock, rows

NAME = f"BANK01_{DAY:%Y%m%d}.csv"


def test_a_file_is_taken_once_and_replaced_by_number_with_a_reason(
    city: City, moment: MovableClock
) -> None:
    enter()
    moment.move(days=1)
    first = partner_files.take(partner_id="BANK01", name=NAME, content=detail([line()]))
    again = partner_files.take(partner_id="BANK01", name=NAME, content=detail([line()]))
    assert (first.new, again.new, again.file.id) == (True, False, first.file.id)
    better = detail([line(), line("order-000002")])
    with pytest.raises(OutsideFileExists):
        partner_files.take(partner_id="BANK01", name=NAME, content=better)
    partner_files.take(partner_id="BANK01", name=NAME, content=better, replaces=first.file.id)
    old, new = rows(OutsideFile)
    assert (old.superseded_at is None, new.reason) == (False, partner_files.CORRECTED)
    assert new.taken_by == "partner:BANK01"


def test_another_banks_file_and_one_with_a_fault_are_refused_whole(
    city: City, moment: MovableClock
) -> None:
    enter()
    moment.move(days=1)
    with pytest.raises(PartnerFileOfAnother):
        partner_files.take(partner_id="BANK02", name=NAME, content=detail([line()]))
    with pytest.raises(OutsideFileRefused) as refused:
        partner_files.take(
            partner_id="BANK01",
            name=NAME,
            content=detail([line(), line("order-000002", 商户号="8.98E+14")]),
        )
    assert refused.value.details["faults"]
    assert rows(OutsideFile) == []


def test_a_refused_file_is_written_down_once_with_its_first_faults(
    city: City, moment: MovableClock
) -> None:
    enter()
    moment.move(days=1)
    wrong = [line(f"order-{number:06d}", 商户号="8.98E+14") for number in range(30)]
    for _ in range(2):
        with pytest.raises(OutsideFileRefused):
            partner_files.take(partner_id="BANK01", name=NAME, content=detail(wrong))
    [kept] = partner_files.refused("BANK01")
    assert (kept.name, kept.code) == (NAME, "outside_file_refused")
    assert len(kept.faults) == partner_files.KEPT_FAULTS
    assert kept.faults[0]["line"] == 2
    with pytest.raises(PartnerFileOfAnother):
        partner_files.take(partner_id="BANK01", name=NAME.replace("01_", "02_"), content=b"")
    assert [one.code for one in partner_files.refused("BANK01")] == [
        "partner_file_of_another",
        "outside_file_refused",
    ]
