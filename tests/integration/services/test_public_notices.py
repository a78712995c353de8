"""Notices to the public: two people, states in their order, each act in the audit log."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from apiflask import APIFlask
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from backend.domain.errors import HuiquanError, NotFound
from backend.domain.public_notices import PublicNoticeInvalid, PublicNoticeStateRefused
from backend.domain.second_person import SecondPersonNeeded
from backend.services import audit, public_notices
from backend.storage.models.public_notices import PublicNotice
from backend.storage.sql import transaction


def write() -> int:
    return public_notices.write(title="五一活动", body="第一段\r\n\r\n第二段", actor="mei.ti").id


def shown() -> list[int]:
    return [notice.id for notice in public_notices.list_public().each()]


def test_nobody_sees_a_notice_before_another_person_publishes_it(app: APIFlask) -> None:
    number = write()
    assert shown() == []
    with pytest.raises(SecondPersonNeeded):
        public_notices.publish(number, actor=" Mei.Ti")
    with pytest.raises(NotFound):
        public_notices.public(number)
    public_notices.publish(number, actor="shen.pi")
    assert shown() == [number]
    assert public_notices.public(number).body == "第一段\n\n第二段"


def test_a_withdrawn_notice_is_gone_for_the_public_and_stays_for_staff(app: APIFlask) -> None:
    number = write()
    public_notices.publish(number, actor="shen.pi")
    with pytest.raises(PublicNoticeInvalid):
        public_notices.withdraw(number, reason=" ", actor="mei.ti")
    public_notices.withdraw(number, reason="日期有误", actor="mei.ti")
    assert shown() == []
    assert [n.id for n in public_notices.find(state="withdrawn").each()] == [number]
    for act in (
        lambda: public_notices.publish(number, actor="shen.pi"),
        lambda: public_notices.withdraw(number, reason="再撤", actor="mei.ti"),
    ):
        with pytest.raises(PublicNoticeStateRefused):
            act()


def test_each_act_is_in_the_audit_log(app: APIFlask) -> None:
    number = write()
    public_notices.publish(number, actor="shen.pi")
    public_notices.withdraw(number, reason="日期有误", actor="mei.ti")
    entries = audit.entries(subject=str(number), oldest_first=True).each()
    assert [(entry.actor, entry.action) for entry in entries] == [
        ("mei.ti", "notice.write"),
        ("shen.pi", "notice.publish"),
        ("mei.ti", "notice.withdraw"),
    ]


def test_eight_releases_at_once_are_one(app: APIFlask) -> None:
    number = write()

    def publish(person: int) -> bool:
        with app.app_context():
            try:
                public_notices.publish(number, actor=f"person.{person}")
            except HuiquanError:
                return False
            return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(publish, range(8))) == 1
    assert len(list(audit.entries(action="notice.publish").each())) == 1


def test_the_database_refuses_a_notice_released_by_who_wrote_it(app: APIFlask) -> None:
    number = write()
    public_notices.publish(number, actor="shen.pi")
    with pytest.raises(IntegrityError), transaction() as session:
        session.execute(
            update(PublicNotice).where(PublicNotice.id == number).values(published_by="mei.ti")
        )


@pytest.mark.parametrize("number", [0, 1, 2_147_483_648, 10**18])
def test_a_notice_that_is_not_there_is_not_found(app: APIFlask, number: int) -> None:
    with pytest.raises(NotFound):
        public_notices.get(number)
