"""The workbook of a result: figures as they are, text that is never run, the same bytes again."""

from io import BytesIO

from python_calamine import CalamineWorkbook

from backend.services import reconciliation, reconciliation_items, reconciliation_sheets
from backend.storage.models.reconciliation import OutsideFile, ReconciliationItem
from tests.bank_details import compare_unknown_line_of_yesterday
from tests.factories import City, rows


def read(content: bytes) -> dict[str, list[list[object]]]:
    book = CalamineWorkbook.from_filelike(BytesIO(content))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def test_a_result_is_told_by_sums_differences_and_lines(city: City) -> None:
    compare_unknown_line_of_yesterday()
    reconciliation_items.explain(rows(ReconciliationItem)[0].id, reason="=1+1", actor="李会计")
    (file,) = rows(OutsideFile)
    found = read(reconciliation_sheets.workbook(file.id))
    assert found["汇总"][-1] == ["对方有、我方无", 1, 0, 100]
    assert ["摘要（SHA-256）", file.digest, "", ""] in found["汇总"]
    assert found["差异"][1][2:] == [
        *("消费", "order-000001", "对方有、我方无", "", "", 100),
        *("待复核", "'=1+1", "李会计", ""),
    ]
    assert found["明细"][1] == [2, "消费", "order-000001", "对方有、我方无", "", "", 100, "", 30]


def test_the_same_data_gives_the_same_bytes(city: City) -> None:
    compare_unknown_line_of_yesterday()
    (file,) = rows(OutsideFile)
    first = reconciliation_sheets.workbook(file.id)
    reconciliation.run(file.id)
    assert reconciliation_sheets.workbook(file.id) == first
