"""Templates of files: left as they are they do nothing, filled in they are taken."""

import io
from dataclasses import replace

import pytest

from backend.domain.applicants import ApplicantInvalid
from backend.domain.clerk_files import ClerkFileRefused
from backend.domain.reconciliation import OutsideFileRefused
from backend.domain.spending import SpendingFileRefused
from backend.gateways import bank_files, merchant_reports
from backend.services import (
    clerk_files,
    file_templates,
    pledges,
    spending_imports,
    workbooks,
)
from backend.services import merchant_reports as reports
from backend.services.file_templates import Template
from backend.services.spending_imports import Target
from backend.storage.models.merchants import Clerk
from tests import joining
from tests.bank_details import line, take_detail
from tests.factories import SUPERMARKET, City, MovableClock, rows

NAME = "BANK01_20230428.xlsx"


def filled_in(template: Template, cells: dict[str, str]) -> bytes:
    columns = [(title, cells[title], words) for title, _, words in template.columns]
    return file_templates.workbook(replace(template, columns=columns))


def report(content: bytes) -> str:
    taken = reports.take_file(io.BytesIO(content), file_name="a.xlsx", actor=joining.BANK)
    return taken.merchant_ids


def add_clerks(content: bytes) -> int:
    return clerk_files.take(
        SUPERMARKET, io.BytesIO(content), file_name="a.xlsx", actor=joining.BUREAU
    )


def spend(content: bytes) -> object:
    return spending_imports.propose(
        "import-01",
        content,
        file_name="a.xlsx",
        target=Target(fund_id="FUND93", quarter="Q1"),
        reason="前期发放",
        actor="孙经办",
    )


def test_each_names_the_columns_that_its_reader_wants() -> None:
    assert [c[0] for c in file_templates.MERCHANTS.columns] == list(merchant_reports.COLUMNS)
    assert [c[0] for c in file_templates.BANK_DETAIL.columns] == list(bank_files.COLUMNS)


def test_a_template_that_nobody_filled_in_is_refused_with_its_sample_line(
    city: City, moment: MovableClock
) -> None:
    pledges.issue_text(joining.TEXT, actor="郑审批")
    moment.move(days=1)
    templates = file_templates
    with pytest.raises(ApplicantInvalid) as of_shops:
        report(templates.workbook(templates.MERCHANTS))
    with pytest.raises(ClerkFileRefused) as of_clerks:
        add_clerks(templates.workbook(templates.CLERKS_OF_A_SHOP))
    with pytest.raises(SpendingFileRefused) as of_spending:
        spend(templates.workbook(templates.SPENDING))
    with pytest.raises(OutsideFileRefused) as of_bank:
        take_detail(templates.workbook(templates.BANK_DETAIL), name=NAME)
    for refused in (of_shops, of_clerks, of_spending, of_bank):
        faults = refused.value.details["faults"]
        assert {fault["line"] for fault in faults} == {2}, faults  # type: ignore[attr-defined, index]


def test_a_template_that_is_filled_in_is_taken(city: City, moment: MovableClock) -> None:
    pledges.issue_text(joining.TEXT, actor="郑审批")
    assert report(filled_in(file_templates.MERCHANTS, joining.row_of(1))) == "TJ0017"
    clerk = {"姓名": "王店员", "手机号": "13900001111"}
    assert add_clerks(filled_in(file_templates.CLERKS_OF_A_SHOP, clerk)) == 1
    assert [c.name for c in rows(Clerk)] == ["王店员"]
    spent = {"凭证号": "A-1", "日期": "2023-01-15", "金额": "1000", "收款方": "家乐购", "备注": ""}
    assert spend(filled_in(file_templates.SPENDING, spent))
    moment.move(days=1)
    detail = filled_in(file_templates.BANK_DETAIL, line("order-000001"))
    assert take_detail(detail, name=NAME).file.line_count == 1


def test_another_second_sheet_than_the_explanation_is_refused_as_ever(
    city: City, moment: MovableClock
) -> None:
    out = io.BytesIO()
    with workbooks.workbook(out, title="x") as book:
        for name in ("填写", "另一张"):
            workbooks.Page(book, name, (10, 10)).row("姓名", "手机号")
    with pytest.raises(ClerkFileRefused) as refused:
        add_clerks(out.getvalue())
    assert refused.value.faults[0].reason == "须只有一张工作表"
