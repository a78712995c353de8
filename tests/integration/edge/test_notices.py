"""The pages of notices."""

import pytest

from backend.services import public_notices
from tests.factories import City
from tests.noticing import publish_one

SCRIPT = "<script>alert(1)</script>"


def test_a_published_notice_is_on_its_page_in_the_list_and_on_the_home_page(city: City) -> None:
    assert "现在没有公告" in city.get("/notices").text
    draft = public_notices.write(title="草稿", body="正文", actor="mei.ti").id
    number = publish_one(body="第一段\n\n详见https://xfq.example.gov.cn/merchants。")
    page = city.get(f"/notices/{number}").text
    assert "<p>第一段</p>" in page
    link = "https://xfq.example.gov.cn/merchants"
    assert f'href="{link}">{link}</a>。' in page
    for path in ("/", "/notices"):
        text = city.get(path).text
        assert ("五一活动" in text, "草稿" in text) == (True, False)
    assert city.get(f"/notices/{draft}").status_code == 404


def test_markup_in_a_notice_stays_text(city: City) -> None:
    number = publish_one(title=SCRIPT, body=f"{SCRIPT}\n\njavascript:alert(1) https://evil.example")
    for path in ("/", "/notices", f"/notices/{number}"):
        text = city.get(path).text
        assert "<script" not in text
        assert "&lt;script&gt;alert(1)" in text
    assert 'href="https://evil' not in city.get(f"/notices/{number}").text


def test_notices_are_shown_by_pages_the_newest_first(city: City) -> None:
    for number in range(1, 22):
        publish_one(title=f"公告第{number}则")
    first, second = city.get("/notices").text, city.get("/notices", page="2").text
    assert "公告第21则" in first
    assert "公告第1则" not in first
    assert "公告第1则" in second
    assert "第 2 页，共 2 页" in second


@pytest.mark.parametrize("path", ["0", "99999999999999999", "x", "1/2"])
def test_what_is_no_notice_is_not_found_on_a_page(city: City, path: str) -> None:
    answer = city.get(f"/notices/{path}")
    assert (answer.status_code, answer.mimetype) == (404, "text/html")


def test_the_commands_write_publish_withdraw_and_list(city: City, tmp_path: object) -> None:
    runner = city.app.test_cli_runner()
    file = f"{tmp_path}/notice.txt"
    with open(file, "w", encoding="utf-8") as text:
        text.write("正文")
    said = runner.invoke(args=["notice", "write", "--title", "停电", file, "--actor", "mei.ti"])
    number = said.output.split()[1]
    assert runner.invoke(args=["notice", "submit", number, "--actor", "mei.ti"]).exit_code == 0
    back = ["notice", "send-back", number, "--reason", "改字", "--actor", "shen.pi"]
    assert "已退回修改" in runner.invoke(args=back).output
    runner.invoke(args=["notice", "submit", number, "--actor", "mei.ti"])
    assert "第 1 稿" in runner.invoke(args=["notice", "show", number]).output
    publish = ["notice", "publish", number, "--edition", "1", "--actor"]
    refused = runner.invoke(args=[*publish, "mei.ti"])
    assert (refused.exit_code, "second_person_needed" in refused.output) == (1, True)
    assert runner.invoke(args=[*publish, "shen.pi"]).exit_code == 0
    assert "已发布" in runner.invoke(args=["notice", "list"]).output
    runner.invoke(args=["notice", "withdraw", number, "--reason", "改期", "--actor", "shen.pi"])
    assert "已撤回" in runner.invoke(args=["notice", "list"]).output
