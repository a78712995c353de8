"""A file that never came is told once it is late, of days with payments alone."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from backend.domain.reconciliation import FileKind
from backend.services import missing_files, partners
from backend.services.missing_files import MissingFile
from tests.bank_details import BANK, DAY, detail, take_detail
from tests.factories import City, MovableClock
from tests.integration.services.reconciling import (
    at_the_banks_till,
    collected_by,
    name_the_shop,
    redeemed,
)

MCHID = "1900000109"


@pytest.fixture
def expecting(city: City, monkeypatch: pytest.MonkeyPatch) -> City:
    """A city that gets a wallet's bills and a bank's detail files."""
    settings = replace(city.settings, wechat_pay_mchid=MCHID)
    monkeypatch.setitem(city.app.extensions, "settings", settings)
    partners.add(BANK, name="示例银行", actor="王")
    name_the_shop()
    return city


def by_wallet(city: City) -> None:
    collected_by(redeemed(city), "wechat_pay")


def at_till_of_bank(city: City) -> None:
    at_the_banks_till(redeemed(city))


@pytest.mark.parametrize(
    ("kind", "party", "sell", "days"),
    [("wechat_bill", MCHID, by_wallet, 2), ("bank_detail", BANK, at_till_of_bank, 4)],
)
def test_a_file_is_missing_from_the_day_on_which_it_is_late(
    expecting: City,
    moment: MovableClock,
    kind: FileKind,
    party: str,
    sell: Callable[[City], None],
    days: int,
) -> None:
    sell(expecting)
    moment.move(days=days - 1)
    assert missing_files.list_missing() == []
    moment.move(days=1)
    late = MissingFile(kind=kind, party=party, day=DAY, late_since=DAY + timedelta(days=days))
    assert missing_files.list_missing() == [late]
    moment.move(days=missing_files.LOOK_BACK_DAYS - 1)
    assert missing_files.list_missing() == [late]
    moment.move(days=1)
    assert missing_files.list_missing() == []


def test_a_day_without_payments_owes_nothing(expecting: City, moment: MovableClock) -> None:
    redeemed(expecting)  # collected by the merchant itself
    moment.move(days=10)
    assert missing_files.list_missing() == []
    assert [(s.kind, s.party) for s in missing_files.sources()] == [
        ("wechat_bill", MCHID),
        ("bank_detail", BANK),
    ]


def test_a_file_that_came_is_missing_no_more(expecting: City, moment: MovableClock) -> None:
    at_till_of_bank(expecting)
    moment.move(days=5)
    assert [file.day for file in missing_files.list_missing()] == [DAY]
    take_detail(detail([]))
    assert missing_files.list_missing() == []


def test_one_partys_payments_make_no_others_file_late(
    expecting: City, moment: MovableClock
) -> None:
    partners.add("BANK02", name="另一银行", actor="王")
    at_till_of_bank(expecting)
    moment.move(days=5)
    assert {file.party for file in missing_files.list_missing()} == {BANK}
