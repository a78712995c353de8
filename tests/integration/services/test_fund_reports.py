"""The fund report is frozen: the same day, the same bytes, or a new edition with its reason."""

import hashlib
import json
import os
import subprocess
import sys
from datetime import date

import pytest

from backend import clock
from backend.domain.errors import NotFound
from backend.domain.fund_reports import FundReportDiffers, ReportDayNotOver
from backend.domain.postings import campaign_posting
from backend.services import fund_reports
from backend.storage.models.budgets import FundReport
from backend.storage.queries.ledger import add_transfer
from backend.storage.sql import transaction
from tests.factories import MAY, City, MovableClock, rows
from tests.integration.services.budget_parts import race
from tests.integration.services.report_parts import FIRST_DAY, busy

LATER = date(2023, 5, 5)
DRAW = """
import hashlib, json, sys
from backend.services import fund_report_pdf, fund_report_sheets
report = json.load(sys.stdin)
for content in (fund_report_sheets.workbook(report), fund_report_pdf.document(report)):
    print(hashlib.sha256(content).hexdigest())
"""


def digests(report: fund_reports.Frozen) -> dict[str, str]:
    files = fund_reports.files(report)
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def late_record(at_day: date) -> None:
    """Write a transfer dated into a day that is over, as only a late commit could."""
    at = clock.day_bounds(at_day)[0]
    with transaction() as session:
        add_transfer(session, campaign_posting("spending", MAY, 100, id="late"), at=at)


def test_the_same_day_gives_the_same_bytes_however_much_happens_later(
    city: City, moment: MovableClock
) -> None:
    moment.move(days=1)
    first = digests(fund_reports.freeze(FIRST_DAY, actor="王科员"))
    assert list(first) == [f"funds-2023-04-28-v1.{kind}" for kind in ("json", "xlsx", "pdf")]
    busy(city, moment)
    assert digests(fund_reports.freeze(FIRST_DAY, actor="李科长")) == first
    assert [row.made_by for row in rows(FundReport)] == ["王科员"]


def test_another_machine_with_another_locale_and_zone_draws_the_same_bytes(
    city: City, moment: MovableClock
) -> None:
    busy(city, moment)
    moment.move(days=1)
    files = fund_reports.files(fund_reports.freeze(LATER, actor="test"))
    told = next(content for name, content in files.items() if name.endswith("json"))
    expected = [hashlib.sha256(c).hexdigest() for name, c in files.items() if "json" not in name]
    for changed in ({"TZ": "America/New_York", "LC_ALL": "C"}, {"TZ": "Asia/Tokyo"}):
        drawn = subprocess.run(
            [sys.executable, "-X", "utf8", "-c", DRAW],
            input=told,
            env=os.environ | changed,
            capture_output=True,
            check=True,
        )
        assert drawn.stdout.decode().split() == expected


def test_books_that_say_otherwise_are_refused_until_a_reason_makes_a_new_edition(
    city: City, moment: MovableClock
) -> None:
    busy(city, moment)
    moment.move(days=1)
    first = digests(fund_reports.freeze(LATER, actor="test"))
    late_record(LATER)
    with pytest.raises(FundReportDiffers) as refused:
        fund_reports.freeze(LATER, actor="test")
    faults = refused.value.details["faults"]
    assert {"line": 1, "where": "合计", "reason": "已用合计 20012500 → 20012600"} in faults  # type: ignore[operator]
    second = fund_reports.freeze(LATER, actor="test", reason="迟到的记录")
    assert (second.edition, second.reason) == (2, "迟到的记录")
    assert fund_reports.freeze(LATER, actor="test").edition == 2
    assert digests(fund_reports.edition(LATER, 1)) == first
    assert digests(second) != first
    with pytest.raises(NotFound):
        fund_reports.edition(LATER, 3)


def test_a_day_that_is_not_over_is_refused(city: City, moment: MovableClock) -> None:
    with pytest.raises(ReportDayNotOver):
        fund_reports.freeze(FIRST_DAY, actor="test")
    moment.set(clock.day_bounds(FIRST_DAY)[1])
    assert fund_reports.freeze(FIRST_DAY, actor="test").edition == 1


def test_20_who_freeze_a_day_at_once_make_one_edition(city: City, moment: MovableClock) -> None:
    moment.move(days=1)
    acts = [lambda: fund_reports.freeze(FIRST_DAY, actor="test")] * 20
    assert race(city.app, acts) == ["done"] * 20
    assert [row.edition for row in rows(FundReport)] == [1]


def test_the_json_says_what_was_frozen(city: City, moment: MovableClock) -> None:
    moment.move(days=1)
    report = fund_reports.freeze(FIRST_DAY, actor="test")
    told = json.loads(fund_reports.files(report)["funds-2023-04-28-v1.json"])
    assert (told["digest"], told["edition"]) == (report.digest, 1)
    assert {name: told[name] for name in report.figures} == report.figures
