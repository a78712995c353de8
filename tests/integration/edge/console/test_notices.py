"""Notices at the console: a draft, its preview, sent for release, released as it was read."""

from io import BytesIO

import pytest
from python_calamine import CalamineWorkbook

from backend.domain.staff import Role
from backend.services import public_notices
from tests.console import Console, Desk
from tests.noticing import publish_one, submit_one

EVIL = "<script>alert(1)</script>"
BODY = "第一段\r\n\r\n见 https://xfq.example.gov.cn/merchants 和 https://evil.example/x"


@pytest.fixture
def media(console: Console) -> Desk:
    """Who writes."""
    return console.desk(Role.MEDIA)


@pytest.fixture
def approver(console: Console) -> Desk:
    """Who releases."""
    return console.desk(Role.BUREAU_APPROVER)


def write(media: Desk, title: str = "五一活动", body: str = BODY) -> str:
    answer = media.post("/console/notices", title=title, body=body)
    assert answer.status_code == 303
    return answer.location


def test_a_draft_is_shown_as_everybody_will_see_it_and_stays_text(media: Desk) -> None:
    page = media.get(write(media, EVIL, f"{BODY}\n\n{EVIL}")).text
    assert EVIL not in page
    assert "&lt;script&gt;alert(1)" in page
    assert '<a href="https://xfq.example.gov.cn/merchants">' in page
    assert 'href="https://evil' not in page
    assert "还没有送审" in page


def test_from_draft_to_release_by_two_people(console: Console, media: Desk, approver: Desk) -> None:
    path = write(media)
    assert "公告待发布" not in approver.get("/console/").text
    assert media.post(f"{path}/submit").status_code == 303
    assert "公告待发布" in approver.get("/console/").text
    assert "公告待发布" not in media.get("/console/").text
    assert media.post(f"{path}/publish", edition=1).status_code == 403
    assert "/console/notices?state=submitted" in approver.get("/console/").text
    assert approver.post(f"{path}/send-back").status_code == 400
    assert approver.post(f"{path}/send-back", reason=EVIL).status_code == 303
    assert "&lt;script&gt;" in media.get(path).text
    assert media.post(path, title="改", body="改", edition=1).status_code == 303
    media.post(f"{path}/submit")
    assert approver.post(f"{path}/publish", edition=1).status_code == 409
    assert approver.post(f"{path}/publish").status_code == 400
    assert approver.post(f"{path}/publish", edition=2).status_code == 303
    assert [n.title for n in public_notices.list_public().each()] == ["改"]
    assert media.post(f"{path}/withdraw", reason="日期有误").status_code == 303
    assert "已撤回" in approver.get(path).text


def test_what_was_typed_comes_back_when_it_is_refused(media: Desk) -> None:
    refused = media.post("/console/notices", title="", body="写了很多字")
    assert (refused.status_code, "写了很多字" in refused.text) == (400, True)
    path = write(media)
    media.post(path, title="第一次改", body="正文", edition=1)
    again = media.post(path, title="另一页里改的", body="也写了很多字", edition=1)
    assert (again.status_code, "也写了很多字" in again.text) == (409, True)
    assert "公告文字已有改动" in again.text
    assert public_notices.get(int(path.rpartition("/")[2])).title == "第一次改"


def test_nobody_edits_or_sends_what_another_wrote(console: Console, media: Desk) -> None:
    path = write(media)
    other = console.desk(Role.BUREAU_OPERATOR)
    assert other.post(path, title="改", body="改", edition=1).status_code == 403
    assert other.post(f"{path}/submit").status_code == 403
    page = other.get(path).text
    assert ("由本人修改和送审" in page, "送审</button>" in page) == (True, False)


def test_the_list_is_filtered_and_taken_away_with_its_filter(console: Console) -> None:
    publish_one("=1+1")
    submit_one("待发布的")
    auditor = console.desk(Role.AUDITOR)
    page = auditor.get("/console/notices?state=published").text
    assert ("=1+1" in page, "待发布的" in page) == (True, False)
    assert auditor.get("/console/notices?state=nonsense").status_code == 400
    answer = auditor.get("/console/notices?state=published&format=xlsx")
    lines = CalamineWorkbook.from_filelike(BytesIO(answer.data)).get_sheet_by_index(0).to_python()
    assert [line[1] for line in lines] == ["标题", "'=1+1"]


def test_a_number_that_no_notice_has_is_a_404(console: Console) -> None:
    for number in (7, 10**12):
        assert console.desk(Role.AUDITOR).get(f"/console/notices/{number}").status_code == 404
