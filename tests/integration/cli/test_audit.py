"""The commands that prove the audit log and take it out."""

from pathlib import Path

from apiflask import APIFlask

from backend.services import audit_seals
from tests.auditing import act, by_hand, insert
from tests.factories import MovableClock


def run(app: APIFlask, *args: str) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=["audit", *args])
    return result.exit_code, result.output


def test_verify_says_that_all_is_well_and_names_the_row_that_was_altered(
    app: APIFlask, moment: MovableClock
) -> None:
    assert run(app, "last")[0] == 1
    insert(41)
    insert(42)
    audit_seals.seal_due()
    act()
    moment.move(seconds=7)
    status, told = run(app, "last")
    anchor = told.strip()
    assert run(app, "verify", "--anchor", anchor) == (
        0,
        "已封存 2 条，待封存 1 条（最久已等 7 秒），异常 0 处\n",
    )
    by_hand("UPDATE audit_entries SET actor = 'wang.fang' WHERE id = 42")
    status, told = run(app, "verify")
    assert status == 1
    assert "异常：审计记录 42 或它的封存被改动" in told
    status, told = run(app, "verify", "--anchor", f"3:{'0' * 64}")
    assert (status, "第 3 位的封存与留存的校验码不符" in told) == (1, True)
    assert run(app, "verify", "--anchor", "x")[0] == 2


def test_the_export_writes_two_files_for_its_owner_alone(app: APIFlask, tmp_path: Path) -> None:
    act(2)
    audit_seals.seal_due()
    days = ("--from", "2023-04-28", "--to", "2023-04-28", "--out", str(tmp_path))
    status, told = run(app, "export", *days, "--actor", "sun.audit")
    assert (status, "：3 条" in told) == (0, True)
    made = sorted(tmp_path.iterdir())
    assert [file.name for file in made] == [
        f"audit-2023-04-28-2023-04-28.{kind}" for kind in ("jsonl", "xlsx")
    ]
    assert {file.stat().st_mode & 0o777 for file in made} == {0o600}
    assert "sun.audit" in made[0].read_text()
