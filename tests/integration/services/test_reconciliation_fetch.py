"""Fetching bills: from half past ten of the next day, until they are there, one fault alone."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from backend.clock import CHINA
from backend.gateways.payments.protocol import Bill, BillNotReady
from backend.services import reconciliation_fetch
from backend.storage.models.orders import Order
from backend.storage.models.reconciliation import OutsideFile, ReconciliationItem
from backend.workers import jobs
from tests.bank_details import DAY
from tests.factories import City, MovableClock, rows
from tests.integration.services.reconciling import collected_by, redeemed
from tests.unit.gateways.test_outside_bills import MERCHANT, ZM_CONTENT

MORNING = datetime(2023, 4, 29, 10, 30, tzinfo=CHINA)
EMPTY_DAYS = reconciliation_fetch.LOOK_BACK_DAYS - 1


class Scripted:
    """A provider that answers for bills alone, as a test says."""

    name = "unionpay"

    def __init__(self) -> None:
        self.asked: list[date] = []
        self.answer: Callable[[date], bytes | None] = lambda day: None

    def bill(self, day: date) -> Bill:
        self.asked.append(day)
        name = f"INN{day:%y%m%d}88ZM_{MERCHANT}"
        return Bill(provider=self.name, day=day, file_name=name, content=self.answer(day))


@pytest.fixture
def unionpay(city: City, moment: MovableClock, monkeypatch: pytest.MonkeyPatch) -> Scripted:
    provider = Scripted()
    settings = replace(city.settings, unionpay_merchant_number=MERCHANT)
    monkeypatch.setitem(city.app.extensions, "settings", settings)
    monkeypatch.setitem(city.app.extensions, "payment_providers", {"unionpay": provider})
    moment.set(MORNING)
    return provider


@pytest.fixture
def sold(city: City) -> Order:
    """An order of the day whose bill is asked for; before the morning after."""
    return redeemed(city)


def test_a_bill_is_asked_for_from_half_past_ten_of_the_next_day(
    unionpay: Scripted, moment: MovableClock
) -> None:
    moment.set(MORNING - timedelta(seconds=1))
    reconciliation_fetch.fetch_due()
    assert DAY not in unionpay.asked
    moment.set(MORNING)
    reconciliation_fetch.fetch_due()
    assert unionpay.asked[-1] == DAY
    assert len(unionpay.asked) == EMPTY_DAYS + 1


def test_a_bill_is_fetched_compared_and_not_asked_for_again(city: City, unionpay: Scripted) -> None:
    unionpay.answer = lambda day: ZM_CONTENT if day == DAY else None
    assert jobs.run_job(city.app, reconciliation_fetch.fetch_due) == EMPTY_DAYS + 1
    files = {file.day: file for file in rows(OutsideFile)}
    assert (files[DAY].line_count, files[DAY].sum_fen) == (8, 1_322_700)
    assert files[DAY].matched_at is not None
    assert files[DAY - timedelta(days=1)].line_count == 0  # a day on which nothing happened
    assert [item.result for item in rows(ReconciliationItem)] == ["only_theirs"] * 8
    unionpay.asked.clear()
    assert reconciliation_fetch.fetch_due() == 0
    assert unionpay.asked == []


def test_a_bill_that_is_not_ready_is_asked_for_again(unionpay: Scripted) -> None:
    def not_ready(day: date) -> bytes | None:
        if day == DAY:
            raise BillNotReady("later")
        return None

    unionpay.answer = not_ready
    assert reconciliation_fetch.fetch_due() == EMPTY_DAYS
    assert reconciliation_fetch.fetch_due() == 0
    unionpay.answer = lambda day: ZM_CONTENT
    assert reconciliation_fetch.fetch_due() == 1


@pytest.mark.parametrize("provider", ["unionpay", "at_till"])
def test_a_late_bill_of_a_day_with_payments_is_told_in_the_log_until_it_comes(
    sold: Order,
    unionpay: Scripted,
    moment: MovableClock,
    caplog: pytest.LogCaptureFixture,
    provider: str,
) -> None:
    collected_by(sold, provider)

    def not_ready(day: date) -> bytes | None:
        if day == DAY:
            raise BillNotReady("98")
        return None

    unionpay.answer = not_ready
    reconciliation_fetch.fetch_due()
    assert "bill_missing" not in caplog.text, "the morning after its day it is in time"
    moment.move(days=1)
    reconciliation_fetch.fetch_due()
    assert ("bill_missing" in caplog.text) is (provider == "unionpay"), "nothing was paid by it"
    assert (f"{DAY}" in caplog.text) is (provider == "unionpay")


@pytest.mark.parametrize("damage", ["crash", "cut"])
def test_one_days_failure_keeps_no_other_day_from_being_fetched(
    unionpay: Scripted, damage: str
) -> None:
    first = DAY - timedelta(days=EMPTY_DAYS)

    def failing(day: date) -> bytes | None:
        if day == first and damage == "crash":
            raise ConnectionError("down")
        return ZM_CONTENT[:-1] if day == first else None

    unionpay.answer = failing
    assert reconciliation_fetch.fetch_due() == EMPTY_DAYS
    assert first not in {file.day for file in rows(OutsideFile)}


def test_without_an_outside_provider_nothing_is_fetched(city: City) -> None:
    result = city.app.test_cli_runner().invoke(args=["reconciliation", "fetch"])
    assert (result.exit_code, "0 份" in result.output) == (0, True)
