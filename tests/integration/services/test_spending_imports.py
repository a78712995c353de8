"""Spending of before the start: each record once, by two people, never beyond its money."""

from datetime import date, timedelta
from functools import partial

import pytest

from backend.domain.budgets import AlreadyDecided, CampaignNotOver
from backend.domain.campaigns import ActNotPossible, BudgetExceeded
from backend.domain.errors import NotFound
from backend.domain.refusals import RequestReused
from backend.domain.second_person import SecondPersonNeeded
from backend.domain.spending import COLUMNS, SpendingFileRefused
from backend.services import ledger, spending_imports
from backend.services.spending_imports import Target
from backend.storage.models.budgets import SpendingDecision, SpendingImport, SpendingRecord
from backend.storage.models.ledger import Transfer
from backend.storage.models.orders import Redemption
from tests.factories import MAY, City, MovableClock, approve, rows
from tests.integration.services.budget_parts import ASKS, CHECKS, end, race

QUARTER = Target(fund_id="FUND93", quarter="Q1")


def csv(*records: tuple[str, str, str]) -> bytes:
    lines = [",".join(COLUMNS), *(f"{n},{day},{yuan},家乐购," for n, day, yuan in records)]
    return "\n".join(lines).encode()


ONE = csv(("A-1", "2023-01-15", "1000"), ("A-2", "2023-02-01", "0.01"))


def bring(id_: str, content: bytes = ONE, target: Target = QUARTER) -> SpendingImport:
    return spending_imports.propose(
        id_, content, file_name="x.csv", target=target, reason="前期发放", actor=ASKS
    )


def confirm(id_: str) -> None:
    spending_imports.confirm(id_, actor=CHECKS)


def spent(kind: str, name: str) -> tuple[int, int]:
    b = next(s for s in ledger.check().scopes if (s.kind, s.name) == (kind, name)).balances
    return (b.available_fen, b.spent_fen)


def test_records_are_spent_once_marked_with_their_own_day_and_are_no_redemption(
    city: City,
) -> None:
    bring("S1")
    assert spent("quarter", "FUND93/Q1") == (22_000_000, 0)
    confirm("S1")
    confirm("S1")
    assert spent("quarter", "FUND93/Q1") == (21_899_999, 100_001)
    assert spent("fund", "FUND93")[1] == 100_001
    moved = {t.id: t.amount_fen for t in rows(Transfer) if t.kind == "spending"}
    assert moved == {"imported:A-1": 100_000, "imported:A-2": 1}
    days = [record.business_day for record in rows(SpendingRecord)]
    assert days == [date(2023, 1, 15), date(2023, 2, 1)]
    assert rows(Redemption) == []
    assert ledger.check().differences == ()


def test_a_second_import_of_the_pot_uses_the_same_accounts(city: City) -> None:
    for number in range(2):
        bring(f"S{number}", csv((f"A-{number}", "2023-01-15", "1")))
        confirm(f"S{number}")
    assert spent("quarter", "FUND93/Q1")[1] == 200
    assert ledger.check().differences == ()


def test_the_same_file_again_is_the_same_import_and_another_under_its_id_is_refused(
    city: City,
) -> None:
    assert bring("S1").id == bring("S1").id
    with pytest.raises(RequestReused):
        bring("S1", csv(("A-3", "2023-01-15", "1")))
    with pytest.raises(RequestReused):
        bring("S1", target=Target(fund_id="FUND93", quarter="Q2"))
    assert len(rows(SpendingRecord)) == 2


def test_who_brought_a_file_does_not_confirm_it(city: City) -> None:
    bring("S1")
    with pytest.raises(SecondPersonNeeded):
        spending_imports.confirm("S1", actor=ASKS)
    assert rows(SpendingDecision) == []


def test_a_record_in_the_books_is_refused_with_its_line_and_nothing_is_taken_in(
    city: City,
) -> None:
    bring("S1")
    confirm("S1")
    with pytest.raises(SpendingFileRefused) as refused:
        bring("S2", csv(("A-3", "2023-01-15", "1"), ("A-2", "2023-01-15", "1")))
    assert refused.value.details["faults"] == [
        {"line": 3, "where": "凭证号", "reason": "已由另一次补录入账"}
    ]
    assert [row.id for row in rows(SpendingImport)] == ["S1"]


