"""Complaints at the console: the queue, each office's work, phone and photo for those who may."""

from io import BytesIO

import pytest
from python_calamine import CalamineWorkbook

from backend.domain.staff import Role
from backend.domain.unmasking import SHOWN_S
from backend.services import audit, complaint_clearing, complaints
from tests.complaining import PHONE, file_one, words
from tests.console import Console, Desk
from tests.factories import MovableClock
from tests.subsidising import picture

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def operator(console: Console) -> Desk:
    """Who assigns, and answers for the bureau."""
    return console.desk(Role.BUREAU_OPERATOR)


def path_of(number: str) -> str:
    return f"/console/complaints/{number}"


def assigned(office: str) -> str:
    number = file_one().number
    complaints.assign(number, office=office, actor="jing.ban")
    return number


def test_from_the_queue_to_the_end_by_three_people(console: Console, operator: Desk) -> None:
    number = file_one(text=f"不收券 {EVIL}", shop=EVIL).number
    path = path_of(number)
    market, approver = console.desk(Role.MARKET_REGULATOR), console.desk(Role.BUREAU_APPROVER)
    assert "投诉待交办" in operator.get("/console/").text
    assert operator.get("/console/complaints/to-assign").location.endswith("?state=received")
    told = operator.post(f"{path}/assign", office="market_regulator", note=EVIL)
    assert told.status_code == 303
    assert "投诉待本单位答复" in market.get("/console/").text
    assert market.get("/console/complaints/to-answer").location.endswith(
        "?state=assigned&office=market_regulator"
    )
    page = market.get(path).text
    assert EVIL not in page
    assert page.count("&lt;script&gt;") >= 3
    assert market.post(f"{path}/answer", text=" ").status_code == 400
    assert market.post(f"{path}/answer", text="已请商户改正").status_code == 303
    assert "投诉待办结" in approver.get("/console/").text
    assert market.post(f"{path}/close").status_code == 403
    assert approver.post(f"{path}/send-back").status_code == 400
    assert approver.post(f"{path}/send-back", reason="请写明何时改正").status_code == 303
    assert "内部说明：请写明何时改正" in market.get(path).text
    market.post(f"{path}/answer", text="今天已改正")
    assert approver.post(f"{path}/close").status_code == 303
    assert "投诉待办结" not in approver.get("/console/").text
    assert complaints.get(number).state == "closed"


def test_an_office_answers_and_calls_for_its_own_complaints_alone(
    console: Console, operator: Desk
) -> None:
    path = path_of(assigned("tourism"))
    market = console.desk(Role.MARKET_REGULATOR)
    for desk in (operator, market):
        page = desk.get(path).text
        assert "由文旅部门答复" in page
        assert "查看完整号码" not in page
        assert desk.post(f"{path}/answer", text="越权").status_code == 403
        refused = desk.post(f"{path}/phone", reason="越权")
        assert (refused.status_code, PHONE in refused.text) == (403, False)
    assert console.desk(Role.TOURISM).post(f"{path}/answer", text="已核实").status_code == 303


def test_the_phone_is_masked_until_somebody_says_why_and_then_for_a_minute(
    console: Console, operator: Desk
) -> None:
    number = assigned("bureau")
    path = path_of(number)
    assert operator.post(f"{path}/phone", reason=" ").status_code == 400
    shown = operator.post(f"{path}/phone", reason="回访")
    assert PHONE in shown.text
    assert shown.headers["Refresh"] == f"{SHOWN_S}; url={path}"
    page = operator.get(path).text
    assert ("*******1234" in page, PHONE in page) == (True, False)
    looks = [(e.actor, e.details) for e in audit.entries(action="complaint.phone").each()]
    assert looks == [(operator.name, {"reason": "回访"})]


