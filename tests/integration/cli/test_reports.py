"""The commands that make reports."""

from datetime import date
from pathlib import Path

from apiflask import APIFlask

from tests.factories import City, MovableClock
from tests.integration.services.test_fund_reports import late_record


def run(app: APIFlask, *args: str) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=["report", "funds", *args])
    return result.exit_code, result.output


def test_a_days_report_is_written_refused_when_it_differs_and_made_anew_with_a_reason(
    city: City, moment: MovableClock, tmp_path: Path
) -> None:
    args = ("--as-of", "2023-04-28", "--out", str(tmp_path), "--actor", "王科员")
    status, told = run(city.app, *args)
    assert (status, "report_day_not_over" in told) == (1, True)
    moment.move(days=1)
    assert run(city.app, *args)[0] == 0
    first = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert sorted(first) == [f"funds-2023-04-28-v1.{kind}" for kind in ("json", "pdf", "xlsx")]
    late_record(date(2023, 4, 28))
    status, told = run(city.app, *args)
    assert (status, "第 1 行 合计：已用合计 0 → 100" in told) == (1, True)
    assert run(city.app, *args, "--reason", "迟到的记录")[0] == 0
    for file in tmp_path.glob("*-v1.*"):
        file.unlink()
    assert run(city.app, *args, "--edition", "1")[0] == 0
    assert {file.name: file.read_bytes() for file in tmp_path.glob("*-v1.*")} == first
