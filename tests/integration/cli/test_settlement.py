"""Settlement as staff type it."""

from apiflask import APIFlask
from click.testing import Result

from backend.services import settlements
from tests.factories import City, MovableClock
from tests.settling import drafted, redeem


def flask(app: APIFlask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=["settlement", *arguments])


def test_a_sheet_is_drafted_approved_sent_back_and_shown(city: City, moment: MovableClock) -> None:
    redeem(city)
    moment.move(days=1)
    made = flask(city.app, "draft", "--actor", "张经办")
    assert "新生成 1 张结算单，合计 10.00 元" in made.output
    sheet_id = made.output.split()[0]
    early = flask(city.app, "approve", sheet_id, "--role", "finance", "--actor", "王财政")
    assert (early.exit_code, "先由商务局审核" in early.output) == (1, True)
    own = flask(city.app, "approve", sheet_id, "--role", "bureau", "--actor", "张经办")
    assert (own.exit_code, "second_person_needed" in own.output) == (1, True)
    done = flask(city.app, "approve", sheet_id, "--role", "bureau", "--actor", "李科长")
    assert "待财政局审核" in done.output
    assert sheet_id in flask(city.app, "list", "--state", "bureau_approved").output
    assert flask(city.app, "list", "--state", "paid").output == ""
    back = ("reject", sheet_id, "--role", "finance", "--reason", "金额存疑", "--actor", "王财政")
    assert "已退回" in flask(city.app, *back).output
    shown = flask(city.app, "show", sheet_id).output
    assert "退回 王财政（finance） 金额存疑" in shown
    assert settlements.sheet_of(sheet_id).digest in shown
    assert flask(city.app, "draft", "--through", "2023-04-29").exit_code == 1
    assert flask(city.app, "draft", "--through", "gestern").exit_code == 2


def test_a_redemption_is_held_listed_and_released_by_another(
    city: City, moment: MovableClock
) -> None:
    sheet = drafted(city, moment, count=1)
    (line,) = settlements.lines(sheet.id, page=1, page_size=2)
    hold = ("hold", "CASE-1", line.source_id, "--reason", "疑似套现", "--actor", "孙稽核")
    assert flask(city.app, *hold).exit_code == 0
    assert "疑似套现" in flask(city.app, "holds").output
    release = ("release", "CASE-1", "--reason", "查清", "--actor")
    assert flask(city.app, *release, "孙稽核").exit_code == 1
    assert flask(city.app, *release, "吴主任").exit_code == 0
    assert flask(city.app, "holds").output == ""
    assert "吴主任 解除：查清" in flask(city.app, "holds", "--all").output
