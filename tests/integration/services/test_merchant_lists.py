"""The published list: numbered versions that never change."""

import csv
import io

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from backend.domain.errors import NotFound
from backend.extensions import db
from backend.services import clerks, merchant_lists, merchant_steps, merchants, standings
from backend.storage.models.audit import AuditEntry
from backend.storage.models.merchants import Clerk, Merchant
from backend.storage.sql import transaction
from tests import joining
from tests.factories import SUPERMARKET, City, rows


def test_only_merchants_that_passed_the_chain_are_published(city: City) -> None:
    published = merchant_lists.publication()
    assert published.number == 1
    assert [m.merchant_id for m in published.merchants] == [f"TJ{n:04d}" for n in range(1, 13)]
    assert len(published.difference.added) == 12


def test_each_version_tells_its_difference_and_the_older_one_stays(city: City) -> None:
    standings.suspend(SUPERMARKET, actor="test", reason="核查")
    joining.passed("TJ0013")
    with transaction() as session:
        session.get_one(Merchant, "TJ0001").name = "鑫博购物中心"
    second = merchant_lists.publish(actor="test")
    assert second.number == 2
    assert second.difference == merchant_lists.Difference(
        added=("TJ0013",), removed=(SUPERMARKET,), changed=("TJ0001",)
    )
    first = merchant_lists.publication(1)
    assert [m.name for m in first.merchants][0] == "鑫博"
    assert [v.number for v in merchant_lists.list_publications()] == [2, 1]


def test_the_same_list_is_not_published_twice(city: City) -> None:
    with pytest.raises(merchant_lists.NothingToPublish):
        merchant_lists.publish(actor="test")
    assert len(merchant_lists.list_publications()) == 1


def test_the_database_refuses_to_change_a_version(city: City) -> None:
    for statement in (
        "UPDATE merchant_list_entries SET name = 'x'",
        "DELETE FROM merchant_list_versions",
    ):
        with pytest.raises(DatabaseError, match="never changed"):
            db.session.execute(text(statement))
        db.session.rollback()


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "＝"])
def test_a_name_that_a_spreadsheet_would_run_is_dead_in_the_csv(city: City, start: str) -> None:
    with transaction() as session:
        session.get_one(Merchant, "TJ0001").name = f"{start}HYPERLINK(1)"
    content = merchant_lists.as_csv(merchant_lists.publish(actor="test"))
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert rows[0]["商户名称"] == f"'{start}HYPERLINK(1)"
    assert rows[1]["商户名称"] == "新天地"


def test_a_version_that_is_not_there_is_not_found(city: City) -> None:
    with pytest.raises(NotFound):
        merchant_lists.publication(2)


def owners(merchant_id: str) -> list[tuple[str, str, str]]:
    people = [c for c in rows(Clerk) if (c.merchant_id, c.state) == (merchant_id, "active")]
    return [(c.name, c.phone_last4, c.role) for c in people]


def last_step(merchant_id: str) -> tuple[str, str | None]:
    step = merchant_steps.history(merchant_id)[-1]
    return step.step, step.reason


def test_who_answers_for_a_shop_is_its_owner_from_publication_on(city: City) -> None:
    shop = joining.reported()
    joining.passed(shop)
    assert owners(shop) == []
    merchant_lists.publish(actor=joining.APPROVER)
    assert owners(shop) == [("王店主", "8000", "owner")]
    assert last_step(shop) == ("owner_made", None)
    (made,) = [e for e in rows(AuditEntry) if e.action == "clerk.own"]
    assert made.actor == joining.APPROVER


def test_a_contact_who_works_elsewhere_stays_there_and_the_history_says_so(city: City) -> None:
    clerks.add_clerk(merchant_id=SUPERMARKET, name="王", phone="13800138000", actor="test")
    shop = joining.reported()
    joining.passed(shop)
    merchant_lists.publish(actor=joining.APPROVER)
    assert (owners(shop), owners(SUPERMARKET)) == ([], [("王", "8000", "clerk")])
    step, reason = last_step(shop)
    assert step == "owner_missing"
    assert SUPERMARKET in str(reason)
    assert merchants.get(shop).status == "published"


def test_a_shop_that_chose_its_people_before_keeps_them(city: City) -> None:
    for number, phone in ((1, "13800138000"), (2, "13800138001")):
        shop = joining.reported(number)
        clerk = clerks.add_clerk(merchant_id=shop, name="李", phone=phone, actor="test")
        if number == 2:
            clerks.make_owner(clerk_id=clerk.id, actor="test")
        joining.passed(shop)
    merchant_lists.publish(actor=joining.APPROVER)
    assert owners("TJ0017") == [("李", "8000", "owner")]
    assert owners("TJ0018") == [("李", "8001", "owner")]
    assert [last_step(shop)[0] for shop in ("TJ0017", "TJ0018")] == ["owner_made", "published"]
