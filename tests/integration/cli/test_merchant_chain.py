"""The chain by commands alone, each office by its own person."""

from pathlib import Path

import pytest
from click.testing import Result

from backend.services import merchants
from tests import joining
from tests.factories import SUPERMARKET, City
from tests.integration.cli.test_commands import flask
from tests.subsidising import picture


@pytest.fixture
def paper(tmp_path: Path) -> str:
    file = tmp_path / "paper.jpg"
    file.write_bytes(picture())
    return str(file)


def by(city: City, actor: str, *arguments: str) -> Result:
    return flask(city.app, *arguments, "--actor", actor)


def issue(city: City, tmp_path: Path) -> None:
    text = tmp_path / "pledge.txt"
    text.write_text(joining.TEXT, encoding="utf-8")
    assert "第 1 版" in by(city, joining.BUREAU, "merchant", "pledge-text", str(text)).output


def test_from_a_banks_file_to_the_published_list_and_off_it_again(
    city: City, tmp_path: Path, paper: str
) -> None:
    issue(city, tmp_path)
    shops = tmp_path / "shops.csv"
    shops.write_bytes(joining.csv_file(joining.row_of(1), encoding="gbk").getvalue())
    taken = by(city, joining.BANK, "merchant", "report-file", str(shops))
    assert taken.output.strip() == "TJ0017"
    early = by(city, joining.BUREAU, "merchant", "list", "TJ0017")
    assert early.exit_code == 1
    assert "还缺：上级银行确认、商务局确认、税务筛选通过、市场监管筛选通过" in early.output
    for actor, *act in (
        (joining.SUPERIOR, "confirm", "TJ0017", "--office", "superior_bank"),
        (joining.BUREAU, "confirm", "TJ0017", "--office", "bureau"),
        (joining.TAX, "screen", "TJ0017", "passed", "--office", "tax"),
        (joining.MARKET, "screen", "TJ0017", "passed", "--office", "market_regulator"),
        (joining.BUREAU, "list", "TJ0017"),
        (joining.BUREAU, "send", str(tmp_path / "list.xlsx")),
        (joining.PARTNER, "answer", "1"),
    ):
        assert by(city, actor, "merchant", *act).exit_code == 0, act
    assert by(city, joining.BUREAU, "merchant-list", "publish").exit_code == 1
    assert "+ TJ0017" in by(city, joining.APPROVER, "merchant-list", "publish").output
    assert "对外公布" in flask(city.app, "merchant", "show", "TJ0017").output
    for actor, *act in (
        (joining.BUREAU, "suspend", "TJ0017", "--reason", "核查", "--evidence", paper),
        (joining.APPROVER, "resume", "TJ0017", "--reason", "查清"),
        (joining.BUREAU, "disqualify", "TJ0017", "--reason", "套现"),
        (joining.APPROVER, "disqualify-withdraw", "TJ0017", "--reason", "再查"),
        (joining.BUREAU, "disqualify", "TJ0017", "--reason", "套现"),
        (joining.APPROVER, "disqualify-confirm", "TJ0017", "--reason", "属实"),
    ):
        assert by(city, actor, "merchant", *act).exit_code == 0, act
    told = flask(city.app, "merchant", "show", "TJ0017").output
    assert "已取消参与资格" in told
    digest = told.split("凭证 ")[1][:64]
    out = tmp_path / "seen.jpg"
    assert by(city, "周审计", "merchant", "file", "TJ0017", digest, str(out)).exit_code == 0
    assert out.stat().st_mode & 0o777 == 0o600


def test_a_shop_is_entered_by_hand_and_a_taken_licence_names_its_merchant(
    city: City, tmp_path: Path, paper: str
) -> None:
    issue(city, tmp_path)
    shop = joining.applicant()
    facts = {
        "--name": shop.name,
        "--legal-name": shop.legal_name,
        "--uscc": shop.uscc,
        "--domain": "FOOD",
        "--address": shop.address,
        "--contact": shop.contact,
        "--phone": shop.phone,
        "--text-version": "1",
        "--signed-by": "王店主",
        "--signed-on": "2023-04-20",
        "--scan": paper,
    }
    given = [part for option in facts.items() for part in option]
    assert by(city, joining.BANK, "merchant", "pledge", *given).output.strip() == "TJ0017"
    again = by(city, joining.BANK, "merchant", "pledge", *given)
    assert (again.exit_code, "统一社会信用代码属于 TJ0017" in again.output) == (1, True)
    by(city, joining.BANK, "merchant", "apply", "TJ0017", "--for", "pos")
    sold = joining.tills()
    numbers = ["--merchant-number", sold.merchant_number, "--terminal", sold.terminal_numbers[0]]
    assert by(city, joining.BANK, "merchant", "report", "TJ0017", *numbers).exit_code == 0
    assert merchants.get("TJ0017").status == "reported"


def test_a_placement_is_recorded_and_listed(city: City, paper: str) -> None:
    seen = ("--material", "poster", "--missing", "--place", "正门", "--photo", paper)
    for _ in range(2):
        told = by(city, joining.BUREAU, "placement", "record", "check-1", SUPERMARKET, *seen)
        assert "海报：缺失" in told.output
    listed = flask(city.app, "placement", "list", "--merchant", SUPERMARKET).output
    assert listed.count("\n") == 1
    assert "缺失\t正门" in listed
