"""Special subsidies as staff type it."""

from pathlib import Path

from click.testing import Result

from backend.services import subsidy_accounts, subsidy_payouts
from backend.services.subsidies import Account
from tests.factories import City
from tests.subsidising import application, car, granted, submitted


def flask(city: City, *arguments: str) -> Result:
    return city.app.test_cli_runner().invoke(args=["subsidy", *arguments])


def test_an_application_is_looked_at_reviewed_twice_listed_and_paid(
    city: City, tmp_path: Path
) -> None:
    car(city)
    made = submitted(city.resident())
    assert made.id in flask(city, "list", "--state", "submitted").output
    assert flask(city, "list", "--state", "granted").output == ""
    shown = flask(city, "show", made.id).output
    assert application().vin in shown
    assert "材料 photo" in shown
    file = tmp_path / "photo.jpg"
    assert flask(city, "file", made.id, "photo", str(file), "--actor", "甲").exit_code == 0
    assert file.read_bytes().startswith(b"\xff\xd8")
    assert file.stat().st_mode & 0o077 == 0
    assert flask(city, "review", made.id, "--step", "refuse", "--actor", "甲").exit_code == 2
    first = flask(city, "review", made.id, "--step", "first", "--actor", "甲")
    assert "待复审" in first.output
    own = flask(city, "review", made.id, "--step", "second", "--actor", "甲")
    assert (own.exit_code, "second_person_needed" in own.output) == (1, True)
    second = flask(city, "review", made.id, "--step", "second", "--actor", "乙")
    assert "已通过" in second.output
    book = tmp_path / "list.xlsx"
    listed = flask(city, "payout-list", "P1", str(book), "--actor", "财政甲")
    assert "1 笔，2000.00 元" in listed.output
    assert book.stat().st_mode & 0o077 == 0
    assert flask(city, "paid", "P1", made.id, "--actor", "财政乙").exit_code == 2
    paid = flask(city, "paid", "P1", made.id, "--proof", "S-1", "--actor", "财政乙")
    assert "已发放" in paid.output
    again = flask(city, "paid", "P1", made.id, "--returned", "x", "--actor", "财政乙")
    assert (again.exit_code, "subsidy_payment_answered" in again.output) == (1, True)


def test_a_refusal_needs_its_reason(city: City) -> None:
    car(city)
    made = submitted(city.resident())
    refused = flask(
        city, "review", made.id, "--step", "refuse", "--reason", "照片不清", "--actor", "甲"
    )
    assert "未通过" in refused.output
    assert "照片不清" in flask(city, "show", made.id).output


def test_a_corrected_account_is_listed_shown_and_decided_by_another_person(city: City) -> None:
    car(city)
    made = granted(city.resident())
    subsidy_payouts.create(number="P1", actor="财政甲")
    returned = flask(city, "paid", "P1", made.id, "--returned", "账号已注销", "--actor", "财政乙")
    assert "被退回" in returned.output
    subsidy_accounts.correct(
        subsidy_id=made.id,
        resident_id=made.resident_id,
        request_id="r-00000001",
        account=Account(holder="张三", bank="新银行", number="6222020099990001"),
    )
    assert made.id in flask(city, "accounts").output
    assert "更正账户（待审核） 张三 新银行 6222020099990001" in flask(city, "show", made.id).output
    own = flask(city, "account", made.id, "--step", "confirm", "--actor", "财政乙")
    assert (own.exit_code, "second_person_needed" in own.output) == (1, True)
    assert flask(city, "account", made.id, "--step", "refuse", "--actor", "甲").exit_code == 2
    refused = ("account", made.id, "--step", "refuse", "--reason", "户名不符", "--actor", "甲")
    assert "未通过" in flask(city, *refused).output
    assert flask(city, "accounts").output == ""
