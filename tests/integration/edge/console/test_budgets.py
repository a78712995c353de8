"""Budgets, earlier spending, the fund report and the ledger's check at the console."""

from datetime import timedelta
from io import BytesIO

import pytest

from backend import clock
from backend.domain.postings import campaign_posting
from backend.domain.staff import Role
from backend.services import ledger
from backend.storage.models.budgets import (
    BudgetChange,
    BudgetDecision,
    FundReport,
    SpendingDecision,
    SpendingImport,
)
from backend.storage.queries.ledger import add_transfer
from backend.storage.sql import transaction
from tests.console import Console
from tests.factories import MAY, City, MovableClock, rows
from tests.integration.services.budget_parts import amount, ceiling, counts
from tests.settling import redeem

NUMBER = "B20230428-1001-abcdef"
HEAD = "凭证号,日期,金额,收款方,备注\n"
QUARTER = {
    "number": NUMBER,
    "fund_id": "FUND93",
    "quarter": "Q3",
    "to_quarter": "Q4",
    "expected": "240,000.00",
    "new": "230000.50",
    "reason": "<b>冰雪季</b>",
}


def test_a_quarters_ceiling_changes_once_finance_has_confirmed_it(
    console: Console, city: City
) -> None:
    operator, finance = console.desk(Role.BUREAU_OPERATOR), console.desk(Role.FINANCE)
    for _ in range(2):
        assert operator.post("/console/budgets/quarter", **QUARTER).status_code == 303
    [change] = rows(BudgetChange)
    assert (change.kind, change.expected_fen, change.new_fen) == ("move", 24_000_000, 23_000_050)
    assert operator.post(f"/console/budgets/{NUMBER}/confirm").status_code == 403
    page = finance.get(f"/console/budgets/{NUMBER}").text
    assert "&lt;b&gt;冰雪季" in page
    assert "复核通过" in page
    assert finance.post(f"/console/budgets/{NUMBER}/confirm").status_code == 303
    assert ceiling("Q3") == 23_000_050
    shown = finance.get("/console/budgets").text
    for expected in ("230,000.50", "季度间调剂", "FUND93/Q3 → Q4", "已生效"):
        assert expected in shown, expected


def test_nothing_is_proposed_on_a_value_that_is_no_longer_so(console: Console, city: City) -> None:
    operator = console.desk(Role.BUREAU_OPERATOR)
    old = {**QUARTER, "expected": "239999.99"}
    assert operator.post("/console/budgets/quarter", **old).status_code == 409
    for wrong in ({"new": "1.234"}, {"reason": ""}, {"number": "../x"}, {"quarter": "Q9"}):
        answer = operator.post("/console/budgets/quarter", **{**QUARTER, **wrong})
        assert answer.status_code in (400, 404, 422), wrong
    assert rows(BudgetChange) == []


