"""Notices to the public: two people, states in their order, each act in the audit log."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from apiflask import APIFlask
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from backend.domain.errors import HuiquanError, NotFound
from backend.domain.public_notices import (
    PublicNoticeChanged,
    PublicNoticeInvalid,
    PublicNoticeOfAnother,
    PublicNoticeStateRefused,
)
from backend.domain.second_person import SecondPersonNeeded
from backend.services import audit, public_notices
from backend.storage.models.public_notices import PublicNotice
from backend.storage.sql import transaction
from tests.noticing import APPROVER, WRITER, publish_one, submit_one


def shown() -> list[int]:
    return [notice.id for notice in public_notices.list_public().each()]


def edit(number: int, edition: int = 1, actor: str = WRITER, body: str = "改过的正文") -> None:
    public_notices.edit(number, title="五一活动", body=body, edition=edition, actor=actor)


def test_nobody_sees_a_notice_before_another_person_publishes_it(app: APIFlask) -> None:
    number = submit_one()
    assert shown() == []
    with pytest.raises(SecondPersonNeeded):
        public_notices.publish(number, edition=1, actor=" Mei.Ti")
    with pytest.raises(NotFound):
        public_notices.public(number)
    public_notices.publish(number, edition=1, actor=APPROVER)
    assert shown() == [number]
    assert public_notices.public(number).body == "第一段\n\n第二段"


def test_a_draft_is_not_released_before_it_was_sent(app: APIFlask) -> None:
    number = public_notices.write(title="五一活动", body="正文", actor=WRITER).id
    with pytest.raises(PublicNoticeStateRefused):
        public_notices.publish(number, edition=1, actor=APPROVER)
    assert public_notices.count_to_publish(APPROVER) == 0
    public_notices.submit(number, actor=WRITER)
    assert public_notices.count_to_publish(APPROVER) == 1
    assert public_notices.count_to_publish(WRITER) == 0
    public_notices.publish(number, edition=1, actor=APPROVER)
    assert public_notices.count_to_publish(APPROVER) == 0


def test_only_its_writer_edits_and_sends_a_draft(app: APIFlask) -> None:
    number = public_notices.write(title="五一活动", body="正文", actor=WRITER).id
    for act in (
        lambda: edit(number, actor="jing.ban"),
        lambda: public_notices.submit(number, actor="jing.ban"),
    ):
        with pytest.raises(PublicNoticeOfAnother):
            act()
    edit(number)
    found = public_notices.get(number)
    assert (found.body, found.edition, found.state) == ("改过的正文", 2, "draft")


def test_what_was_sent_is_edited_only_after_it_was_sent_back(app: APIFlask) -> None:
    number = submit_one()
    with pytest.raises(PublicNoticeStateRefused):
        edit(number)
    with pytest.raises(PublicNoticeInvalid):
        public_notices.send_back(number, reason=" ", actor=APPROVER)
    public_notices.send_back(number, reason="日期有误", actor=APPROVER)
    edit(number)
    public_notices.submit(number, actor=WRITER)
    with pytest.raises(PublicNoticeChanged):
        public_notices.publish(number, edition=1, actor=APPROVER)
    public_notices.publish(number, edition=2, actor=APPROVER)
    with pytest.raises(PublicNoticeStateRefused):
        edit(number, edition=2)
    assert public_notices.public(number).body == "改过的正文"


def test_of_two_edits_of_the_same_words_one_counts(app: APIFlask) -> None:
    number = public_notices.write(title="五一活动", body="正文", actor=WRITER).id

    def change(nth: int) -> bool:
        with app.app_context():
            try:
                edit(number, body=f"第{nth}种写法")
            except PublicNoticeChanged:
                return False
            return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(change, range(4))) == 1
    assert public_notices.get(number).edition == 2


def test_a_withdrawn_notice_is_gone_for_the_public_and_stays_for_staff(app: APIFlask) -> None:
    number = publish_one()
    with pytest.raises(PublicNoticeInvalid):
        public_notices.withdraw(number, reason=" ", actor=WRITER)
    public_notices.withdraw(number, reason="日期有误", actor=WRITER)
    assert shown() == []
    assert [n.id for n in public_notices.find(state="withdrawn").each()] == [number]
    for act in (
        lambda: public_notices.publish(number, edition=1, actor=APPROVER),
        lambda: public_notices.submit(number, actor=WRITER),
        lambda: public_notices.send_back(number, reason="再退", actor=APPROVER),
        lambda: public_notices.withdraw(number, reason="再撤", actor=WRITER),
    ):
        with pytest.raises(PublicNoticeStateRefused):
            act()


def test_each_act_is_in_the_audit_log(app: APIFlask) -> None:
    number = publish_one()
    public_notices.withdraw(number, reason="日期有误", actor=WRITER)
    assert [(entry.actor, entry.action) for entry in public_notices.acts(number)] == [
        (WRITER, "notice.write"),
        (WRITER, "notice.submit"),
        (APPROVER, "notice.publish"),
        (WRITER, "notice.withdraw"),
    ]


def test_eight_releases_at_once_are_one(app: APIFlask) -> None:
    number = submit_one()

    def publish(person: int) -> bool:
        with app.app_context():
            try:
                public_notices.publish(number, edition=1, actor=f"person.{person}")
            except HuiquanError:
                return False
            return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(publish, range(8))) == 1
    assert len(list(audit.entries(action="notice.publish").each())) == 1


def test_the_database_refuses_a_notice_released_by_who_wrote_it(app: APIFlask) -> None:
    number = publish_one()
    with pytest.raises(IntegrityError), transaction() as session:
        session.execute(
            update(PublicNotice).where(PublicNotice.id == number).values(published_by=WRITER)
        )


@pytest.mark.parametrize("number", [0, 1, 2_147_483_648, 10**18])
def test_a_notice_that_is_not_there_is_not_found(app: APIFlask, number: int) -> None:
    with pytest.raises(NotFound):
        public_notices.get(number)
