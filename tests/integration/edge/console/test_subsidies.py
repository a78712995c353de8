"""Special subsidies at the console: two reviews, papers, money out, another account."""

from io import BytesIO

import pytest
from python_calamine import CalamineWorkbook

from backend.domain.staff import Role
from backend.services import (
    subsidy_accounts,
    subsidy_files,
    subsidy_payouts,
    subsidy_reviews,
)
from backend.services.subsidies import Account
from backend.storage.models.audit import AuditEntry
from backend.storage.models.subsidies import Subsidy, SubsidyPayout
from tests.console import Console
from tests.factories import City, Person, new_request, rows
from tests.subsidising import car, drafted, granted, sent_back, submitted


@pytest.fixture
def person(city: City) -> Person:
    car(city)
    return city.resident()


def correct(made: Subsidy, person: Person) -> None:
    subsidy_accounts.correct(
        subsidy_id=made.id,
        resident_id=person.id,
        request_id=new_request(),
        account=Account(holder="张三", bank="示例银行富锦支行", number="6222020099990001"),
    )


def test_two_offices_review_and_buttons_show_only_to_who_may(
    console: Console, person: Person
) -> None:
    made = submitted(person)
    path = f"/console/subsidies/{made.id}"
    operator, approver = console.desk(Role.BUREAU_OPERATOR), console.desk(Role.BUREAU_APPROVER)
    assert "专项补贴待初审" in operator.get("/console/").text
    assert f"{path}/first" in operator.get(path).text
    assert f"{path}/grant" not in approver.get(path).text
    assert approver.post(f"{path}/first").status_code == 403
    assert approver.post(f"{path}/grant").status_code == 409
    for _ in range(2):
        assert operator.post(f"{path}/first").status_code == 303
    assert f"{path}/first" not in operator.get(path).text
    assert operator.post(f"{path}/first/refuse", reason="反悔").status_code == 409
    assert "专项补贴待复审" in approver.get("/console/").text
    assert approver.post(f"{path}/grant").status_code == 303
    [row] = rows(Subsidy)
    assert (row.state, row.first_reviewer, row.second_reviewer) == (
        "granted",
        operator.name,
        approver.name,
    )
    page = approver.get(path).text
    assert "已通过，待发放" in page
    assert page.index("提交申请") < page.index("初审通过") < page.index("复审通过")


def test_whoever_reviewed_first_is_told_why_he_does_not_grant(
    console: Console, person: Person
) -> None:
    made = submitted(person)
    path = f"/console/subsidies/{made.id}"
    approver = console.desk(Role.BUREAU_APPROVER)
    subsidy_reviews.first(subsidy_id=made.id, actor=approver.name)
    page = approver.get(path).text
    assert "须由另一位工作人员复审" in page
    assert f"{path}/grant" not in page
    assert "专项补贴待复审" not in approver.get("/console/").text
    refused = approver.post(f"{path}/grant")
    assert (refused.status_code, "同一人不能既经办又复核" in refused.text) == (403, True)
    assert rows(Subsidy)[0].state == "first_reviewed"


def test_a_refusal_wants_a_reason_that_is_shown_and_is_no_script(
    console: Console, person: Person
) -> None:
    path = f"/console/subsidies/{submitted(person).id}"
    operator = console.desk(Role.BUREAU_OPERATOR)
    assert operator.post(f"{path}/first/refuse").status_code == 400
    assert operator.post(f"{path}/first/refuse", reason="<script>x</script>").status_code == 303
    page = operator.get(path).text
    assert "&lt;script&gt;x" in page
    assert "<script>x" not in page
    assert rows(Subsidy)[0].state == "refused"


def test_a_paper_is_for_reviewers_and_each_look_is_written_down(
    console: Console, person: Person
) -> None:
    made = submitted(person)
    path = f"/console/subsidies/{made.id}"
    operator, finance = console.desk(Role.BUREAU_OPERATOR), console.desk(Role.FINANCE)
    answer = operator.get(f"{path}/papers/photo")
    assert (answer.status_code, answer.mimetype) == (200, "image/jpeg")
    assert "no-store" in answer.headers["Cache-Control"] or "max-age=0" in str(answer.cache_control)
    looks = [row for row in rows(AuditEntry) if row.action == "subsidy.read_file"]
    assert [(row.actor, row.subject) for row in looks] == [(operator.name, made.id)]
    assert operator.get(f"{path}/papers/none").status_code == 404
    assert finance.get(f"{path}/papers/photo").status_code == 403
    whole, masked = operator.get(path).text, finance.get(path).text
    for told in ("00000000000000000001", "1HGCM826300000001", "张三"):
        assert told in whole, told
        assert told not in masked, told
    assert "尾号 0001" in masked
    assert "6222020000000001" not in whole


def test_what_another_application_shares_is_told_to_the_reviewer(
    console: Console, city: City, person: Person
) -> None:
    first = submitted(person)
    console.desk(Role.BUREAU_OPERATOR).post(
        f"/console/subsidies/{first.id}/first/refuse", reason="照片不清"
    )
    second = submitted(city.resident())
    page = console.desk(Role.BUREAU_OPERATOR).get(f"/console/subsidies/{second.id}").text
    for told in (
        "发票号相同",
        "车架号相同",
        "另一人使用同一收款账户",
        "材料文件完全相同",
        first.id,
    ):
        assert told in page, told