def test_a_phone_that_was_cleared_in_time_is_told_and_not_offered(
    console: Console, operator: Desk, moment: MovableClock
) -> None:
    number = assigned("bureau")
    complaints.answer(number, text="已改正", actor="jing.ban")
    complaints.close(number, actor="shen.pi")
    moment.move(days=180)
    complaint_clearing.clear_due()
    operator = console.desk(Role.BUREAU_OPERATOR)
    page = operator.get(path_of(number)).text
    assert ("已按期清除" in page, "查看完整号码" in page) == (True, False)
    assert operator.post(f"{path_of(number)}/phone", reason="回访").status_code == 404


def test_the_photo_is_for_staff_alone_and_each_look_is_written_down(
    console: Console, operator: Desk
) -> None:
    number = complaints.file(words(), photo=picture()).number
    path = f"{path_of(number)}/photo"
    assert console.nobody().get(path).status_code == 303
    assert console.desk(Role.FINANCE).get(path).status_code == 403
    answer = operator.get(path)
    assert (answer.mimetype, answer.data[:3]) == ("image/jpeg", b"\xff\xd8\xff")
    assert answer.headers["Cache-Control"] == "no-store"
    assert [e.actor for e in audit.entries(action="complaint.read_file").each()] == [operator.name]
    assert operator.get(f"{path_of(file_one().number)}/photo").status_code == 404


def test_what_is_late_is_flagged_counted_and_found(
    console: Console, operator: Desk, moment: MovableClock
) -> None:
    tourism = assigned("tourism")
    file_one()
    market = console.desk(Role.MARKET_REGULATOR)
    assert "投诉已超期" not in operator.get("/console/").text
    moment.move(days=20)
    operator, market = console.desk(Role.BUREAU_OPERATOR), console.desk(Role.MARKET_REGULATOR)
    assert operator.get("/console/complaints/late").location.endswith("?overdue=yes")
    assert "投诉已超期" in operator.get("/console/").text
    assert "投诉已超期" not in market.get("/console/").text
    page = operator.get("/console/complaints?overdue=yes&office=tourism").text
    assert (tourism in page, "办理中，已超期" in page, "共 1 条" in page) == (True, True, True)
    assert "其中 1 件已超期" in page


def test_the_list_is_filtered_and_masked_in_the_file_too(console: Console) -> None:
    one = file_one(category="money", shop="=1+1").number
    file_one(category="fraud")
    auditor = console.desk(Role.AUDITOR)
    page = auditor.get(f"/console/complaints?number={one[:8]}+{one[8:]}").text
    assert (one in page, "共 1 条" in page) == (True, True)
    for wrong in ("state=nonsense", "overdue=no", "since=31"):
        assert auditor.get(f"/console/complaints?{wrong}").status_code == 400, wrong
    answer = auditor.get("/console/complaints?category=money&format=xlsx")
    lines = CalamineWorkbook.from_filelike(BytesIO(answer.data)).get_sheet_by_index(0).to_python()
    assert [(line[0], line[5], line[6]) for line in lines[1:]] == [(one, "'=1+1", "*******1234")]
    assert PHONE not in str(lines)


def test_numbers_that_the_person_gave_lead_to_shop_and_order(
    console: Console, operator: Desk
) -> None:
    order = file_one(order_number="0" * 32, shop="家乐购").number
    voucher = file_one(order_number="123456").number
    page = operator.get(path_of(order)).text
    assert f'href="/console/orders/{"0" * 32}"' in page
    assert 'href="/console/merchants?name=' in page
    assert 'href="/console/residents?voucher_id=123456"' in operator.get(path_of(voucher)).text
    assert "/console/orders/" not in console.desk(Role.MARKET_REGULATOR).get(path_of(order)).text


def test_a_year_whose_holidays_are_unknown_is_told(
    console: Console, operator: Desk, moment: MovableClock
) -> None:
    assert "节假日安排还没有收录" not in operator.get("/console/complaints").text
    moment.move(days=365 * 60)
    page = console.desk(Role.BUREAU_OPERATOR).get("/console/complaints").text
    assert "节假日安排还没有收录" in page


def test_a_number_that_no_complaint_has_is_a_404(operator: Desk) -> None:
    for number in ("2023042800000000", "x", "%00"):
        assert operator.get(path_of(number)).status_code == 404, number
