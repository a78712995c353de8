"""The form for complaints and the page that follows one, as any visitor gets them."""

import io
import re
from dataclasses import asdict
from typing import Any

import pytest
from werkzeug.test import TestResponse

from backend.services import complaint_lists, complaints
from backend.services.complaint_lists import Sought
from tests.complaining import PHONE, file_one, words
from tests.factories import City, MovableClock
from tests.integration.services.test_complaint_photos import picture

OURS = {"Sec-Fetch-Site": "same-origin"}
SCRIPT = "<script>alert(1)</script>"


def send(city: City, *, headers: dict[str, str] | None = None, **changes: Any) -> TestResponse:
    """Post the form as a browser does that opened our page."""
    form = asdict(words()) | changes
    answer: TestResponse = city.client.post("/complaints", data=form, headers=headers or OURS)
    return answer


def number_of(answer: TestResponse) -> str:
    """Return the number that the page shows."""
    assert answer.status_code == 201
    found = re.search(r'class="big-number num">([\d ]{19})<', answer.text)
    assert found
    return found[1].replace(" ", "")


def test_the_form_is_taken_with_its_photo_and_its_number_shown_at_once(city: City) -> None:
    page = city.get("/complaints")
    form_id = re.search(r'name="form_id" value="([0-9a-f]{32})"', page.text)
    assert form_id
    assert page.headers["Referrer-Policy"] == "same-origin"
    photo = (io.BytesIO(picture()), "shop.png")
    number = number_of(send(city, form_id=form_id[1], photo=photo))
    assert complaints.photo_of(number, actor="test")
    assert (
        number_of(send(city, form_id=form_id[1], photo=(io.BytesIO(picture()), "a.png"))) == number
    )


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({"Origin": "https://xfq.example.gov.cn"}, 201),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://xfq.example.gov.cn"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"X-Nothing": "said"}, 403),
    ],
)
def test_a_form_of_another_site_changes_nothing(
    city: City, headers: dict[str, str], status: int
) -> None:
    answer = send(city, headers=headers)
    assert (answer.status_code, answer.mimetype) == (status, "text/html")
    assert len(list(complaint_lists.find(Sought()).each())) == (status == 201)


def test_a_robot_that_fills_the_hidden_field_is_refused(city: City) -> None:
    assert send(city, website="https://spam.example").status_code == 400
    assert list(complaint_lists.find(Sought()).each()) == []


def test_a_form_with_faults_comes_back_with_its_words_and_names_each_fault(city: City) -> None:
    answer = send(city, phone="123", category="", text=f"{SCRIPT}", shop=f'"{SCRIPT}')
    assert answer.status_code == 400
    for text in ("请填写 11 位手机号", "请选择一类", "&lt;script&gt;alert(1)", 'value="123"'):
        assert text in answer.text
    assert "<script" not in answer.text
    assert "照片" in send(city, photo=(io.BytesIO(b"%PDF-"), "x.pdf")).text
    assert list(complaint_lists.find(Sought()).each()) == []


def test_the_sixth_of_a_day_is_refused_with_its_words_kept(city: City) -> None:
    for _ in range(5):
        send(city)
    answer = send(city, text="第六件事情。")
    assert (answer.status_code, "今天提交的次数已满" in answer.text) == (429, True)
    assert "第六件事情。" in answer.text


def test_number_and_phone_show_how_far_it_is_and_never_the_phone(city: City) -> None:
    number = file_one(text=f"不收券 {SCRIPT}", shop=SCRIPT).number
    complaints.assign(number, office="bureau", actor="jing.ban")
    complaints.answer(number, text=f"已改正 {SCRIPT}", actor="jing.ban")
    page = city.client.post("/complaints/track", data={"number": number, "last4": PHONE[-4:]})
    assert page.status_code == 200
    for text in ("已答复", "商务部门答复", "已改正", "2023年5月9日", "&lt;script&gt;alert(1)"):
        assert text in page.text
    for text in ("<script", PHONE, "jing.ban"):
        assert text not in page.text


def test_a_wrong_number_and_a_wrong_phone_answer_alike(city: City) -> None:
    number = file_one().number
    answers = [
        city.client.post("/complaints/track", data={"number": n, "last4": last4})
        for n, last4 in ((number, "0000"), ("2023042800000000", PHONE[-4:]))
    ]
    shown = {re.sub(r'value="\d*"', "", answer.text) for answer in answers}
    assert [answer.status_code for answer in answers] == [404, 404]
    assert len(shown) == 1


def test_what_staff_tell_each_other_is_never_on_the_public_page(city: City) -> None:
    number = file_one().number
    complaints.assign(number, office="bureau", actor="jing.ban", note="先问问店主")
    complaints.answer(number, text="不归我们管", actor="jing.ban")
    complaints.send_back(number, reason="请正面答复", actor="shen.pi")
    data = {"number": number, "last4": PHONE[-4:]}
    page = city.client.post("/complaints/track", data=data).text
    assert "办理中" in page
    for text in ("先问问店主", "请正面答复", "jing.ban", "shen.pi"):
        assert text not in page


def test_how_long_phone_and_photo_are_kept_is_told_before_and_after(city: City) -> None:
    assert "办结 180 天后清除" in city.client.get("/complaints").text
    data = {"number": file_one().number, "last4": PHONE[-4:]}
    assert "办结 180 天后，我们清除" in city.client.post("/complaints/track", data=data).text


def test_a_late_answer_is_told_to_who_waits_for_it(city: City, moment: MovableClock) -> None:
    number = file_one().number
    data = {"number": number, "last4": PHONE[-4:]}
    assert "已超过答复期限" not in city.client.post("/complaints/track", data=data).text
    moment.move(days=12)
    assert "已超过答复期限" in city.client.post("/complaints/track", data=data).text


def test_the_commands_assign_answer_close_and_list(city: City, tmp_path: object) -> None:
    runner = city.app.test_cli_runner()
    number = complaints.file(words(), photo=picture()).number

    def run(*args: str, actor: str = "jing.ban") -> str:
        result = runner.invoke(args=["complaint", *args, "--actor", actor])
        return result.output

    assert "交商务部门办理" in run("assign", number, "--office", "bureau")
    assert "已答复" in run("answer", number, "--text", "已请商户改正")
    assert "second_person_needed" in run("close", number)
    assert "已办结" in run("close", number, actor="shen.pi")
    assert PHONE in run("phone", number, "--reason", "回访")
    run("photo", number, f"{tmp_path}/photo.jpg")
    with open(f"{tmp_path}/photo.jpg", "rb") as file:
        assert file.read(3) == b"\xff\xd8\xff"
    listed = runner.invoke(args=["complaint", "list"]).output
    shown = runner.invoke(args=["complaint", "show", number]).output
    assert number in listed
    assert "已请商户改正" in shown
    for output in (listed, shown):
        assert PHONE not in output
