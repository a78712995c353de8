"""Hands in the database: whatever they alter, remove or slip in, the walk names the row."""

from datetime import timedelta

import pytest
from apiflask import APIFlask

from backend import clock
from backend.services import audit_proofs, audit_seals
from backend.services.audit_proofs import Anchor
from tests.auditing import act, by_hand, insert
from tests.factories import MovableClock


@pytest.fixture
def log(app: APIFlask) -> None:
    """Nine sealed entries, 11 … 19."""
    for n in range(11, 20):
        insert(n)
    audit_seals.seal_due()
    assert audit_proofs.verify().faults == ()


def found() -> list[str]:
    return [fault.what for fault in audit_proofs.verify().faults]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_entries SET actor = 'wang.fang' WHERE id = 14",
        "UPDATE audit_entries SET action = 'test.other' WHERE id = 14",
        "UPDATE audit_entries SET subject = 'Q3-NIGHT' WHERE id = 14",
        "UPDATE audit_entries SET details = '{\"n\": 1}' WHERE id = 14",
        "UPDATE audit_entries SET at = '2023-04-28 02:00:30' WHERE id = 14",
    ],
)
@pytest.mark.usefixtures("log")
def test_one_altered_field_of_one_row_names_that_row(change: str) -> None:
    by_hand(change)
    assert found() == ["审计记录 14 或它的封存被改动"]


@pytest.mark.usefixtures("log")
def test_a_removed_entry_is_named_also_together_with_its_seal() -> None:
    by_hand("DELETE FROM audit_entries WHERE id = 14")
    assert found() == ["审计记录 14 被删除"]
    by_hand("DELETE FROM audit_seals WHERE entry_id = 14")
    assert found() == ["第 4 至 4 位的封存被删除"]


@pytest.mark.usefixtures("log")
def test_a_removed_seal_leaves_a_gap_and_its_entry_is_not_sealed_into_it() -> None:
    by_hand("DELETE FROM audit_seals WHERE position = 4")
    audit_seals.seal_due()
    assert found() == ["第 4 至 4 位的封存被删除"]


@pytest.mark.usefixtures("log")
def test_an_entry_slipped_in_behind_the_chain_is_named(moment: MovableClock) -> None:
    long_ago = clock.now() - timedelta(hours=2)
    moment.move(hours=3)
    insert(20, at=long_ago)
    audit_seals.seal_due()
    assert found() == ["审计记录 20 是事后插入的，从未封存"]


@pytest.mark.usefixtures("log")
def test_an_entry_dated_after_the_last_seal_and_slipped_in_later_is_told_as_late(
    moment: MovableClock,
) -> None:
    at = clock.now() + timedelta(minutes=5)
    moment.move(minutes=6, seconds=1)
    insert(20, at=at)
    audit_seals.seal_due()
    proof = audit_proofs.verify()
    assert (proof.faults, proof.late_ids) == ((), (20,))


@pytest.mark.usefixtures("log")
def test_a_tail_that_was_cut_off_is_known_by_an_anchor_kept_outside() -> None:
    last = audit_seals.status().last
    assert last is not None
    anchor = Anchor(position=last.position, hash=last.hash)
    assert audit_proofs.verify((anchor,)).faults == ()
    by_hand("DELETE FROM audit_seals WHERE position = 9")
    by_hand("DELETE FROM audit_entries WHERE id = 19")
    assert found() == []
    (fault,) = audit_proofs.verify((anchor,)).faults
    assert fault.what == "第 9 位的封存与留存的校验码不符"


@pytest.mark.usefixtures("log")
def test_a_chain_computed_anew_is_known_by_an_anchor_kept_outside(moment: MovableClock) -> None:
    last = audit_seals.status().last
    assert last is not None
    by_hand("DELETE FROM audit_seals")
    by_hand("UPDATE audit_entries SET actor = 'wang.fang' WHERE id = 14")
    moment.move(minutes=2)
    audit_seals.seal_due()
    proof = audit_proofs.verify((Anchor(position=last.position, hash=last.hash),))
    assert [fault.position for fault in proof.faults] == [9]
    assert proof.late_ids == tuple(range(11, 20))


@pytest.mark.usefixtures("log")
def test_the_walk_goes_on_over_its_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_proofs, "_PAGE", 3)
    act(2)
    audit_seals.seal_due()
    proof = audit_proofs.verify()
    assert (proof.sealed, proof.sealing.waiting, proof.faults) == (11, 0, ())
    by_hand("UPDATE audit_entries SET actor = 'x' WHERE id = 14")
    assert found() == ["审计记录 14 或它的封存被改动"]
