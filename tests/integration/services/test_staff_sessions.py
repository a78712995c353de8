"""Sessions at the console end by idleness, by age, by their owner and by what happens to him."""

import pytest
from apiflask import APIFlask

from backend.domain.errors import NotFound
from backend.domain.permissions import MATRIX, Permission
from backend.domain.staff import Role, StaffSessionOver
from backend.services import staff_sessions
from backend.storage.models.staff import StaffSession
from tests.factories import MovableClock, rows
from tests.staffing import BROWSER, OTHER_BROWSER, desk


def why(token: str) -> str | None:
    (row,) = [r for r in rows(StaffSession) if r.token_hash == staff_sessions._hash(token)]
    return row.ended_why


def test_a_member_of_staff_may_what_the_matrix_gives_his_role(
    app: APIFlask, moment: MovableClock
) -> None:
    member = staff_sessions.current(desk(moment, role=Role.TAX).token)
    assert member.permissions == MATRIX[Role.TAX]
    assert member.may(Permission.MERCHANTS_SCREEN_TAX)
    assert not member.may(Permission.MERCHANTS_SCREEN_MARKET)


@pytest.mark.parametrize("token", ["", "x", "é" * 50])
def test_what_is_no_token_is_no_session(app: APIFlask, token: str) -> None:
    with pytest.raises(StaffSessionOver):
        staff_sessions.current(token)


def test_a_session_ends_after_30_idle_minutes(app: APIFlask, moment: MovableClock) -> None:
    token = desk(moment).token
    for _ in range(3):
        moment.move(minutes=29, seconds=59)
        staff_sessions.current(token)
    moment.move(minutes=30)
    with pytest.raises(StaffSessionOver):
        staff_sessions.current(token)


def test_what_a_page_asks_by_itself_keeps_no_session_alive(
    app: APIFlask, moment: MovableClock
) -> None:
    token = desk(moment).token
    for _ in range(6):
        staff_sessions.current(token, in_use=False)
        moment.move(minutes=5)
    with pytest.raises(StaffSessionOver):
        staff_sessions.current(token, in_use=False)


def test_a_session_ends_after_12_hours_in_whatever_use(app: APIFlask, moment: MovableClock) -> None:
    token = desk(moment).token
    for _ in range(12 * 4 - 1):
        moment.move(minutes=15)
        staff_sessions.current(token)
    moment.move(minutes=15)
    with pytest.raises(StaffSessionOver):
        staff_sessions.current(token)
    assert staff_sessions.end_overdue() == 1
    assert why(token) == "over"


def test_the_job_writes_down_what_ran_out_and_touches_no_live_session(
    app: APIFlask, moment: MovableClock
) -> None:
    li = desk(moment)
    moment.move(minutes=20)
    live = li.sign_in()
    moment.move(minutes=10)
    assert staff_sessions.end_overdue() == 1
    assert (why(li.token), why(live)) == ("idle", None)
    assert staff_sessions.end_overdue() == 0


def test_a_person_sees_and_ends_his_own_sessions_and_no_others(
    app: APIFlask, moment: MovableClock
) -> None:
    li = desk(moment)
    other = li.sign_in(OTHER_BROWSER)
    wang = desk(moment, name="wang.fang")
    shown = staff_sessions.list_live("li.wei")
    assert [(s.address, s.browser) for s in shown] == [
        (OTHER_BROWSER.address, OTHER_BROWSER.name),
        (BROWSER.address, BROWSER.name),
    ]
    with pytest.raises(NotFound):
        staff_sessions.end_own(wang.token, shown[0].id)
    staff_sessions.end_own(li.token, shown[0].id)
    with pytest.raises(StaffSessionOver):
        staff_sessions.current(other)
    assert why(other) == "ended"
    with pytest.raises(NotFound):
        staff_sessions.end_own(li.token, shown[0].id)
    assert len(staff_sessions.list_live("li.wei")) == 1


def test_signing_out_ends_the_session_and_again_changes_nothing(
    app: APIFlask, moment: MovableClock
) -> None:
    token = desk(moment).token
    staff_sessions.sign_out(token)
    staff_sessions.sign_out(token)
    assert why(token) == "signed_out"
    with pytest.raises(StaffSessionOver):
        staff_sessions.current(token)


def test_every_way_to_end_has_its_chinese_name(app: APIFlask, moment: MovableClock) -> None:
    check = next(c for c in StaffSession.__table__.constraints if str(c.name).endswith("why_known"))
    for name in staff_sessions.WHY_NAMES:
        assert f"'{name}'" in str(check.sqltext)  # type: ignore[attr-defined]  # a CHECK has it
    assert str(check.sqltext).count("'") == 2 * len(staff_sessions.WHY_NAMES)  # type: ignore[attr-defined]  # as above
