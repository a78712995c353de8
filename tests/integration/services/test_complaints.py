"""Complaints: handed in once, followed by their person alone, answered and closed by two people."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime

import pytest
from apiflask import APIFlask
from sqlalchemy import func, select

from backend.clock import CHINA
from backend.domain import complaints as rules
from backend.domain.second_person import SecondPersonNeeded
from backend.domain.staff import Role
from backend.domain.unmasking import UNMASKS_A_DAY, UnmaskLimitReached
from backend.extensions import db
from backend.services import audit, complaints, programmes
from backend.storage.models.complaints import Complaint
from tests.complaining import PHONE, file_one, words
from tests.factories import SAMPLE, MovableClock


def answered() -> str:
    number = file_one().number
    complaints.assign(number, office="bureau", actor="jing.ban")
    complaints.answer(number, text="已请商户改正", actor="jing.ban")
    return number


def count() -> int:
    return db.session.scalar(select(func.count()).select_from(Complaint)) or 0


def test_a_complaint_has_a_number_and_a_day_and_its_phone_is_not_kept_in_plain(
    app: APIFlask, moment: MovableClock
) -> None:
    moment.set(datetime(2023, 4, 28, 23, 59, tzinfo=CHINA))
    complaint = file_one()
    assert (complaint.number[:8], len(complaint.number)) == ("20230428", 16)
    assert complaint.due_on == date(2023, 5, 9)  # 五一 is off, Saturday 6 May is worked
    assert PHONE.encode() not in complaint.phone_encrypted
    assert PHONE not in complaint.phone_hash
    assert complaints.phone_of(complaint.number, reason="回访", actor="jing.ban") == PHONE
    assert [e.details for e in audit.entries(action="complaint.phone").each()] == [
        {"reason": "回访"}
    ]


def test_the_programme_says_within_how_many_working_days_it_is_answered(
    app: APIFlask, moment: MovableClock
) -> None:
    moment.set(datetime(2023, 4, 28, tzinfo=CHINA))
    own = "lead_office: 市商务和口岸局, complaint_answer_days: 1}"
    text = SAMPLE.read_text().replace("lead_office: 市商务和口岸局}", own)
    programmes.load(text, actor="test")
    assert file_one().due_on == date(2023, 5, 4)


def test_the_same_form_is_one_complaint_and_another_body_under_it_is_refused(
    app: APIFlask,
) -> None:
    form = words()
    first = complaints.file(form).number
    assert complaints.file(form).number == first
    with pytest.raises(rules.ComplaintFormUsed):
        file_one(form_id=form.form_id, text="另外一件事情。")
    assert count() == 1


def test_the_same_form_sent_8_times_at_once_is_one_complaint(app: APIFlask) -> None:
    form = words()

    def send(_: int) -> str:
        with app.app_context():
            return complaints.file(form).number

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(send, range(8)))) == 1
    assert count() == 1


def test_a_phone_hands_in_five_a_day_also_when_eight_come_at_once(
    app: APIFlask, moment: MovableClock
) -> None:
    forms = [words() for _ in range(8)]

    def send(number: int) -> bool:
        with app.app_context():
            try:
                complaints.file(forms[number])
            except rules.ComplaintTooMany:
                return False
            return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(send, range(8))) == count() <= rules.MAX_A_DAY
    for _ in range(rules.MAX_A_DAY - count()):
        file_one()
    with pytest.raises(rules.ComplaintTooMany):
        file_one()
    file_one(phone="13845670000")
    moment.set(datetime(2023, 4, 29, tzinfo=CHINA))
    file_one()


def test_whoever_has_number_and_phone_follows_it_and_nobody_else(app: APIFlask) -> None:
    complaint = file_one()
    spaced = f"{complaint.number[:8]} {complaint.number[8:]}"
    assert complaints.track(spaced, phone_last4="１２３４").words == complaint.words
    for number, last4 in ((complaint.number, "1235"), ("2023042899999999", "1234"), ("", "")):
        with pytest.raises(rules.ComplaintNotFound):
            complaints.track(number, phone_last4=last4)


def test_assigned_answered_and_closed_in_this_order_and_each_step_is_kept(app: APIFlask) -> None:
    number = file_one().number
    with pytest.raises(rules.ComplaintStepNotPossible):
        complaints.answer(number, text="早了", actor="jing.ban")
    complaints.assign(number, office="tourism", actor="jing.ban")
    complaints.assign(number, office="market_regulator", actor="jing.ban")
    with pytest.raises(rules.ComplaintStepNotPossible):
        complaints.close(number, actor="shen.pi")
    complaints.answer(number, text="已请商户改正", actor="shi.chang")
    complaints.close(number, actor="shen.pi")
    for late in (
        lambda: complaints.assign(number, office="bureau", actor="jing.ban"),
        lambda: complaints.answer(number, text="再答", actor="shi.chang"),
    ):
        with pytest.raises(rules.ComplaintStepNotPossible):
            late()
    steps = [(s.act, s.office, s.reply) for s in complaints.get(number).steps]
    assert steps == [
        ("assign", "tourism", None),
        ("assign", "market_regulator", None),
        ("answer", "market_regulator", "已请商户改正"),
        ("close", "market_regulator", None),
    ]
    acts = [entry.action for entry in audit.entries(subject=number, oldest_first=True).each()]
    assert acts == [f"complaint.{act}" for act, _, _ in steps]


def test_who_answered_never_closes(app: APIFlask) -> None:
    number = answered()
    with pytest.raises(SecondPersonNeeded):
        complaints.close(number, actor="Jing.Ban ")
    assert complaints.get(number).state == "answered"
    complaints.close(number, actor="shen.pi")


def test_an_answer_that_does_not_do_is_sent_back(app: APIFlask) -> None:
    number = answered()
    complaints.assign(number, office="bureau", actor="shen.pi")
    complaints.answer(number, text="商户已经退款", actor="jing.ban")
    assert [s.position for s in complaints.get(number).steps] == [1, 2, 3, 4]


def test_two_answers_at_once_are_one(app: APIFlask) -> None:
    number = file_one().number
    complaints.assign(number, office="bureau", actor="jing.ban")

    def answer(person: int) -> bool:
        with app.app_context():
            try:
                complaints.answer(number, text=f"答复{person}", actor=f"person.{person}")
            except rules.ComplaintStepNotPossible:
                return False
            return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(answer, range(8))) == 1


def look(number: str, actor: str, role: Role) -> str:
    return complaints.phone_of(number, reason="回访", actor=actor, role=role)


def test_a_days_looks_of_one_person_are_few_whatever_numbers_they_are(app: APIFlask) -> None:
    number = file_one().number
    complaints.assign(number, office="tourism", actor="jing.ban")
    for _ in range(UNMASKS_A_DAY[Role.TOURISM]):
        look(number, "wen.lv", Role.TOURISM)
    with pytest.raises(UnmaskLimitReached):
        look(number, "wen.lv", Role.TOURISM)
    assert look(number, "wen.lv.er", Role.TOURISM) == PHONE
    with pytest.raises(rules.ComplaintOfAnotherOffice):
        look(number, "shen.ji", Role.AUDITOR)


def test_only_the_office_that_has_it_answers_and_sees_the_phone(app: APIFlask) -> None:
    number = file_one().number
    assert look(number, "jing.ban", Role.BUREAU_OPERATOR) == PHONE
    with pytest.raises(rules.ComplaintOfAnotherOffice):
        look(number, "wen.lv", Role.TOURISM)
    complaints.assign(number, office="tourism", actor="jing.ban", note="请核实门票")
    for act in (
        lambda: complaints.answer(number, text="答复", actor="jing.ban", office="bureau"),
        lambda: look(number, "jing.ban", Role.BUREAU_OPERATOR),
    ):
        with pytest.raises(rules.ComplaintOfAnotherOffice):
            act()
    complaints.answer(number, text="答复", actor="wen.lv", office="tourism")
    with pytest.raises(rules.ComplaintStepNotPossible):
        complaints.answer(number, text="再答", actor="wen.lv", office="tourism")
    assert [(s.act, s.note) for s in complaints.get(number).steps] == [
        ("assign", "请核实门票"),
        ("answer", None),
    ]


def test_only_an_answer_is_sent_back_and_its_office_keeps_it(app: APIFlask) -> None:
    number = file_one().number
    complaints.assign(number, office="tourism", actor="jing.ban")
    with pytest.raises(rules.ComplaintStepNotPossible):
        complaints.send_back(number, reason="还没有答复", actor="shen.pi")
    complaints.answer(number, text="不归我们管", actor="wen.lv")
    for wrong in (" ", "字" * 201):
        with pytest.raises(rules.ComplaintInvalid):
            complaints.send_back(number, reason=wrong, actor="shen.pi")
    complaints.send_back(number, reason="请正面答复", actor="shen.pi")
    found = complaints.get(number)
    assert (found.state, found.office) == ("assigned", "tourism")
    assert (found.steps[-1].act, found.steps[-1].note) == ("assign", "请正面答复")


def test_an_unknown_office_and_an_unknown_number_are_refused(app: APIFlask) -> None:
    number = file_one().number
    with pytest.raises(rules.ComplaintInvalid):
        complaints.assign(number, office="nobody", actor="jing.ban")
    with pytest.raises(rules.ComplaintNotFound):
        complaints.assign("2023042800000000x", office="bureau", actor="jing.ban")
