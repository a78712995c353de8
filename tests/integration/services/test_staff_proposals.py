"""New accounts and other roles: asked by one administrator, confirmed by another."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from apiflask import APIFlask
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from backend.domain.errors import HuiquanError, NotFound
from backend.domain.second_person import SecondPersonNeeded
from backend.domain.staff import (
    Role,
    StaffExists,
    StaffInvalid,
    StaffProposalOpen,
    StaffSessionOver,
    StaffSignInRefused,
    StaffStateRefused,
)
from backend.extensions import db
from backend.services import (
    staff,
    staff_hand_overs,
    staff_proposals,
    staff_sessions,
    staff_sign_ins,
)
from backend.storage.models.audit import AuditEntry
from backend.storage.models.staff import StaffAccount, StaffProposal
from backend.storage.sql import transaction
from tests.factories import MovableClock, rows
from tests.staffing import BROWSER, add, desk, enrol


def ask(name: str = "li.wei", *, role: Role = Role.BUREAU_APPROVER, actor: str = "zhao") -> None:
    staff_proposals.propose_account(
        name, display_name="李伟", office="商务局", role=role, actor=actor
    )


def acts() -> list[tuple[str, str]]:
    return [(entry.action, entry.actor) for entry in rows(AuditEntry)]


def test_nobody_signs_in_to_an_account_that_one_administrator_wants(app: APIFlask) -> None:
    ask("Li.Wei")
    assert rows(StaffAccount) == []
    with pytest.raises(StaffSignInRefused):
        staff_sign_ins.by_password("li.wei", "x" * 12, browser=BROWSER)
    second = staff_proposals.confirm(" LI.WEI", actor="qian")
    first = staff_hand_overs.take("Li.Wei", actor="Zhao")
    enrol("li.wei", f"{first}-{second}")
    (account,) = rows(StaffAccount)
    assert (account.role, account.added_by) == ("bureau_approver", "qian")
    (_, added, _, _) = rows(AuditEntry)
    assert added.details == {"role": "bureau_approver", "requested_by": "zhao"}
    assert acts()[:2] == [("staff.propose_account", "zhao"), ("staff.add", "qian")]


def test_another_role_counts_when_it_is_confirmed_and_ends_sessions_then(
    app: APIFlask, moment: MovableClock
) -> None:
    token = desk(moment).token
    staff_proposals.propose_role("li.wei", Role.FINANCE, actor="zhao")
    assert staff_sessions.current(token).role is Role.BUREAU_OPERATOR
    assert staff_proposals.confirm("li.wei", actor="qian") is None
    with pytest.raises(StaffSessionOver):
        staff_sessions.current(token)
    assert [a.role for a in rows(StaffAccount)] == ["finance"]
    assert rows(AuditEntry)[-1].details == {
        "before": "bureau_operator",
        "role": "finance",
        "requested_by": "zhao",
    }


@pytest.mark.parametrize("actor", ["zhao", " ZHAO ", "li.wei"])
@pytest.mark.parametrize("kind", ["account", "role"])
def test_neither_who_asked_nor_the_person_himself_confirms(
    app: APIFlask, kind: str, actor: str
) -> None:
    if kind == "role":
        add()
        staff_proposals.propose_role("li.wei", Role.FINANCE, actor="zhao")
    else:
        ask()
    before = acts()
    with pytest.raises(SecondPersonNeeded):
        staff_proposals.confirm("li.wei", actor=actor)
    assert len(staff_proposals.list_open()) == 1
    assert acts() == before


def test_the_table_itself_refuses_a_confirmation_by_who_asked(app: APIFlask) -> None:
    ask()
    with pytest.raises(IntegrityError), transaction() as session:
        session.execute(
            update(StaffProposal).values(
                decision="confirmed",
                decided_by="zhao",
                decided_at=rows(StaffProposal)[0].requested_at,
            )
        )


def test_nobody_asks_for_himself(app: APIFlask) -> None:
    add()
    with pytest.raises(SecondPersonNeeded):
        staff_proposals.propose_role("li.wei", Role.FINANCE, actor="Li.Wei")
    with pytest.raises(SecondPersonNeeded):
        ask("zhao", actor="Zhao")


def test_one_request_about_a_name_waits_at_a_time_and_a_refused_one_frees_it(
    app: APIFlask,
) -> None:
    ask()
    with pytest.raises(StaffProposalOpen):
        ask(actor="qian")
    staff_proposals.refuse("li.wei", reason="岗位写错", actor="zhao")
    with pytest.raises(NotFound):
        staff_proposals.confirm("li.wei", actor="qian")
    ask(role=Role.MEDIA)
    assert staff_proposals.confirm("li.wei", actor="qian")
    with pytest.raises(NotFound):
        staff_proposals.confirm("li.wei", actor="qian")
    assert [row.decision for row in rows(StaffProposal)] == ["refused", "confirmed"]
    assert [a.role for a in rows(StaffAccount)] == ["media"]


@pytest.mark.parametrize("role", [Role.BUREAU_OPERATOR, Role.FINANCE])
def test_who_has_left_or_has_the_role_gets_no_other(app: APIFlask, role: Role) -> None:
    add()
    if role is Role.FINANCE:
        staff_proposals.propose_role("li.wei", role, actor="zhao")
        staff.leave("li.wei", actor="zhao")
        with pytest.raises(StaffStateRefused):
            staff_proposals.confirm("li.wei", actor="qian")
        staff_proposals.refuse("li.wei", reason="已离岗", actor="qian")
    with pytest.raises(StaffStateRefused):
        staff_proposals.propose_role("li.wei", role, actor="zhao")


def test_a_name_that_was_given_or_names_nobody_is_refused(app: APIFlask) -> None:
    add()
    with pytest.raises(StaffExists):
        ask(" LI.WEI ")
    with pytest.raises(StaffInvalid):
        ask("李伟")
    with pytest.raises(NotFound):
        staff_proposals.propose_role("wang.fang", Role.TAX, actor="zhao")
    with pytest.raises(NotFound):
        staff_proposals.confirm("wang.fang", actor="qian")


def at_once(app: APIFlask, acts: list[Callable[[], object]]) -> int:
    """Run acts at the same moment; return how many were not refused."""
    gate = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> bool:
        with app.app_context():
            gate.wait()
            try:
                act()
            except HuiquanError:
                return False
            finally:
                db.session.remove()
            return True

    with ThreadPoolExecutor(len(acts)) as pool:
        return sum(pool.map(run, acts))


@pytest.mark.parametrize("kind", ["account", "role"])
def test_confirmed_and_refused_at_once_ends_in_one_of_them(app: APIFlask, kind: str) -> None:
    if kind == "role":
        add()
        staff_proposals.propose_role("li.wei", Role.FINANCE, actor="zhao")
    else:
        ask(role=Role.FINANCE)
    done = at_once(
        app,
        [
            *(lambda name=name: staff_proposals.confirm("li.wei", actor=name) for name in "abc"),  # type: ignore[misc]  # the name is bound now
            *(lambda: staff_proposals.refuse("li.wei", reason="写错", actor="d") for _ in range(3)),
        ],
    )
    assert done == 1
    (row,) = [row for row in rows(StaffProposal) if row.requested_by == "zhao"]
    has_role = [a.role for a in rows(StaffAccount)] == ["finance"]
    assert has_role is (row.decision == "confirmed")


def test_of_eight_who_ask_for_a_name_at_once_one_is_heard(app: APIFlask) -> None:
    wanted = [lambda n=n: ask(actor=f"admin{n}") for n in range(8)]  # type: ignore[misc]  # as above
    assert at_once(app, list(wanted)) == 1
