"""Payout accounts and files at the console: two people, one file, the answer whole or not."""

from io import BytesIO

import pytest

from backend.domain.staff import Role
from backend.services import payouts, settlements
from backend.storage.models.audit import AuditEntry
from backend.storage.models.payouts import PayoutAccount, PayoutFile
from tests.console import Console, Desk
from tests.factories import SUPERMARKET, City, MovableClock, rows
from tests.settling import NUMBERS, answer, approved, redeem, sent, with_account

ACCOUNT = {
    "merchant_id": SUPERMARKET,
    "holder": "=同江商贸",
    "bank": "示例银行同江支行",
    "number": "6222 0200 0000 0000 003",
}


def upload(desk: Desk, path: str, content: bytes, name: str = "back.txt") -> int:
    return desk.post(path, file=(BytesIO(content), name)).status_code


def test_an_account_counts_once_another_office_has_read_its_digits(
    console: Console, city: City
) -> None:
    operator, finance = console.desk(Role.BUREAU_OPERATOR), console.desk(Role.FINANCE)
    assert operator.post("/console/payout-accounts", **ACCOUNT).status_code == 303
    wrong = finance.post("/console/payout-accounts/confirm", merchant_id=SUPERMARKET, last4="0001")
    assert wrong.status_code in (404, 409, 422)
    right = {"merchant_id": SUPERMARKET, "last4": "0003"}
    assert operator.post("/console/payout-accounts/confirm", **right).status_code == 403
    assert "待复核" in finance.get("/console/payout-accounts?state=proposed").text
    assert finance.post("/console/payout-accounts/confirm", **right).status_code == 303
    [account] = rows(PayoutAccount)
    assert (account.state, account.confirmed_by) == ("active", finance.name)
    page = finance.get(f"/console/payout-accounts?merchant={SUPERMARKET}").text
    assert "0003" in page
    assert "6222020000000000003" not in page


@pytest.mark.parametrize("wrong", [{"number": "12"}, {"holder": ""}, {"merchant_id": "TJ9999"}])
def test_an_account_that_no_bank_could_pay_is_refused(
    console: Console, city: City, wrong: dict[str, str]
) -> None:
    refused = console.desk(Role.BUREAU_OPERATOR).post(
        "/console/payout-accounts", **{**ACCOUNT, **wrong}
    )
    assert refused.status_code in (400, 404)
    assert rows(PayoutAccount) == []


def test_a_file_is_made_once_and_each_fetching_is_written_down(
    console: Console, city: City, moment: MovableClock
) -> None:
    for merchant_id in NUMBERS:
        redeem(city, merchant_id)
    with_account()
    moment.move(days=1)
    for sheet_id in settlements.draft(actor="张经办").sheet_ids:
        approved(settlements.sheet_of(sheet_id))
    finance = console.desk(Role.FINANCE)
    form = {"number": "P-1", "through": "2023-04-28"}
    assert finance.post("/console/payouts", **form).status_code == 303
    assert "TJ0001-20230428-1 未编入" in finance.get("/console/payouts/P-1").text
    assert finance.post("/console/payouts", **form).status_code == 303
    [file] = rows(PayoutFile)
    assert file.line_count == 1
    fetched = finance.post("/console/payouts/P-1/content")
    assert fetched.data == payouts.content_of("P-1")
    assert NUMBERS[SUPERMARKET].encode() in fetched.data
    assert "P-1" in fetched.headers["Content-Disposition"]
    [entry] = [row for row in rows(AuditEntry) if row.action == "payout.read_file"]
    assert (entry.actor, entry.subject) == (finance.name, "P-1")
    assert finance.post("/console/payouts", number="", through="2023-04-28").status_code == 400


def test_the_banks_answer_is_taken_whole_and_shows_its_proof(
    console: Console, city: City, moment: MovableClock
) -> None:
    sent(city, moment)
    finance = console.desk(Role.FINANCE)
    path = "/console/payouts/B1/answer"
    refused = finance.post(path, file=(BytesIO(answer("paid", "paid,1.00")), "back.txt"))
    assert refused.status_code == 400
    assert "行号" in refused.text
    assert [line.state for line in payouts.lines("B1")] == ["sent", "sent"]
    for _ in range(2):
        assert upload(finance, path, answer("paid", "failed")) == 303
    page = finance.get("/console/payouts/B1").text
    for expected in ("已付款", "付款失败", "B1-S1", "账号户名不符"):
        assert expected in page, expected
    sheet = payouts.lines("B1")[0].sheet_id
    assert "B1-S1" in finance.get(f"/console/settlements/{sheet}").text
    assert finance.post(path).status_code == 400
    assert finance.get("/console/payouts/none").status_code == 404