def test_tiers_are_changed_by_their_counts_and_a_refusal_wants_a_reason(
    console: Console, city: City
) -> None:
    operator, finance = console.desk(Role.BUREAU_OPERATOR), console.desk(Role.FINANCE)
    before = counts()
    form = {"number": NUMBER, "campaign_id": MAY, "expected": str(amount() // 100), "reason": "x"}
    for wrong in ({"count-1": "1x"}, {"count-1": "9" * 5_000}, {"count-²": "1"}, {}):
        answer = operator.post("/console/budgets/tiers", **form, **wrong)
        assert answer.status_code in (400, 422), wrong
    assert operator.post("/console/budgets/tiers", **form, **{"count-3": "401"}).status_code == 303
    assert f"{before[3]} 份 → 401 份" in operator.get(f"/console/budgets/{NUMBER}").text
    path = f"/console/budgets/{NUMBER}/refuse"
    assert finance.post(path).status_code == 400
    assert finance.post(path, reason="本季不调").status_code == 303
    [decision] = rows(BudgetDecision)
    assert (decision.decision, decision.reason) == ("refused", "本季不调")
    assert counts() == before


def test_a_funds_amount_and_a_campaigns_rest_are_proposed_by_their_rules(
    console: Console, city: City
) -> None:
    operator = console.desk(Role.BUREAU_OPERATOR)
    fund = {
        "number": NUMBER,
        "fund_id": "FUND93",
        "expected": "930000",
        "new": "930001",
        "document_number": "同财字〔2023〕12号",
        "reason": "追加",
    }
    assert operator.post("/console/budgets/fund", **fund).status_code == 303
    assert "同财字〔2023〕12号" in operator.get("/console/budgets").text
    rest = {"number": "B20230428-1001-abcdee", "campaign_id": MAY, "reason": "结余"}
    refused = operator.post("/console/budgets/rest", **rest)
    assert refused.status_code == 409
    assert operator.get("/console/budgets/none").status_code == 404


def test_earlier_spending_is_taken_whole_and_counts_once_finance_has_confirmed_it(
    console: Console, city: City
) -> None:
    operator, finance = console.desk(Role.BUREAU_OPERATOR), console.desk(Role.FINANCE)
    form = {"number": "S20230428-1001-abcdef", "pot": "FUND93/Q1", "reason": "启用前支出"}

    def bring(text: str, **more: str) -> int:
        file = (BytesIO(text.encode()), "=spending.csv")
        return operator.post("/console/spending", file=file, **{**form, **more}).status_code

    assert bring(HEAD + "A-1,2023-01-15,1e3,家乐购,\n") == 400
    assert bring(HEAD + "A-1,2023-01-15,1000,家乐购,\n", campaign_id=MAY) == 400
    assert rows(SpendingImport) == []
    assert bring(HEAD + "A-1,2023-01-15,1000,家乐购,\n") == 303
    path = f"/console/spending/{form['number']}"
    assert operator.post(f"{path}/confirm").status_code == 403
    assert "1,000.00" in finance.get(path).text
    assert finance.post(f"{path}/confirm").status_code == 303
    assert [row.decision for row in rows(SpendingDecision)] == ["confirmed"]
    assert "已生效" in finance.get("/console/spending").text
    assert ledger.check().differences == ()


def test_an_import_is_refused_with_a_reason(console: Console, city: City) -> None:
    operator, finance = console.desk(Role.BUREAU_OPERATOR), console.desk(Role.FINANCE)
    number = "S20230428-1001-abcdee"
    file = (BytesIO((HEAD + "A-1,2023-01-15,35,x,\n").encode()), "x.csv")
    form = {"number": number, "campaign_id": "GATE-JJK", "reason": "补录"}
    assert operator.post("/console/spending", file=file, **form).status_code == 303
    assert finance.post(f"/console/spending/{number}/refuse").status_code == 400
    assert finance.post(f"/console/spending/{number}/refuse", reason="凭证不全").status_code == 303
    assert "凭证不全" in operator.get(f"/console/spending/{number}").text


@pytest.fixture
def frozen(console: Console, city: City, moment: MovableClock) -> str:
    """The address of a report of a day with one redemption, frozen the day after."""
    redeem(city)
    moment.move(days=1)
    answer = console.desk(Role.BUREAU_OPERATOR).post("/console/fund-reports", as_of="2023-04-28")
    assert answer.status_code == 303
    return str(answer.location)


def test_a_report_is_frozen_for_a_day_that_is_over_and_fetched_as_files(
    console: Console, frozen: str
) -> None:
    operator = console.desk(Role.BUREAU_OPERATOR)
    assert operator.post("/console/fund-reports", as_of="2023-04-29").status_code == 409
    assert operator.post("/console/fund-reports", as_of="2023-04-28").location == frozen
    auditor = console.desk(Role.AUDITOR)
    page = auditor.get(frozen).text
    assert "完全一致" in page
    assert "2023-04-28 第 1 版" in auditor.get("/console/fund-reports").text
    for suffix, start in (("json", b"{"), ("xlsx", b"PK"), ("pdf", b"%PDF")):
        file = auditor.get(f"{frozen}/funds-2023-04-28-v1.{suffix}")
        assert file.data.startswith(start), suffix
    assert auditor.get(f"{frozen}/passwd").status_code == 404
    assert auditor.get("/console/fund-reports/2023-13-01/1").status_code == 404


def test_a_frozen_report_tells_what_the_books_say_otherwise_by_now(
    console: Console, frozen: str
) -> None:
    at = clock.now() - timedelta(days=1)
    with transaction() as session:
        add_transfer(session, campaign_posting("spending", MAY, 100, id="late"), at=at)
    assert "有不同" in console.desk(Role.AUDITOR).get(frozen).text
    assert len(rows(FundReport)) == 1


def test_the_ledger_is_checked_on_demand_by_whoever_reads_budgets(
    console: Console, city: City
) -> None:
    redeem(city)
    auditor = console.desk(Role.AUDITOR)
    assert "全部相符" not in auditor.get("/console/ledger").text
    page = auditor.get("/console/ledger?run=1").text
    assert "全部相符" in page
    assert "FUND93" in page
