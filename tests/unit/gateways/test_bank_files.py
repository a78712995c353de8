"""A bank's detail file: whole files are read to the fen, every damage is named by its line."""

import tempfile
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.china import CHINA
from backend.domain.reconciliation import OutsideFileRefused, OutsideRecord
from backend.gateways import bank_file_rows, bank_files
from backend.gateways.bank_files import COLUMNS
from tests.bank_details import Line, back, detail, line, sheet, table, totals

CAMPAIGNS = frozenset({"Q2-MAY"})


def read(content: bytes, form: str = "csv") -> list[OutsideRecord]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(content)
        name = bank_files.read_name(f"BANK01_20230428.{form}")
        return list(bank_files.records(path, name=name, campaigns=CAMPAIGNS))


def faults(content: bytes, form: str = "csv") -> list[tuple[int, str, str]]:
    with pytest.raises(OutsideFileRefused) as refused:
        read(content, form)
    found: Any = refused.value.details["faults"]
    return [(fault["line"], fault["where"], fault["reason"]) for fault in found]


def places(content: bytes, form: str = "csv") -> list[tuple[int, str]]:
    return [(number, where) for number, where, _ in faults(content, form)]


GOOD = [
    line("order-000001"),
    line("order-000002", 订单金额="320", 优惠金额="90.0", 实付金额="230.00"),
    back("order-000001", "serial-00001"),
    back("order-000002", "refund-00001", "退货", 订单金额="32", 优惠金额="9", 实付金额="23"),
]
GOOD_TOTALS = totals("4", "288.00", "81.00", "207.00")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
def test_a_file_is_read_to_the_fen_in_each_encoding(encoding: str, end: str) -> None:
    for lines in (GOOD, [*GOOD, GOOD_TOTALS]):
        found = read(detail(lines, encoding=encoding, end=end))
        assert [(r.line, r.type, r.our_number, r.amount_fen, r.discount_fen) for r in found] == [
            (2, "payment", "order-000001", 10_000, 3_000),
            (3, "payment", "order-000002", 32_000, 9_000),
            (4, "reversal", "order-000001", 10_000, 3_000),
            (5, "refund", "refund-00001", 3_200, 900),
        ]
    assert found[0].at == datetime(2023, 4, 28, 10, 1, tzinfo=CHINA)
    assert found[0].merchant_number == "898261054110001"
    assert found[0].campaign_id == "Q2-MAY"
    assert found[2].outside_number == "serial-00001"


def test_a_sheet_with_text_cells_and_number_amounts_reads_as_the_csv() -> None:
    numbers = [{**one, "订单金额": float(one["订单金额"])} for one in [*GOOD, GOOD_TOTALS]]
    assert read(sheet(table(numbers)), "xlsx") == read(detail(GOOD))


def test_columns_may_stand_in_any_order() -> None:
    assert read(sheet(table(GOOD, COLUMNS[::-1])), "xlsx") == read(detail(GOOD))


DAMAGES: list[tuple[str, Line]] = [
    ("商户号", {"商户号": "8.98E+14"}),
    ("商户号", {"商户号": "8.98261E+14"}),
    ("商户号", {"商户号": "89826105411001"}),
    ("商户号", {"商户号": "8982610541100011"}),
    ("商户号", {"商户号": "８９８２６１０５４１１０００１"}),
    ("商户号", {"商户号": " 898261054110001"}),
    ("商户号", {"商户号": "'898261054110001"}),
    ("终端号", {"终端号": "1080209"}),
    ("终端号", {"终端号": "010802091"}),
    ("终端号", {"终端号": ""}),
    ("订单号/流水号", {"订单号/流水号": "1.23457E+17"}),
    ("订单号/流水号", {"订单号/流水号": ""}),
    ("订单号/流水号", {"订单号/流水号": '=CMD("x")'}),
    ("活动编号", {"活动编号": "Q9-OTHER"}),
    ("交易日期时间", {"交易日期时间": "45044.41736"}),
    ("交易日期时间", {"交易日期时间": "2023/4/28 10:01"}),
    ("交易日期时间", {"交易日期时间": "2023-04-28"}),
    ("交易日期时间", {"交易日期时间": "2023-04-28 10:1:00"}),
    ("交易日期时间", {"交易日期时间": "2023-04-29 00:00:00"}),
    ("交易日期时间", {"交易日期时间": "2023-04-31 00:00:00"}),
    ("脱敏卡号", {"脱敏卡号": "6226090000000048"}),
    ("脱敏卡号", {"脱敏卡号": "6.22609E+15"}),
    ("订单金额", {"订单金额": "100.001"}),
    ("订单金额", {"订单金额": "1E+02"}),
    ("订单金额", {"订单金额": "-100.00"}),
    ("订单金额", {"订单金额": "￥100.00"}),
    ("订单金额", {"订单金额": ""}),
    ("订单金额", {"订单金额": "99.99"}),
    ("订单金额", {"订单金额": "2000000", "实付金额": "1999970"}),
    ("交易类型", {"交易类型": "预授权"}),
    ("原流水号", {"原流水号": "order-000009"}),
    ("原流水号", {"交易类型": "撤销"}),
]


