"""The fund report's figures: of one day, equal to the ledger, and adding up."""

from collections import Counter
from datetime import date

from backend.domain.fund_reports import FIGURES
from backend.extensions import db
from backend.services import ledger
from backend.services.fund_report_figures import compute
from tests.factories import MAY, City, MovableClock, approve
from tests.integration.services.budget_parts import confirm, propose_tiers
from tests.integration.services.report_parts import FIRST_DAY, busy

SCOPES = {"fund": "fund", "pot": "quarter", "campaign": "campaign"}
BALANCES = ("appropriated_fen", "available_fen", "committed_fen", "locked_fen", "spent_fen")


def figures(day: date) -> dict[tuple[str, str], dict[str, int]]:
    db.session.rollback()
    return {(row["kind"], row["id"]): row for row in compute(db.session(), day)["rows"]}


def test_every_figure_is_the_ledgers(city: City, moment: MovableClock) -> None:
    busy(city, moment)
    found = figures(date(2023, 5, 5))
    scopes = {(s.kind, s.name): s.balances for s in ledger.check().scopes}
    compared = 0
    for (kind, id_), row in found.items():
        if (scope := (SCOPES.get(kind, ""), id_)) in scopes:
            assert [row[name] for name in BALANCES] == [
                getattr(scopes[scope], name) for name in BALANCES
            ], id_
            compared += 1
    assert compared >= 2 + 4 + 2


def test_each_row_is_the_sum_of_those_below_it(city: City, moment: MovableClock) -> None:
    busy(city, moment)
    rows = compute(db.session(), date(2023, 5, 5))["rows"]
    by_kind: dict[str, list[dict[str, int]]] = {}
    for row in rows:
        by_kind.setdefault(row["kind"], []).append(row)
    additive = [f for f in FIGURES if f not in ("appropriated_fen", "available_fen", "unspent_fen")]
    for upper, lower, fields in (
        ("programme", ("fund",), FIGURES),
        ("fund", ("pot",), FIGURES),
        ("pot", ("campaign", "direct"), additive),
    ):
        for field in fields:
            below = sum(row[field] for kind in lower for row in by_kind[kind])
            assert sum(row[field] for row in by_kind[upper]) == below, (upper, field)
    for row in rows:
        kinds = ("vouchers", "instant", "entries", "subsidies", "imported")
        spent_fen = sum(row[f"{kind}_fen"] for kind in kinds) - row["refunded_fen"]
        assert row["spent_fen"] == spent_fen
        assert row["appropriated_fen"] == sum(row[name] for name in BALANCES[1:])
        assert row["unspent_fen"] == row["appropriated_fen"] - row["spent_fen"]


def test_what_comes_after_the_day_changes_nothing_of_it(city: City, moment: MovableClock) -> None:
    before = None
    moment.move(days=1)
    before = compute(db.session(), FIRST_DAY)
    busy(city, moment)
    approve("Q3-NIGHT", actor="test")
    propose_tiers("B2", {3: 401})
    confirm("B2")
    db.session.rollback()
    assert compute(db.session(), FIRST_DAY) == before
    may = figures(date(2023, 5, 6))["campaign", MAY]
    assert may["units"] - figures(FIRST_DAY)["campaign", MAY]["units"] == 101


def test_the_day_ends_at_24_o_clock_in_china(city: City, moment: MovableClock) -> None:
    busy(city, moment)
    first, later = figures(FIRST_DAY), figures(date(2023, 5, 5))
    may, after = first["campaign", MAY], later["campaign", MAY]
    assert (may["units"], may["units_claimed"], may["units_used"]) == (5000, 2, 1)
    assert (may["locked_fen"], may["vouchers_fen"], may["expired_fen"]) == (3_000, 9_000, 0)
    assert (after["locked_fen"], after["vouchers_fen"], after["expired_fen"]) == (0, 9_000, 3_000)
    assert first["campaign", "GATE-JJK"]["imported_fen"] == 3_500
    assert first["direct", "FUND93/Q1"]["imported_fen"] == 20_000_000
    assert Counter(kind for kind, _ in first) == Counter(
        {"programme": 1, "fund": 2, "pot": 5, "campaign": 2, "direct": 1}
    )


def test_the_first_quarters_floor_is_reached_by_imported_spending(
    city: City, moment: MovableClock
) -> None:
    moment.move(days=1)
    (line,) = compute(db.session(), FIRST_DAY)["floors"]
    assert (line["floor_fen"], line["spent_fen"], line["reached_by_spent"]) == (
        *(20_000_000, 0),
        False,
    )
    busy(city, moment)
    db.session.rollback()
    (line,) = compute(db.session(), date(2023, 4, 29))["floors"]
    assert (line["spent_fen"], line["reached_by_spent"]) == (20_000_000, True)


def test_before_a_programme_is_loaded_there_is_nothing(city: City, moment: MovableClock) -> None:
    (row,) = compute(db.session(), date(2022, 12, 31))["rows"]
    assert row["appropriated_fen"] == 0
