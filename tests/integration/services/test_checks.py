"""The daily proofs: once a day, written down, and what they find is named."""

from backend import clock
from backend.domain.postings import campaign_posting
from backend.services import audit_seals, checks
from backend.storage.models.health import CheckRun
from backend.storage.queries.ledger import add_transfer
from backend.storage.sql import exclusively, transaction
from tests.factories import MAY, City, MovableClock, rows
from tests.settling import redeem


def test_each_runs_once_a_day(city: City, moment: MovableClock) -> None:
    redeem(city)
    audit_seals.seal_due()
    assert checks.last("ledger") is None
    assert [checks.run_due(), checks.run_due()] == [2, 0]
    ledger, audit = checks.last("ledger"), checks.last("audit")
    assert ledger is not None
    assert audit is not None
    assert (ledger.faults, ledger.first_fault, audit.faults) == (0, None, 0)
    assert min(ledger.looked_at, audit.looked_at) > 0
    moment.move(hours=13, minutes=58, seconds=59)  # 23:59:59
    assert checks.run_due() == 0
    moment.move(seconds=1)
    assert checks.run_due() == 2
    assert len(rows(CheckRun)) == 4


def test_a_fen_too_many_is_found_and_named(city: City) -> None:
    with transaction() as session:
        posting = campaign_posting("spending", MAY, 1, id="spending:forged")
        add_transfer(session, posting, at=clock.now())
    found = checks.run("ledger")
    assert found.faults >= 1
    assert MAY in (found.first_fault or "")


def test_of_two_machines_one_runs_them(city: City) -> None:
    with exclusively("checks") as mine:
        assert mine
        assert checks.run_due() == 0
    assert checks.run_due() == 2
