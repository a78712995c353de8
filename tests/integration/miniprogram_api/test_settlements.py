"""A shop reads its settlement sheets."""

import io

from python_calamine import CalamineWorkbook

from backend.services import payout_returns, payouts
from tests.factories import RESTAURANT, SUPERMARKET, City, MovableClock
from tests.settling import NUMBERS, answer, drafted, sent

LIST = "/api/v1/merchant/settlements"


def test_a_clerk_sees_his_shops_sheets_lines_and_payouts(city: City, moment: MovableClock) -> None:
    sent(city, moment)
    payout_returns.take(number="B1", content=answer("skip", "failed"), actor="褚会计")
    payouts.create(number="B2", actor="陈出纳")
    payout_returns.take(number="B2", content=answer("paid", number="B2"), actor="褚会计")
    clerk = city.clerk(SUPERMARKET)
    (sheet,) = city.get(LIST, clerk).get_json()["sheets"]
    assert (sheet["state"], sheet["amount_fen"], sheet["line_count"]) == ("paid", 1000, 1)
    shown = city.get(f"{LIST}/{sheet['sheet_id']}", clerk).get_json()
    assert [line["amount_fen"] for line in shown["lines"]] == [1000]
    assert shown["lines"][0]["order_amount_fen"] == 32_000
    assert [(p["state"], p["failure_reason"], p["bank_serial"]) for p in shown["payouts"]] == [
        ("failed", "账号户名不符", None),
        ("paid", None, "B2-S1"),
    ]
    assert {p["account_last4"] for p in shown["payouts"]} == {NUMBERS[SUPERMARKET][-4:]}
    assert NUMBERS[SUPERMARKET] not in str(shown)


def test_lines_and_sheets_come_in_pages(city: City, moment: MovableClock) -> None:
    sheet = drafted(city, moment, count=3)
    clerk = city.clerk(SUPERMARKET)
    seen = [
        city.get(f"{LIST}/{sheet.id}", clerk, page=page, page_size=2).get_json()["lines"]
        for page in (1, 2, 3)
    ]
    assert [len(lines) for lines in seen] == [2, 1, 0]
    assert len({line["order_id"] for lines in seen for line in lines}) == 3
    assert city.get(LIST, clerk, page=2).get_json()["sheets"] == []


def test_a_sheet_is_downloaded_as_excel_and_pdf(city: City, moment: MovableClock) -> None:
    sheet = drafted(city, moment, count=1)
    clerk = city.clerk(SUPERMARKET)
    excel = city.get(f"{LIST}/{sheet.id}.xlsx", clerk)
    assert excel.status_code == 200
    assert f"{sheet.id}.xlsx" in excel.headers["Content-Disposition"]
    book = CalamineWorkbook.from_filelike(io.BytesIO(excel.data))
    assert book.sheet_names == ["结算单", "明细"]
    pdf = city.get(f"{LIST}/{sheet.id}.pdf", clerk)
    assert (pdf.status_code, pdf.mimetype, pdf.data[:5]) == (200, "application/pdf", b"%PDF-")
    other = city.clerk(RESTAURANT)
    for path in (sheet.id, f"{sheet.id}.xlsx", f"{sheet.id}.pdf"):
        assert city.get(f"{LIST}/{path}", other).status_code == 404
