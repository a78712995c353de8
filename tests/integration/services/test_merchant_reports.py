"""What a bank reports: by hand, by file, by its calls."""

import io
from typing import Any

import pytest
import xlsxwriter

from backend.domain.applicants import ApplicantInvalid, MerchantIdentityTaken
from backend.domain.onboarding import MerchantStepOutOfOrder
from backend.domain.proposals import Line
from backend.extensions import db
from backend.gateways.merchant_reports import COLUMNS
from backend.services import merchant_reports, merchants, partner_merchants, pledges
from backend.storage.models.merchants import Merchant
from backend.storage.models.onboarding import MerchantReport, MerchantTerminal
from tests import joining
from tests.bank_parts import enter
from tests.factories import City, rows
from tests.joining import csv_file, row_of, tills


def take(source: io.BytesIO, name: str = "商户.csv") -> MerchantReport:
    return merchant_reports.take_file(source, file_name=name, actor=joining.BANK)


def faults(source: io.BytesIO, name: str = "商户.csv") -> list[tuple[int, str]]:
    before = len(rows(Merchant))
    with pytest.raises(ApplicantInvalid) as refused:
        take(source, name)
    assert len(rows(Merchant)) == before
    found: Any = refused.value.details["faults"]
    return [(fault["line"], fault["where"]) for fault in found]


def xlsx_file(*lines: dict[str, Any]) -> io.BytesIO:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, COLUMNS)
        for number, line in enumerate(lines, start=1):
            sheet.write_row(number, 0, [line[name] for name in COLUMNS])
    out.seek(0)
    return out


@pytest.fixture(autouse=True)
def _a_pledge(city: City) -> None:
    pledges.issue_text(joining.TEXT, actor=joining.BUREAU)


@pytest.mark.parametrize("form", ["utf-8", "utf-8-sig", "gbk", "xlsx"])
def test_a_right_file_takes_each_line_from_pledge_to_report(city: City, form: str) -> None:
    lines = [row_of(1), row_of(2, 申请="POS机", 终端号="")]
    source = xlsx_file(*lines) if form == "xlsx" else csv_file(*lines, encoding=form)
    taken = take(source, "商户.xlsx" if form == "xlsx" else "商户.csv")
    assert taken.merchant_ids == "TJ0017 TJ0018"
    first, second = (merchants.get(number) for number in ("TJ0017", "TJ0018"))
    assert (first.status, first.applied_for, second.applied_for) == ("reported", "placard", "pos")
    assert first.merchant_number == tills(1).merchant_number
    assert merchant_reports.terminals("TJ0017") == sorted(tills(1).terminal_numbers)
    assert merchant_reports.terminals("TJ0018") == []
    source.seek(0)
    again = take(source, "商户.xlsx" if form == "xlsx" else "商户.csv")
    assert again.merchant_ids == "TJ0017 TJ0018"
    assert len(rows(MerchantReport)) == 1


def test_a_file_with_faults_is_refused_whole_and_every_line_is_named(city: City) -> None:
    known = joining.reported(9)
    lines = [
        row_of(1),
        row_of(2, 统一社会信用代码=joining.uscc(2)[:-1] + "I"),
        row_of(3, 商户号="8.98E+14"),
        row_of(4, 统一社会信用代码=joining.uscc(1)),
        row_of(5, 终端号=tills(9).terminal_numbers[0]),
        row_of(6, 签订日期="4月20日"),
        row_of(7, 承诺书版本="3"),
        row_of(8, 申请="都要"),
    ]
    assert faults(csv_file(*lines)) == [
        *((3, "统一社会信用代码"), (4, "商户号"), (5, "统一社会信用代码")),
        *((6, f"终端号 {tills(9).terminal_numbers[0]}"), (7, "签订日期"), (8, "承诺书版本")),
        (9, "申请"),
    ]
    assert merchants.get(known).status == "reported"


def test_a_file_that_is_none_is_refused(city: City) -> None:
    assert faults(io.BytesIO(b"")) == [(1, "表头")]
    assert faults(csv_file()) == [(0, "文件")]
    assert faults(csv_file(row_of(1)), "商户.doc") == [(0, "文件名")]
    assert faults(csv_file(row_of(1)), "商户.xlsx")[0] == (0, "文件")
    assert faults(io.BytesIO(b"x" * 5_000_001)) == [(0, "文件")]
    short = csv_file(row_of(1)).getvalue() + "只有一格\r\n".encode()
    assert faults(io.BytesIO(short)) == [(3, "整行")]


def test_a_number_that_a_spreadsheet_changed_is_a_fault(city: City) -> None:
    source = xlsx_file(row_of(1) | {"联系电话": 13800138000})
    assert faults(source, "商户.xlsx") == [(2, "联系电话")]


def test_a_report_before_the_application_is_refused_and_says_what_is_missing(city: City) -> None:
    merchant_id = joining.pledged()
    with pytest.raises(MerchantStepOutOfOrder) as refused:
        merchant_reports.report(merchant_id, tills(), actor=joining.BANK)
    assert refused.value.details["missing"] == ["申请 POS 机或码牌"]
    assert rows(MerchantTerminal) == []


def test_a_merchant_number_and_a_terminal_are_one_merchants(city: City) -> None:
    first = joining.reported(1)
    second = joining.pledged(2)
    pledges.apply(second, "pos", actor=joining.BANK)
    for field in ("merchant_number", "terminal_numbers"):
        wanted = tills(2, **{field: getattr(tills(1), field)})
        with pytest.raises(MerchantIdentityTaken) as refused:
            merchant_reports.report(second, wanted, actor=joining.BANK)
        assert refused.value.details["merchant_id"] == first
    with pytest.raises(ApplicantInvalid):
        merchant_reports.report(second, tills(2, merchant_number="1"), actor=joining.BANK)
    db.session.rollback()
    assert merchants.get(second).status == "applied"


def propose(number: int) -> str:
    shop, sold = joining.applicant(number), tills(number)
    line = Line(
        name=shop.name,
        uscc=shop.uscc,
        merchant_number=sold.merchant_number,
        terminal_numbers=sold.terminal_numbers,
        domain_id="FOOD",
        area=None,
    )
    told = partner_merchants.propose(
        partner_id="BANK01", request_number=f"list-{number:04d}", lines=[line]
    )
    return str(told["lines"][0]["status"])


def test_a_banks_call_reports_who_has_applied_whichever_came_first(city: City) -> None:
    enter()
    applied, late = joining.pledged(1), 2
    pledges.apply(applied, "placard", actor=joining.BANK)
    assert propose(1) == "bank_qualified"
    assert merchants.get(applied).status == "reported"
    assert propose(late) == "bank_qualified"
    merchant_id = joining.pledged(late)
    assert merchant_reports.take_up() == 0
    pledges.apply(merchant_id, "placard", actor=joining.BANK)
    assert (merchant_reports.take_up(), merchant_reports.take_up()) == (1, 0)
    db.session.rollback()
    assert merchants.get(merchant_id).status == "reported"
    assert propose(1) == "bank_qualified"  # the same number again: the same answer


def test_a_proposal_whose_number_is_taken_by_now_waits_and_holds_up_no_other(city: City) -> None:
    enter()
    propose(1)
    propose(2)
    joining.reported(3)
    with db.engine.begin() as connection:
        connection.execute(
            MerchantTerminal.__table__.update()
            .where(MerchantTerminal.number == tills(3).terminal_numbers[0])
            .values(number=tills(1).terminal_numbers[0])
        )
    for number in (1, 2):
        pledges.apply(joining.pledged(number), "placard", actor=joining.BANK)
    assert merchant_reports.take_up() == 1
