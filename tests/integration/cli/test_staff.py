"""The commands that keep accounts of staff."""

from apiflask import APIFlask

from tests.factories import MovableClock
from tests.staffing import desk, enrol


def run(app: APIFlask, *args: str) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=["staff", *args])
    return result.exit_code, result.output


def test_the_first_administrator_is_made_and_enrols_with_the_password_that_is_shown(
    app: APIFlask,
) -> None:
    person = ("--name", "赵敏", "--office", "商务局", "--role", "administrator")
    status, told = run(app, "add", "Zhao.Min", *person)
    assert status == 0
    enrol("zhao.min", told.splitlines()[-1])
    listed = run(app, "list")[1]
    assert "zhao.min" in listed
    assert "系统管理员\t赵敏\t商务局\t在用\t动态码已绑定" in listed
    status, told = run(app, "add", "zhao.min", *person)
    assert (status, "staff_exists" in told) == (1, True)


def test_an_account_is_locked_unlocked_given_a_role_and_closed(
    app: APIFlask, moment: MovableClock
) -> None:
    desk(moment)
    assert "203.0.113.7" in run(app, "sessions", "Li.Wei")[1]
    assert "已结束 1 个会话" in run(app, "sessions", "li.wei", "--end")[1]
    assert run(app, "sessions", "li.wei")[1] == ""
    assert run(app, "lock", "li.wei", "--reason", "外出")[0] == 0
    assert "已停用" in run(app, "list")[1]
    assert run(app, "unlock", "li.wei")[0] == 0
    assert run(app, "role", "li.wei", "finance", "--actor", "zhao")[0] == 0
    assert "待复核的更换角色：li.wei 财政（zhao，" in run(app, "list")[1]
    assert "商务局经办\t李伟" in run(app, "list")[1]
    assert "已生效" in run(app, "confirm", "li.wei", "--actor", "qian")[1]
    assert "财政\t李伟" in run(app, "list")[1]
    assert run(app, "leave", "li.wei")[0] == 0
    status, told = run(app, "unlock", "li.wei")
    assert (status, "staff_state_refused" in told) == (1, True)


def test_a_reset_takes_two_administrators(app: APIFlask, moment: MovableClock) -> None:
    desk(moment)
    asked = ("reset-totp", "li.wei", "--reason", "手机遗失", "--actor", "zhao")
    assert run(app, *asked)[0] == 0
    assert "待复核的重置：li.wei（zhao，" in run(app, "list")[1]
    status, told = run(app, "confirm-reset", "li.wei", "--actor", "zhao")
    assert (status, "second_person_needed" in told) == (1, True)
    assert run(app, "refuse-reset", "li.wei", "--reason", "找到了", "--actor", "zhao")[0] == 0
    assert run(app, *asked)[0] == 0
    second = run(app, "confirm-reset", "li.wei", "--actor", "qian")[1].splitlines()[-1]
    assert run(app, "half", "li.wei", "--actor", "qian")[0] == 1
    first = run(app, "half", "li.wei", "--actor", "zhao")[1].splitlines()[-1]
    enrol("li.wei", f"{first}-{second}")


def test_all_accounts_after_the_first_take_two_administrators(app: APIFlask) -> None:
    person = ("--name", "钱进", "--office", "商务局", "--actor", "zhao")
    status, told = run(app, "add", "qian", *person, "--role", "bureau_approver")
    assert (status, len(told.splitlines())) == (0, 1)
    assert "待复核的新账号：qian 商务局审批（zhao，" in run(app, "list")[1]
    status, told = run(app, "confirm", "qian", "--actor", "zhao")
    assert (status, "second_person_needed" in told) == (1, True)
    assert run(app, "refuse", "qian", "--reason", "写错了", "--actor", "zhao")[0] == 0
    assert run(app, "add", "qian", *person, "--role", "bureau_operator")[0] == 0
    second = run(app, "confirm", "qian", "--actor", "sun")[1].splitlines()[-1]
    first = run(app, "half", "qian", "--actor", "zhao")[1].splitlines()[-1]
    enrol("qian", f"{first}-{second}")
    assert "商务局经办\t钱进" in run(app, "list")[1]
