"""Entry waivers as staff type it."""

from pathlib import Path

from click.testing import Result

from backend.services import entry_statements
from tests.entering import GATE, enter, gate
from tests.factories import City, MovableClock


def flask(city: City, *arguments: str) -> Result:
    return city.app.test_cli_runner().invoke(args=["entry", *arguments])


def test_a_month_is_stated_exported_confirmed_and_listed(
    city: City, moment: MovableClock, tmp_path: Path
) -> None:
    clerk = gate(city)
    enter(clerk, city.resident())
    wrong = enter(clerk, city.resident())
    undone = flask(city, "undo", wrong.id, "--reason", "扫错了人", "--actor", "甲")
    assert "退回 35.00 元" in undone.output
    open_month = flask(city, "statement", GATE, "2023-04", "--actor", "甲")
    assert (open_month.exit_code, "entry_month_open" in open_month.output) == (1, True)
    moment.move(days=4)
    made = flask(city, "statement", GATE, "2023-04", "--actor", "甲")
    assert "待复核\t2023-04\t1 人次\t1 人\t本就免票 0 人次\t35.00 元" in made.output
    statement_id = entry_statements.list_all()[0].id
    for name in ("month.xlsx", "month.pdf"):
        assert flask(city, "export", statement_id, str(tmp_path / name)).exit_code == 0
        assert (tmp_path / name).stat().st_size > 1_000
    assert flask(city, "export", statement_id, str(tmp_path / "month.doc")).exit_code == 2
    own = flask(city, "confirm", statement_id, "--actor", "甲")
    assert (own.exit_code, "second_person_needed" in own.output) == (1, True)
    assert "已确认" in flask(city, "confirm", statement_id, "--actor", "乙").output
    late = flask(city, "refuse", statement_id, "--reason", "x", "--actor", "丙")
    assert (late.exit_code, "entry_statement_decided" in late.output) == (1, True)
    assert statement_id in flask(city, "list").output
    assert flask(city, "statement", GATE, "April").exit_code == 2
