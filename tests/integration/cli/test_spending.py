"""The commands by which earlier spending is brought in."""

from pathlib import Path

from apiflask import APIFlask

from tests.factories import City

HEAD = "凭证号,日期,金额,收款方,备注\n"


def run(app: APIFlask, *args: str) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=["spending", *args])
    return result.exit_code, result.output


def test_a_file_is_brought_in_confirmed_by_another_and_listed(city: City, tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text(HEAD + "A-1,2023-01-15,1e3,家乐购,\n")
    bring = ("import", "S1", str(file), "--reason", "x", "--actor", "a")
    status, told = run(city.app, *bring, "--fund-quarter", "FUND93/Q1")
    assert (status, "第 2 行 金额" in told) == (1, True)
    file.write_text(HEAD + "A-1,2023-01-15,1000,家乐购,\n")
    assert run(city.app, *bring)[0] == 2
    assert run(city.app, *bring, "--fund-quarter", "FUND93/Q1")[0] == 0
    assert run(city.app, "confirm", "S1", "--actor", "a")[0] == 1
    assert run(city.app, "confirm", "S1", "--actor", "b")[0] == 0
    assert run(city.app, "list") == (0, "S1  FUND93/Q1  1000.00 元  a  已入账\n")


def test_an_import_of_a_campaign_is_refused(city: City, tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text(HEAD + "A-1,2023-01-15,35,x,\n")
    bring = ("import", "S1", str(file), "--campaign", "GATE-JJK", "--reason", "x", "--actor", "a")
    assert run(city.app, *bring)[0] == 0
    assert run(city.app, "refuse", "S1", "--reason", "x", "--actor", "b")[0] == 0
    assert "GATE-JJK  35.00 元  a  已驳回" in run(city.app, "list")[1]
