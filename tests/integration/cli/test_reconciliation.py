"""Reconciliation by commands, from a file to a resolved difference."""

from pathlib import Path

import pytest
from apiflask import APIFlask
from click.testing import Result

from tests.bank_details import detail, line
from tests.factories import City, MovableClock

FILE = "BANK01_20230428.csv"
OF_BANK = ("--party", "BANK01", "--day", "2023-04-28")


def flask(app: APIFlask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=["reconciliation", *arguments])


@pytest.fixture
def file(city: City, moment: MovableClock, tmp_path: Path) -> Path:
    moment.move(days=1)
    path = tmp_path / FILE
    path.write_bytes(detail([line("nobody-knows-1"), line("nobody-knows-2")], encoding="gbk"))
    return path


def test_a_file_is_taken_compared_worked_and_exported(
    city: City, file: Path, tmp_path: Path
) -> None:
    taken = flask(city.app, "take", str(file), *OF_BANK, "--actor", "李会计")
    assert taken.exit_code == 0
    assert "对方有、我方无：2 笔，我方 0.00 元，对方 200.00 元" in taken.output
    assert "未作改动" in flask(city.app, "take", str(file), *OF_BANK).output
    assert FILE in flask(city.app, "list", "--day", "2023-04-28").output
    assert "2 笔" in flask(city.app, "show", "1").output
    assert "2 笔" in flask(city.app, "run", "1").output
    waiting = flask(city.app, "items", "--file", "1")
    assert (waiting.exit_code, waiting.output.count("待处理")) == (1, 2)
    for number in ("1", "2"):
        reason = ("--reason", "银行测试交易", "--actor", "李会计")
        assert "待复核" in flask(city.app, "explain", number, *reason).output
    own = flask(city.app, "resolve", "1", "--actor", "李会计")
    assert (own.exit_code, "second_person_needed" in own.output) == (1, True)
    sent_back = ("reopen", "2", "--reason", "依据不足", "--actor", "王科长")
    assert "待处理" in flask(city.app, *sent_back).output
    assert "已处理" in flask(city.app, "resolve", "1", "--actor", "王科长").output
    assert flask(city.app, "items", "--state", "resolved").exit_code == 0
    assert "王科长" in flask(city.app, "history", "1").output
    target = tmp_path / "result.xlsx"
    assert flask(city.app, "export", "1", str(target)).exit_code == 0
    assert target.stat().st_size > 5000
    assert flask(city.app, "export", "1", str(tmp_path / "a.csv")).exit_code == 2


def test_a_damaged_file_is_refused_with_every_line(city: City, file: Path) -> None:
    file.write_bytes(
        detail([line("order-000001", 商户号="8.98E+14"), line("order-000002", 终端号="1080209")])
    )
    refused = flask(city.app, "take", str(file), *OF_BANK)
    assert refused.exit_code == 1
    assert "outside_file_refused" in refused.output
    assert "第 2 行 商户号：被表格软件改成了科学计数法" in refused.output
    assert "第 3 行 终端号" in refused.output


def test_a_corrected_file_wants_replaces_and_a_reason(city: City, file: Path) -> None:
    flask(city.app, "take", str(file), *OF_BANK)
    file.write_bytes(detail([line("nobody-knows-1")]))
    assert "outside_file_exists" in flask(city.app, "take", str(file), *OF_BANK).output
    replacing = ("take", str(file), *OF_BANK, "--replaces", "1")
    assert "reason_needed" in flask(city.app, *replacing).output
    assert flask(city.app, *replacing, "--reason", "银行更正").exit_code == 0
    listed = flask(city.app, "list", "--kind", "bank_detail").output
    assert "[取代 1]" in listed
    assert "[已被更正文件取代]" in listed
    assert "已相符" in flask(city.app, "items", "--state", "closed").output


def test_a_day_that_is_none_is_refused_before_anything_happens(city: City, file: Path) -> None:
    wrong = flask(city.app, "take", str(file), "--party", "BANK01", "--day", "4/28")
    assert wrong.exit_code == 2
