"""Staff at the console: accounts by two administrators, and each person's own page."""

import re
from io import BytesIO

import pytest
from python_calamine import CalamineWorkbook

from backend.domain.permissions import Permission
from backend.domain.staff import Role
from backend.edge.console.permission_words import WORDS
from backend.services import staff_proposals, staff_resets, staff_sessions
from backend.storage.models.staff import StaffAccount
from tests.console import Console, Desk, sign_in
from tests.factories import rows
from tests.staffing import add, enrol

ACCOUNT = {"login_name": "li.wei", "display_name": "李伟", "office": "商务局"}
PERSON = "/console/staff/accounts/li.wei"
CHECKS = "/console/staff/checks"


@pytest.fixture
def two(console: Console) -> tuple[Desk, Desk]:
    """Two administrators."""
    return console.desk(Role.ADMINISTRATOR, "zhao"), console.desk(Role.ADMINISTRATOR, "qian")


def account_of(name: str) -> StaffAccount:
    (found,) = [row for row in rows(StaffAccount) if row.login_name == name]
    return found  # type: ignore[no-any-return]  # rows are of any model


def test_an_account_takes_two_administrators_and_its_password_is_shown_in_halves(
    two: tuple[Desk, Desk],
) -> None:
    zhao, qian = two
    asked = zhao.post("/console/staff", **ACCOUNT, role="bureau_approver")
    assert asked.status_code == 303
    assert "账号申请待您复核" not in zhao.get("/console/").text
    assert "账号申请待您复核" in qian.get("/console/").text
    assert f'action="{CHECKS}/li.wei/confirm"' not in zhao.get(CHECKS).text
    refused = zhao.post(f"{CHECKS}/li.wei/confirm")
    assert refused.status_code == 403
    assert zhao.get(PERSON).status_code == 404
    halves = []
    for answer in (qian.post(f"{CHECKS}/li.wei/confirm"), zhao.post(f"{CHECKS}/li.wei/half")):
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
        halves += re.findall("<code>([^<]+)</code>", answer.text)
    second, first = halves
    enrol("li.wei", f"{first}-{second}")
    assert "商务局审批" in zhao.get(PERSON).text


def test_another_role_takes_two_and_a_request_is_taken_back(two: tuple[Desk, Desk]) -> None:
    zhao, qian = two
    add()
    assert zhao.post(f"{PERSON}/role", role="finance").status_code == 303
    assert zhao.post(f"{CHECKS}/li.wei/refuse").status_code == 400  # why?
    assert zhao.post(f"{CHECKS}/li.wei/refuse", reason="选错了").status_code == 303
    assert qian.post(f"{CHECKS}/li.wei/confirm").status_code == 404
    assert zhao.post(f"{PERSON}/role", role="finance").status_code == 303
    assert qian.post(f"{CHECKS}/li.wei/confirm").status_code == 303
    assert account_of("li.wei").role == Role.FINANCE


def test_a_reset_takes_two_and_each_sees_a_half_of_the_password(two: tuple[Desk, Desk]) -> None:
    zhao, qian = two
    add()
    assert zhao.post(f"{PERSON}/reset", reason="手机遗失").status_code == 303
    assert "手机遗失" in qian.get(CHECKS).text
    assert zhao.post(f"{CHECKS}/li.wei/confirm-reset").status_code == 403
    assert "一次性密码后半" in qian.post(f"{CHECKS}/li.wei/confirm-reset").text
    assert "密码前半待您交给本人" in zhao.get("/console/").text
    assert qian.post(f"{CHECKS}/li.wei/half").status_code == 409
    assert "一次性密码前半" in zhao.post(f"{CHECKS}/li.wei/half").text
    assert zhao.post(f"{CHECKS}/li.wei/half").status_code == 409
    assert "密码前半待您交给本人" not in zhao.get("/console/").text
    assert zhao.post(f"{PERSON}/reset", reason="又遗失").status_code == 303
    assert qian.post(f"{CHECKS}/li.wei/refuse-reset", reason="已找到").status_code == 303
    assert staff_resets.list_open() == []