@pytest.mark.parametrize(("where", "damage"), DAMAGES, ids=lambda part: str(part)[:40])
def test_each_damage_is_named_by_its_line_and_column_in_csv_and_sheet(
    where: str, damage: Line
) -> None:
    lines = [line("order-000001"), line("order-000002", **damage), line("order-000003")]
    assert (3, where) in places(detail(lines))
    assert {number for number, _ in places(detail(lines))} == {3}
    assert (3, "单元格" if "=" in str(damage) else where) in places(sheet(table(lines)), "xlsx")


@pytest.mark.parametrize(
    ("where", "cell"),
    [
        ("商户号", 898261054110001),
        ("商户号", 8.98261e14),
        ("终端号", 1080209),
        ("订单号/流水号", 20230428000001),
        ("交易日期时间", 45044.41736),
        ("交易日期时间", datetime(2023, 4, 28, 10, 1)),  # noqa: DTZ001 - as a sheet has it
        ("订单金额", 100.001),
        ("订单金额", -100),
        ("订单金额", True),
    ],
)
def test_a_cell_that_a_spreadsheet_made_a_number_or_a_date_is_refused(
    where: str, cell: object
) -> None:
    rows = table([line("order-000001"), line("order-000002", **{where: cell})])
    if isinstance(cell, datetime):
        rows[2][1] = cell
    assert (3, where) in places(sheet(rows), "xlsx")


@pytest.mark.parametrize("sum_cell", ["=SUM(G2:G3)", "=1+1"])
def test_a_formula_is_refused_by_its_line_though_its_last_result_fits(sum_cell: str) -> None:
    rows = table([line("order-000001"), line("order-000002", 订单金额=sum_cell)])
    assert (3, "单元格") in places(sheet(rows), "xlsx")


def test_every_fault_of_a_file_is_named_not_only_the_first() -> None:
    lines = [
        line("order-000001", 商户号="8.98E+14", 终端号="1080209"),
        line("order-000002"),
        line("order-000003", 交易日期时间="2023-04-27 10:00:00"),
    ]
    assert places(detail(lines)) == [(2, "商户号"), (2, "终端号"), (4, "交易日期时间")]


def csv_lines(*changed: bytes) -> bytes:
    return detail([line()]) + b"".join(changed)


GOOD_LINE = detail([line("order-000002")]).splitlines(keepends=True)[1]


@pytest.mark.parametrize(
    "damaged",
    [
        GOOD_LINE.replace(b",01080209", b""),
        GOOD_LINE.replace(b"\n", b",\n"),
        GOOD_LINE.replace(b"01080209", b"0108\x000209"),
        GOOD_LINE.replace(b"01080209", b'"01080209'),
        GOOD_LINE.replace(b"01080209", b"0108\r0209"),
        GOOD_LINE.decode().encode("gbk"),
        b"\n",
        b",,,,,,,,,,\n",
        GOOD_LINE.replace(b"01080209", b"0" * 5000),
    ],
    ids=["short", "long", "nul", "quote", "return", "gbk", "blank", "commas", "endless"],
)
def test_a_line_that_is_no_row_is_refused_by_its_number(damaged: bytes) -> None:
    assert {number for number, _ in places(csv_lines(damaged))} == {3}


def test_a_line_in_utf_8_within_a_gbk_file_is_refused_by_its_number() -> None:
    mixed = detail([line()], encoding="gbk") + GOOD_LINE
    (fault,) = faults(mixed)
    assert fault[0] == 3
    assert "编码" in fault[2]


@pytest.mark.parametrize(
    "columns",
    [COLUMNS[:-1], [*COLUMNS, "备注"], [*COLUMNS[:-1], "原流水"], [*COLUMNS, "商户号"]],
    ids=["lacking", "unknown", "misspelt", "twice"],
)
def test_a_head_with_other_columns_is_refused_at_line_1_alone(columns: Sequence[str]) -> None:
    rows = [list(columns), ["x"] * len(columns)]
    content = "\n".join(",".join(row) for row in rows).encode()
    assert {number for number, _ in places(content)} == {1}


@pytest.mark.parametrize(
    ("number", "again"),
    [("order-000001", line("order-000001")), ("twice undone", back("order-000001", "serial-2"))],
)
def test_a_number_twice_and_a_payment_undone_twice_are_refused(number: str, again: Line) -> None:
    lines = [line("order-000001"), back("order-000001", "serial-1"), again]
    (fault,) = faults(detail(lines))
    assert fault[0] == 4
    assert "重复" in fault[2]