def test_20_imports_of_one_record_confirmed_at_once_spend_it_once(city: City) -> None:
    for number in range(20):
        quarter = ("Q1", "Q2")[number % 2]
        day = ("2023-01-15", "2023-04-15")[number % 2]
        content = csv((f"B-{number}", day, "1"), ("A-1", day, "1"))
        bring(f"S{number}", content, Target(fund_id="FUND93", quarter=quarter))
    found = race(city.app, [partial(confirm, f"S{number}") for number in range(20)])
    assert sorted(found) == ["done"] + ["spending_imported_before"] * 19
    assert spent("fund", "FUND93")[1] == 200
    assert ledger.check().differences == ()


def test_20_imports_at_once_never_pass_the_pot_by_one_fen(city: City) -> None:
    for number in range(20):  # the quarter has 220,000 yuan: four times 50,000
        bring(f"S{number}", csv((f"A-{number}", "2023-01-15", "50000")))
    found = race(city.app, [partial(confirm, f"S{number}") for number in range(20)])
    assert sorted(found) == ["budget_exceeded"] * 16 + ["done"] * 4
    assert spent("quarter", "FUND93/Q1") == (2_000_000, 20_000_000)
    bring("LAST", csv(("B", "2023-01-15", "20000.01")))
    with pytest.raises(BudgetExceeded):
        confirm("LAST")
    bring("REST", csv(("B", "2023-01-15", "20000")))
    confirm("REST")
    assert ledger.check().differences == ()


def test_a_campaign_whose_units_can_be_claimed_keeps_its_money(
    city: City, moment: MovableClock
) -> None:
    content = csv(("A-1", "2023-04-28", "1000"))
    bring("S1", content, spending_imports.of_campaign(MAY))
    with pytest.raises(CampaignNotOver):
        confirm("S1")
    city.claim(city.resident())
    end(MAY, moment)
    with pytest.raises(CampaignNotOver):  # a claim still waits for the writer
        confirm("S1")
    from tests.factories import drain

    drain()
    confirm("S1")
    assert spent("campaign", MAY) == (0, 100_000)
    assert ledger.check().differences == ()


def test_entries_and_subsidies_are_imported_while_their_campaign_runs(city: City) -> None:
    gate = spending_imports.of_campaign("GATE-JJK")
    bring("S1", csv(("A-1", "2023-01-15", "35")), gate)
    with pytest.raises(ActNotPossible):
        confirm("S1")
    approve("GATE-JJK", actor="test")
    confirm("S1")
    assert spent("campaign", "GATE-JJK") == (0, 3_500)
    bring("S2", csv(("A-2", "2023-01-15", "174965.01")), gate)
    with pytest.raises(BudgetExceeded):
        confirm("S2")
    assert ledger.check().differences == ()


def test_a_refused_import_spends_nothing_and_its_records_may_come_again(city: City) -> None:
    bring("S1")
    spending_imports.refuse("S1", reason="凭证不全", actor=CHECKS)
    with pytest.raises(AlreadyDecided):
        confirm("S1")
    bring("S2")
    confirm("S2")
    decided = [row.decision.decision for row in spending_imports.list_imports() if row.decision]
    assert sorted(decided) == ["confirmed", "refused"]


def test_unknown_targets_and_days_after_today_are_refused(city: City, moment: MovableClock) -> None:
    for target in (Target(fund_id="NO"), Target(fund_id="GATE", quarter="Q1")):
        with pytest.raises(NotFound):
            bring("S1", target=target)
    with pytest.raises(NotFound):
        spending_imports.of_campaign("NO")
    with pytest.raises(NotFound):
        confirm("S1")
    tomorrow = (date(2023, 4, 28) + timedelta(days=1)).isoformat()
    with pytest.raises(SpendingFileRefused):
        bring("S1", csv(("A-1", tomorrow, "1")), Target(fund_id="GATE"))