def test_an_account_is_locked_unlocked_signed_out_and_closed(two: tuple[Desk, Desk]) -> None:
    zhao, _ = two
    sign_in(Role.TAX, "li.wei")
    assert "203.0.113.7" in zhao.get(PERSON).text
    assert zhao.post(f"{PERSON}/end-sessions").status_code == 303
    assert staff_sessions.list_live("li.wei") == []
    for deed, form, state in (
        ("lock", {"reason": "外出"}, "locked"),
        ("unlock", {}, "active"),
        ("leave", {}, "left"),
    ):
        assert zhao.post(f"{PERSON}/{deed}", **form).status_code == 303
        assert account_of("li.wei").state == state
    assert "外出" in zhao.get(PERSON).text
    assert zhao.post(f"{PERSON}/unlock").status_code == 409


def test_nobody_finds_a_button_for_his_own_account(two: tuple[Desk, Desk]) -> None:
    zhao, _ = two
    own = "/console/staff/accounts/zhao"
    assert "须由另一位管理员办理" in zhao.get(own).text
    assert zhao.post(f"{own}/lock", reason="外出").status_code == 403


def test_a_form_that_is_wrong_comes_back_with_what_was_typed(two: tuple[Desk, Desk]) -> None:
    zhao, _ = two
    for wrong in ({"login_name": "李伟"}, {"role": "king"}, {"office": ""}):
        answer = zhao.post("/console/staff", **(ACCOUNT | {"role": "tax"} | wrong))
        assert answer.status_code == 400
        assert 'value="李伟"' in answer.text


def test_the_list_is_filtered_by_name_role_and_state(console: Console) -> None:
    sign_in(Role.TAX, "li.wei")
    sign_in(Role.FINANCE, "100%")
    auditor = console.desk(Role.AUDITOR)
    for query, found in (
        ("name=li.w", "li.wei"),
        ("name=%25", "100%"),
        ("role=tax", "li.wei"),
        ("state=left", "没有符合条件的记录"),
    ):
        text = auditor.get(f"/console/staff?{query}").text
        assert found in text, query
        assert ("li.wei" in text) is (found == "li.wei"), query
    assert "申请新账号" not in auditor.get("/console/staff").text


def test_a_name_is_neither_a_script_nor_a_formula(two: tuple[Desk, Desk]) -> None:
    zhao, qian = two
    evil = {"display_name": "<script>alert(1)</script>", "office": "=1+1"}
    zhao.post("/console/staff", **(ACCOUNT | evil), role="bureau_operator")
    assert "<script>alert" not in qian.get(CHECKS).text
    qian.post(f"{CHECKS}/li.wei/confirm")
    operator = sign_in(Role.BUREAU_OPERATOR, "li.wei")[0]
    assert "<script>alert" not in zhao.get(f"/console/staff/accounts/{operator}").text
    assert zhao.get("/console/staff?format=xlsx").status_code == 403  # accounts are not taken away


def test_the_list_is_taken_away_without_live_formulas(console: Console) -> None:
    staff_proposals.propose_account(
        "li.wei", display_name="=1+1", office="商务局", role=Role.TAX, actor="zhao"
    )
    staff_proposals.confirm("li.wei", actor="qian")
    answer = console.desk(Role.AUDITOR).get("/console/staff?role=tax&format=xlsx")
    lines = CalamineWorkbook.from_filelike(BytesIO(answer.data)).get_sheet_by_index(0).to_python()
    assert [line[:4] for line in lines[1:]] == [["li.wei", "'=1+1", "商务局", "税务"]]


def test_every_permission_has_its_words_and_stands_in_the_matrix(console: Console) -> None:
    assert len(set(WORDS.values())) == len(Permission)
    page = console.desk(Role.AUDITOR).get("/console/permissions").text
    for words in WORDS.values():
        assert f'<th scope="row">{words}</th>' in page
        assert not re.search("[a-z]", words)
