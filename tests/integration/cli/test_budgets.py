"""The commands by which staff change budgets."""

import pytest
from apiflask import APIFlask

from tests.factories import City


def run(app: APIFlask, *args: str) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=["budget", *args])
    return result.exit_code, result.output


QUARTER = ("--fund", "FUND93", "--quarter", "Q3")


def test_a_change_is_proposed_listed_confirmed_by_another_and_shown(city: City) -> None:
    proposal = ("propose", "2023-07", *QUARTER, "--to-quarter", "Q4", "--expected", "240000")
    proposal += ("--new", "230000.50", "--reason", "冰雪季", "--actor", "王科员")
    assert run(city.app, *proposal)[0] == 0
    status, told = run(city.app, "confirm", "2023-07", "--actor", "王科员")
    assert (status, "second_person_needed" in told) == (1, True)
    assert (
        "季度间调剂  FUND93/Q3 → Q4  240000.00 → 230000.50 元  王科员  待复核"
        in run(city.app, "list")[1]
    )
    assert run(city.app, "confirm", "2023-07", "--actor", "李科长")[0] == 0
    assert "已生效（李科长）" in run(city.app, "list")[1]
    shown = run(city.app, "show")[1].splitlines()
    assert next(line for line in shown if " Q3 " in line).split()[3] == "230000.50"


def test_a_funds_own_amount_is_changed_with_the_citys_document(city: City) -> None:
    fund = ("propose", "2023-09", "--fund", "FUND93", "--expected", "930000", "--new", "930001")
    fund += ("--document", "同财字〔2023〕12号", "--reason", "追加", "--actor", "王科员")
    status, told = run(city.app, *fund)
    assert status == 0
    assert "追加资金  FUND93  930000.00 → 930001.00 元  同财字〔2023〕12号" in told
    assert run(city.app, "confirm", "2023-09", "--actor", "李科长")[0] == 0
    shown = run(city.app, "show")[1].splitlines()
    assert next(line for line in shown if "FUND93" in line and "全年" in line).split()[3] == "1.00"


def test_tiers_and_a_refusal_by_command(city: City) -> None:
    tiers = ("propose", "B1", "--campaign", "Q2-MAY", "--tier", "3=401", "--tier", "1=2600")
    tiers += ("--expected", "121000", "--reason", "x", "--actor", "a")
    status, told = run(city.app, *tiers)
    assert (status, "121000.00 → 122090.00 元" in told) == (0, True)
    assert run(city.app, "refuse", "B1", "--reason", "x", "--actor", "b") == (0, "B1 已驳回\n")
    status, told = run(city.app, "propose", "B2", "--campaign", "Q2-MAY", "--rest", "--reason", "x")
    assert (status, "campaign_not_over" in told) == (1, True)


@pytest.mark.parametrize(
    "args",
    [
        (*QUARTER, "--expected", "240000"),
        ("--fund", "FUND93", "--expected", "930000", "--new", "930001"),
        (*QUARTER, "--expected", "240,000", "--new", "1"),
        ("--campaign", "Q2-MAY", "--tier", "3"),
        ("--campaign", "Q2-MAY", "--tier", "3=4", "--rest"),
    ],
)
def test_what_is_no_proposal_is_not_guessed_at(city: City, args: tuple[str, ...]) -> None:
    assert run(city.app, "propose", "B1", *args, "--reason", "x")[0] == 2
    assert run(city.app, "list") == (0, "")
