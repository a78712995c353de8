"""Each entry is sealed once, in one order, whoever seals and however late it was committed."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from apiflask import APIFlask

from backend import clock
from backend.extensions import db
from backend.services import audit_proofs, audit_seals
from backend.storage.models.audit import AuditSeal
from tests.auditing import act, insert
from tests.factories import MovableClock, rows


def sealed_ids() -> list[int]:
    return [row.entry_id for row in sorted(rows(AuditSeal), key=lambda row: row.position)]


def test_the_job_seals_what_is_new_in_the_order_of_ids_and_nothing_twice(app: APIFlask) -> None:
    assert audit_seals.seal_due() == 0
    act(3)
    assert audit_seals.status().waiting == 3
    assert audit_seals.seal_due() == 3
    assert audit_seals.seal_due() == 0
    act(2)
    assert audit_seals.seal_due() == 2
    assert sealed_ids() == sorted(sealed_ids())
    last = audit_seals.status().last
    assert last is not None
    assert (last.position, audit_seals.status().waiting) == (5, 0)


def test_more_than_one_run_can_hold_are_sealed_all(app: APIFlask) -> None:
    act(1203)
    assert audit_seals.seal_due() == 1203
    assert audit_proofs.verify().faults == ()


def test_an_entry_committed_after_a_higher_id_was_sealed_comes_next(
    app: APIFlask, moment: MovableClock
) -> None:
    begun = clock.now()
    insert(51)
    audit_seals.seal_due()
    moment.move(minutes=59)
    insert(50, at=begun)
    audit_seals.seal_due()
    assert sealed_ids() == [51, 50]
    assert audit_proofs.verify().faults == ()


def test_what_claims_to_be_older_than_any_transaction_is_never_sealed(
    app: APIFlask, moment: MovableClock
) -> None:
    insert(51)
    moment.move(minutes=1)
    insert(52)
    audit_seals.seal_due()
    insert(53, at=clock.now() - timedelta(hours=1, seconds=1))
    insert(54, at=clock.now() - timedelta(hours=1))
    audit_seals.seal_due()
    assert sealed_ids() == [51, 52, 54]
    assert audit_seals.status().waiting == 0


def test_eight_that_seal_at_once_make_one_chain(app: APIFlask) -> None:
    act(60)
    gate = threading.Barrier(8)

    def seal(_: int) -> int:
        with app.app_context():
            gate.wait()
            try:
                return audit_seals.seal_due()
            finally:
                db.session.remove()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(seal, range(8))) == 60
    assert len(set(sealed_ids())) == 60
    assert audit_proofs.verify().faults == ()