@pytest.mark.parametrize(
    ("told", "where"),
    [
        (totals("3", "288.00", "81.00", "207.00"), "订单号/流水号"),
        (totals("4", "288.01", "81.00", "207.00"), "订单金额"),
        (totals("4", "288.00", "", "207.00"), "优惠金额"),
        (totals("4", "288.00", "81.00", "2.07E+02"), "实付金额"),
        (GOOD_TOTALS | {"商户号": "898261054110001"}, "商户号"),
    ],
)
def test_totals_that_do_not_agree_are_refused_at_their_line(told: Line, where: str) -> None:
    assert places(detail([*GOOD, told])) == [(6, where)]


def test_nothing_may_follow_the_totals() -> None:
    assert places(detail([*GOOD, GOOD_TOTALS, line("order-000009")])) == [(7, "整行")]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", b"plain"])
def test_what_is_no_workbook_is_refused_as_a_whole(content: bytes) -> None:
    assert [number for number, _ in places(content, "xlsx")] == [0]


def test_an_empty_file_is_refused_and_a_day_without_lines_is_not() -> None:
    assert places(b"") == [(0, "文件")]
    assert read(detail([])) == []
    assert read(detail([totals("0", "0", "0", "0")])) == []


def test_a_workbook_has_one_sheet_that_begins_in_its_corner() -> None:
    assert places(sheet(table(GOOD), sheets=2), "xlsx") == [(0, "文件")]
    assert places(sheet([[], *table(GOOD)]), "xlsx") == [(1, "表头")]


def test_a_workbook_that_unpacks_to_more_than_the_bound_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bank_file_rows, "UNPACKED_MAX_BYTES", 1000)
    assert places(sheet(table(GOOD)), "xlsx") == [(0, "文件")]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_file_of_more_lines_than_the_bound_is_refused(
    form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bank_file_rows, "MAX_LINES", 1)
    content = detail(GOOD) if form == "csv" else sheet(table(GOOD))
    assert any("超过" in reason for _, _, reason in faults(content, form))


@pytest.mark.parametrize(
    "name",
    [
        *("BANK01.csv", "BANK01_20230431.csv", "bank_20230428.csv", "BANK01_20230428.xls"),
        *("../BANK01_20230428.csv", "BANK01_20230428.csv.exe", "BANK01_20230428.csv\n"),
    ],
)
def test_a_name_that_tells_no_bank_and_day_is_refused(name: str) -> None:
    with pytest.raises(OutsideFileRefused):
        bank_files.read_name(name)


def test_a_fault_repeats_no_card_number() -> None:
    card = "6226090000000048"
    assert card not in str(faults(detail([line(脱敏卡号=card, 商户号=card)])))


@given(st.lists(st.integers(1, 10_000_000), max_size=20), st.sampled_from(["utf-8", "gbk"]))
def test_any_amounts_come_back_to_the_fen(amounts_fen: list[int], encoding: str) -> None:
    lines = []
    for number, fen in enumerate(amounts_fen):
        off = fen // 3
        texts = [f"{value // 100}.{value % 100:02d}" for value in (fen, off, fen - off)]
        cells = dict(zip(("订单金额", "优惠金额", "实付金额"), texts, strict=True))
        lines.append(line(f"order-{number:06d}", **cells))
    found = read(detail(lines, encoding=encoding))
    assert [record.amount_fen for record in found] == amounts_fen
    assert [record.discount_fen for record in found] == [fen // 3 for fen in amounts_fen]


@given(st.binary(max_size=400), st.sampled_from(["csv", "xlsx"]))
def test_any_bytes_are_refused_with_line_numbers_and_never_fail_otherwise(
    content: bytes, form: str
) -> None:
    assert all(number >= 0 and reason for number, _, reason in faults(content, form))


WORKBOOK = sheet(table(GOOD))


@given(st.integers(0, len(WORKBOOK) - 1), st.integers(1, 200), st.binary(max_size=200))
def test_a_workbook_with_damaged_bytes_is_read_or_refused_and_never_fails_otherwise(
    start: int, length: int, put: bytes
) -> None:
    content = WORKBOOK[:start] + put + WORKBOOK[start + length :]
    with suppress(OutsideFileRefused):
        assert len(read(content, "xlsx")) == len(GOOD)


@given(st.data())
def test_a_good_file_with_one_cell_replaced_is_read_the_same_or_refused_at_that_line(
    data: st.DataObject,
) -> None:
    position = data.draw(st.integers(0, 2))
    column = data.draw(st.sampled_from(COLUMNS))
    text = data.draw(
        st.text(st.characters(codec="utf-8", exclude_characters='",\r\n'), max_size=20)
    )
    lines = [line(f"order-{n:06d}") for n in range(3)]
    lines[position][column] = text
    try:
        found = read(detail(lines))
    except OutsideFileRefused as refused:
        listed: Any = refused.details["faults"]
        # A number that repeats an earlier one is told where it comes again.
        assert {fault["line"] for fault in listed} <= {position + 2, 4, 3}
        assert any(fault["line"] >= position + 2 for fault in listed)
    else:
        assert len(found) == (2 if text == "合计" else 3)
