"""Settlement as staff type it."""

from pathlib import Path

from apiflask import APIFlask
from click.testing import Result

from backend.services import settlements
from tests.factories import SUPERMARKET, City, MovableClock
from tests.settling import answer, approved, drafted, redeem


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


def test_a_sheet_is_paid_through_the_banks_files(
    city: City, moment: MovableClock, tmp_path: Path
) -> None:
    sheet = approved(drafted(city, moment, count=1))
    propose = ("propose", SUPERMARKET, "--holder", "家乐购", "--bank", "示例银行", "--actor", "甲")
    runner = city.app.test_cli_runner()
    asked = runner.invoke(args=["payout-account", *propose], input="6222020000000000003\n")
    assert "尾号 0003 待另一位工作人员复核" in asked.output
    assert "62220200" not in asked.output
    confirm = ["payout-account", "confirm", SUPERMARKET, "0003", "--actor", "乙"]
    assert runner.invoke(args=confirm).exit_code == 0
    shown = runner.invoke(args=["payout-account", "show", SUPERMARKET]).output
    assert "尾号 0003\t家乐购\t示例银行\t在用\t甲 登记，乙 复核" in shown
    file, back = tmp_path / "pay.txt", tmp_path / "back.txt"
    made = flask(city.app, "payout-file", "B1", str(file), "--actor", "陈出纳")
    assert "1 笔，10.00 元" in made.output
    assert file.stat().st_mode & 0o077 == 0
    assert "B1\t截至" in flask(city.app, "payout-files").output
    back.write_bytes(answer("failed"))
    told = flask(city.app, "return-file", "B1", str(back), "--actor", "褚会计")
    assert "失败 1 笔 10.00 元，未答复 0 笔" in told.output
    flask(city.app, "payout-file", "B2", str(file), "--actor", "陈出纳")
    back.write_bytes(answer("paid,10.01", number="B2"))
    refused = flask(city.app, "return-file", "B2", str(back), "--actor", "褚会计")
    assert (refused.exit_code, "第 2 行 金额：与代发文件不符" in refused.output) == (1, True)
    back.write_bytes(answer("paid", number="B2"))
    assert flask(city.app, "return-file", "B2", str(back), "--actor", "褚会计").exit_code == 0
    shown = flask(city.app, "show", sheet.id).output
    assert "已付款" in shown
    assert "B1 第 1 笔 → 家乐购 尾号 0003：付款失败 账号户名不符" in shown
    assert "B2-S1" in shown
    for suffix, start in ((".xlsx", b"PK"), (".pdf", b"%PDF-")):
        out = tmp_path / f"sheet{suffix}"
        assert flask(city.app, "export", sheet.id, str(out)).exit_code == 0
        assert out.read_bytes().startswith(start)
    assert flask(city.app, "export", sheet.id, str(tmp_path / "sheet.doc")).exit_code == 2