def test_the_list_is_found_by_what_is_known_and_taken_away_with_amounts(
    console: Console, city: City, person: Person
) -> None:
    made, other = submitted(person), granted(city.resident(), 2)
    auditor = console.desk(Role.AUDITOR)
    for query, found in {
        "": {made.id, other.id},
        "state=submitted": {made.id},
        "state=payable": {other.id},
        "paper=00000000000000000002": {other.id},
        "paper=1hgcm826300000001": {made.id},
        "paper=0002": {other.id},
        "paper=nothing": set(),
        f"resident_id={person.id}": {made.id},
        "campaign=Q3-CAR&since=2023-04-28&through=2023-04-28": {made.id, other.id},
        "through=2023-04-27": set(),
    }.items():
        page = auditor.get(f"/console/subsidies?{query}").text
        assert {one for one in (made.id, other.id) if one in page} == found, query
    book = auditor.get("/console/subsidies?state=payable&format=xlsx")
    [_, row] = CalamineWorkbook.from_filelike(BytesIO(book.data)).get_sheet_by_index(0).to_python()
    assert row[0] == other.id
    assert 60_000.0 in row
    assert auditor.get("/console/subsidies?resident_id=x").status_code == 400


def test_a_list_is_made_once_fetched_under_record_and_answered_by_another(
    console: Console, person: Person
) -> None:
    made = granted(person)
    maker, other = console.desk(Role.FINANCE, "maker"), console.desk(Role.FINANCE, "other")
    assert "专项补贴待发放" in maker.get("/console/").text
    for _ in range(2):
        assert maker.post("/console/subsidy-payouts", number="B-000001").status_code == 303
    [payout] = rows(SubsidyPayout)
    path, line = "/console/subsidy-payouts/B-000001", f"/console/subsidy-payouts/B-000001/{made.id}"
    fetched = maker.post(f"{path}/content")
    assert fetched.data == subsidy_payouts.content_of(payout.number)
    assert [r.actor for r in rows(AuditEntry) if r.action == "subsidy.read_list"] == ["maker"]
    assert "须由另一位工作人员登记" in maker.get(path).text
    assert f"{line}/paid" not in maker.get(path).text
    assert maker.post(f"{line}/paid", proof="S1").status_code == 403
    assert "待登记银行结果" not in maker.get("/console/").text
    assert "待登记银行结果" in other.get("/console/").text
    assert other.post(f"{line}/paid").status_code == 400
    for _ in range(2):
        assert other.post(f"{line}/paid", proof="S1").status_code == 303
    assert other.post(f"{line}/returned", reason="销户").status_code == 409
    assert "已发放" in other.get(path).text
    story = other.get(f"/console/subsidies/{made.id}").text
    assert "清单 B-000001：S1" in story
    assert maker.post("/console/subsidy-payouts", number="B-000002").status_code == 422
    assert maker.post("/console/subsidy-payouts", number="=1+1").status_code == 400
    assert other.get("/console/subsidy-payouts/none").status_code == 404
    assert "B-000001" in other.get("/console/subsidy-payouts").text


def test_a_returned_payout_goes_to_another_account_once_another_person_agreed(
    console: Console, person: Person
) -> None:
    made = sent_back(person)
    correct(made, person)
    path = f"/console/subsidies/{made.id}"
    operator, approver = console.desk(Role.BUREAU_OPERATOR), console.desk(Role.BUREAU_APPROVER)
    page = approver.get(path).text
    assert "示例银行富锦支行" in page
    assert "6222020099990001" not in page
    assert "更正账户待审核" in approver.get("/console/subsidies?state=correcting").text
    assert "补贴更正账户待审核" in approver.get("/console/").text
    assert operator.post(f"{path}/account/confirm").status_code == 403
    assert approver.post(f"{path}/account/refuse").status_code == 400
    assert approver.post(f"{path}/account/refuse", reason="户名不符").status_code == 303
    correct(made, person)
    assert approver.post(f"{path}/account/confirm").status_code == 303
    page = approver.get(path).text
    assert "尾号 0001（已更正）" in page
    assert page.index("户名不符") < page.index("更正账户通过")
    assert subsidy_accounts.last4_of(rows(Subsidy)[0]) == "0001"


def test_whoever_noted_the_return_does_not_say_alone_where_the_money_goes(
    console: Console, person: Person
) -> None:
    made = granted(person)
    approver = console.desk(Role.BUREAU_APPROVER)
    subsidy_payouts.create(number="P1", actor="财政甲")
    subsidy_payouts.answer(
        number="P1", subsidy_id=made.id, paid=False, proof="账号已注销", actor=approver.name
    )
    correct(made, person)
    path = f"/console/subsidies/{made.id}"
    page = approver.get(path).text
    assert "须由另一位工作人员审核更正的账户" in page
    assert f"{path}/account/confirm" not in page
    assert approver.post(f"{path}/account/confirm").status_code == 403
    assert "补贴更正账户待审核" not in approver.get("/console/").text


def test_a_pdf_is_only_handed_out_as_a_download(console: Console, person: Person) -> None:
    made = drafted(person)
    pdf = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
    subsidy_files.put(subsidy_id=made.id, resident_id=person.id, name="photo-2", content=pdf)
    answer = console.desk(Role.AUDITOR).get(f"/console/subsidies/{made.id}/papers/photo-2")
    assert answer.mimetype == "application/pdf"
    assert answer.headers["Content-Disposition"].startswith("attachment")
