"""The proof finds what subsidies could get wrong."""

from sqlalchemy import update

from backend.extensions import db
from backend.services import ledger, subsidy_payouts
from backend.storage.models.subsidies import Subsidy, SubsidyPayoutLine
from backend.storage.sql import transaction
from tests.factories import City
from tests.subsidising import CAR, car, granted


def found() -> list[tuple[str, str]]:
    db.session.remove()
    return [(d.where, d.what) for d in ledger.check().differences]


def test_altered_amounts_are_found_in_transfer_campaign_and_payout(city: City) -> None:
    car(city)
    made = granted(city.resident())
    subsidy_payouts.create(number="P1", actor="财政甲")
    assert found() == []
    with transaction() as session:
        session.execute(update(Subsidy).values(amount_fen=Subsidy.amount_fen + 1))
    assert found() == [
        (f"campaign {CAR}", "spent: its rows and its account"),
        (f"subsidy {made.id}", "its transfer"),
        (f"subsidy {made.id}", "its payout"),
    ]


def test_a_payout_that_is_not_its_lines_is_found(city: City) -> None:
    car(city)
    made = granted(city.resident())
    subsidy_payouts.create(number="P1", actor="财政甲")
    with transaction() as session:
        session.execute(update(SubsidyPayoutLine).values(amount_fen=1))
    assert found() == [
        ("subsidy payout P1", "its lines"),
        (f"subsidy {made.id}", "its payout"),
    ]
