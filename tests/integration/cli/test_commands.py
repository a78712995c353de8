"""The commands staff type."""

from pathlib import Path

import pytest
from apiflask import APIFlask
from click.testing import Result

from backend.services import cards, clerks, partners
from backend.storage.models.audit import AuditEntry
from tests.factories import MAY, SAMPLE, SUPERMARKET, City, drain, rows


def flask(app: APIFlask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=list(arguments))


def test_a_programme_is_loaded_and_again_changes_nothing(app: APIFlask) -> None:
    first = flask(app, "programme", "load", str(SAMPLE), "--actor", "李科长")
    assert (first.exit_code, "TJ2023 已载入" in first.output) == (0, True)
    assert "未作改动" in flask(app, "programme", "load", str(SAMPLE)).output
    assert [entry.actor for entry in rows(AuditEntry)] == ["李科长"]


def test_a_wrong_programme_is_refused_by_line_and_exits_with_1(
    app: APIFlask, tmp_path: Path
) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(SAMPLE.read_text().replace("total: 1105000", "total: 1105001"))
    refused = flask(app, "programme", "load", str(file))
    assert refused.exit_code == 1
    assert "programme_file_refused" in refused.output
    assert "第 " in refused.output
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    assert flask(app, "programme", "load", str(tmp_path / "bytes.yaml")).exit_code == 1


def test_a_campaign_is_approved_run_paused_and_listed(city: City) -> None:
    night = "Q3-NIGHT"
    assert flask(city.app, "campaign", "submit", night).exit_code == 0
    assert "复核" in flask(city.app, "campaign", "approve", night).stderr
    back = flask(city.app, "campaign", "send-back", night, "--reason", "改名", "--actor", "wang")
    assert back.exit_code == 0
    assert flask(city.app, "campaign", "submit", night).exit_code == 0
    assert flask(city.app, "campaign", "approve", night, "--actor", "wang").exit_code == 0
    assert flask(city.app, "campaign", "run", "Q3-NIGHT").exit_code == 0
    assert flask(city.app, "campaign", "pause", MAY, "--reason", "系统检修").exit_code == 0
    assert flask(city.app, "campaign", "resume", MAY, "--reason", "系统检修").exit_code == 0
    assert flask(city.app, "campaign", "stop", MAY, "--reason", "系统检修").exit_code == 0
    again = flask(city.app, "campaign", "resume", MAY, "--reason", "系统检修")
    assert (again.exit_code, "campaign_act_not_possible" in again.output) == (1, True)
    listed = flask(city.app, "campaign", "list").output
    assert "夜市啤酒节券" in listed
    assert "已终止" in listed


def test_the_ledger_check_prints_every_scope_and_exits_with_0(city: City) -> None:
    result = flask(city.app, "ledger", "check")
    assert result.exit_code == 0
    assert "fund FUND93" in result.output
    assert "930000.00" in result.output
    assert "0 differences" in result.output


