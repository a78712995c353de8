"""A one-time password in two halves: neither administrator alone can sign in as the new person."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from apiflask import APIFlask

from backend.domain.staff import HalfNotThere, Role, StaffSignInRefused
from backend.extensions import db
from backend.services import staff_hand_overs, staff_proposals, staff_resets, staff_sign_ins
from backend.services.personal_data import vault
from backend.storage.models.audit import AuditEntry
from backend.storage.models.staff import StaffHandOver
from tests.factories import MovableClock, rows
from tests.staffing import BROWSER, PASSWORD, enrol


def confirmed() -> str:
    """Have an account asked by zhao and confirmed by qian; return what qian is shown."""
    staff_proposals.propose_account(
        "li.wei", display_name="李伟", office="商务局", role=Role.FINANCE, actor="zhao"
    )
    second = staff_proposals.confirm("li.wei", actor="qian")
    assert second
    return second


def take(actor: str = "zhao") -> str:
    return staff_hand_overs.take("li.wei", actor=actor)


def test_neither_half_alone_opens_the_account_and_both_do(app: APIFlask) -> None:
    second = confirmed()
    first = take()
    for tried in (first, second, f"{second}-{first}", f"{first}{second}"):
        with pytest.raises(StaffSignInRefused):
            staff_sign_ins.by_password("li.wei", tried, browser=BROWSER)
    assert staff_sign_ins.by_password("li.wei", f"{first}-{second}", browser=BROWSER).must_enrol


def test_the_first_half_is_shown_to_who_asked_alone_once_and_on_the_record(app: APIFlask) -> None:
    confirmed()
    for other in ("qian", "li.wei", "sun"):
        assert staff_hand_overs.list_for(other) == []
        with pytest.raises(HalfNotThere):
            take(other)
    assert [a.login_name for a in staff_hand_overs.list_for(" ZHAO")] == ["li.wei"]
    first = take()
    with pytest.raises(HalfNotThere):
        take()
    assert staff_hand_overs.list_for("zhao") == []
    shown = [e for e in rows(AuditEntry) if e.action == "staff.show_half"]
    assert [(e.actor, e.subject) for e in shown] == [("zhao", "li.wei")]
    assert first not in str([e.details for e in rows(AuditEntry)])


def test_a_half_is_kept_as_long_as_its_password_and_not_a_second_more(
    app: APIFlask, moment: MovableClock
) -> None:
    confirmed()
    moment.move(days=3, seconds=-1)
    assert len(staff_hand_overs.list_for("zhao")) == 1
    moment.move(seconds=1)
    assert staff_hand_overs.list_for("zhao") == []
    with pytest.raises(HalfNotThere):
        take()


def test_a_reset_makes_both_halves_anew(app: APIFlask) -> None:
    confirmed()
    staff_resets.request("li.wei", reason="没有收到", actor="sun")
    second = staff_resets.confirm("li.wei", actor="zhao")
    with pytest.raises(HalfNotThere):
        take("zhao")
    enrol("li.wei", f"{take('sun')}-{second}")


def test_a_half_that_nobody_looked_at_goes_with_the_one_time_password(app: APIFlask) -> None:
    first, second = _without_taking()
    whole = f"{first}-{second}"
    token, _ = enrol("li.wei", whole)
    staff_sign_ins.change_password(token, old=whole, new=PASSWORD, browser=BROWSER)
    assert rows(StaffHandOver) == []


def _without_taking() -> tuple[str, str]:
    """Return both halves and leave the first where it waits."""
    second = confirmed()
    (kept,) = rows(StaffHandOver)
    return vault().decrypt(kept.half_encrypted), second


def test_asked_for_eight_times_at_once_it_is_shown_once(app: APIFlask) -> None:
    confirmed()
    gate = threading.Barrier(8)

    def look(_: int) -> bool:
        with app.app_context():
            gate.wait()
            try:
                take()
            except HalfNotThere:
                return False
            finally:
                db.session.remove()
            return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(look, range(8))) == 1
