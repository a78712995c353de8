"""The published list: numbered versions that never change."""

import csv
import io

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from backend.domain.errors import NotFound
from backend.extensions import db
from backend.services import merchant_lists, standings
from backend.storage.models.merchants import Merchant
from backend.storage.sql import transaction
from tests import joining
from tests.factories import SUPERMARKET, City


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