def test_the_list_placards_clerks_and_cards_are_kept_by_commands(
    city: City, tmp_path: Path
) -> None:
    run = city.app
    assert flask(run, "merchant-list", "publish").exit_code == 1  # nothing changed
    assert flask(run, "merchant", "suspend", "TJ0001", "--reason", "核查").exit_code == 0
    assert "移除 1" in flask(run, "merchant-list", "publish").output
    assert "第 1 版" in flask(run, "merchant-list", "show", "--version", "1").output
    colleague = ("--reason", "核查完毕", "--actor", "wang.fang")
    assert flask(run, "merchant", "resume", "TJ0001", *colleague).exit_code == 0
    assert "/m/TJ0001-1-" in flask(run, "placard", "issue", "TJ0001").output
    for name in ("a.png", "a.svg", "a.pdf"):
        assert flask(run, "placard", "draw", "TJ0001", str(tmp_path / name)).exit_code == 0
        assert (tmp_path / name).stat().st_size > 500
    assert flask(run, "placard", "draw", "TJ0001", str(tmp_path / "a.gif")).exit_code == 2
    for name in ("all.pdf", "all.zip"):
        batch = flask(run, "placard", "batch", str(tmp_path / name), "--size", "A6")
        assert f"{name}：3 张" in batch.output
        assert "还没有在用的码牌" in batch.output
        assert (tmp_path / name).stat().st_size > 500
    assert "0 张" in flask(run, "placard", "issue-missing", "--merchant", "TJ0001").output
    assert "/m/TJ0001-2-" in flask(run, "placard", "reissue", "TJ0001", "--reason", "换新").output
    assert flask(run, "placard", "revoke", "TJ0001", "2", "--reason", "丢失").exit_code == 0
    added = flask(run, "clerk", "add", SUPERMARKET, "--name", "孙", "--phone", "13600000001")
    assert added.exit_code == 0
    clerk_id = added.output.split()[2]
    assert clerks.active_clerk(int(clerk_id)).name == "孙"
    assert flask(run, "clerk", "remove", clerk_id).exit_code == 0
    person = city.resident()
    of_bank = ("--partner", "BANK01", "--phone", person.phone, "--last4", "0018")
    assert "not_found" in flask(run, "card", "bind", *of_bank, "--card-token", "t").output
    partners.add("BANK01", name="示例银行", actor="test")
    assert flask(run, "card", "bind", *of_bank, "--card-token", "t").exit_code == 0
    assert cards.last4_of(person.id) == ["0018"]
    assert flask(run, "card", "bind", *of_bank[2:], "--card-token", "t").exit_code == 2
    card = (*of_bank, "--card-token", "t", "--request", "r-000001")
    for _ in range(2):
        assert flask(run, "card", "unbind", *card).exit_code == 0
    assert cards.last4_of(person.id) == []
    assert "request_id_reused" in flask(run, "card", "bind", *card).output
    number = (*of_bank, "--card-token", "6216261000000000018")
    assert "card_number_refused" in flask(run, "card", "bind", *number).output


@pytest.mark.parametrize("phone", ["12345678901", "1380013800", "１３８００１３８０００"])
def test_a_wrong_phone_is_refused_before_anything_happens(city: City, phone: str) -> None:
    result = flask(city.app, "clerk", "add", SUPERMARKET, "--name", "孙", "--phone", phone)
    assert result.exit_code == 2


def test_a_resident_is_blocked_listed_and_unblocked_by_phone(city: City) -> None:
    person = city.resident()
    block = ("resident", "block", "--phone", person.phone, "--reason", "套现")
    assert flask(city.app, *block, "--actor", "李科长").exit_code == 0
    assert "套现" in flask(city.app, "resident", "blocks").output
    unblock = ("resident", "unblock", "--phone", person.phone, "--reason", "查清")
    assert flask(city.app, *unblock, "--actor", "王处长").exit_code == 0
    assert flask(city.app, "resident", "blocks").output == ""
    nobody = flask(city.app, "resident", "block", "--phone", "13999999999", "--reason", "x")
    assert (nobody.exit_code, "not_found" in nobody.output) == (1, True)


def test_marked_claims_are_counted_and_listed_with_masked_phones(city: City) -> None:
    person = city.resident("17100001234")
    voucher = city.claim(person)
    drain()
    shown = flask(city.app, "claims", "marked")
    assert shown.exit_code == 0
    assert "Q2-MAY     ticket_missing 1  virtual_number 1" in shown.output
    assert f"{voucher.voucher_id}  Q2-MAY  171****1234" in shown.output
    assert person.phone not in shown.output
    assert flask(city.app, "claims", "marked", "--campaign", "Q3-NIGHT").output == ""
    only = flask(city.app, "claims", "marked", "--mark", "ticket_reused", "--limit", "5").output
    assert str(voucher.voucher_id) not in only
    assert flask(city.app, "claims", "marked", "--mark", "none").exit_code == 2
