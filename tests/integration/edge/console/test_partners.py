"""Partner banks at the console: keys by two people, addresses, and what went wrong of late."""

import re

import pytest
import redis

from backend.domain.errors import HuiquanError
from backend.domain.proposals import Line
from backend.domain.staff import Role
from backend.extensions import redis_handle
from backend.services import live, partner_calls, partner_files, partner_merchants, partners
from backend.storage.models.audit import AuditEntry
from backend.storage.models.partners import Partner, PartnerAddress, PartnerKey
from tests.bank_details import DAY, detail, line
from tests.bank_parts import TERMINAL, Bank, enter, merchant
from tests.console import Console
from tests.factories import City, MovableClock, rows

PATH = "/console/partners/BANK01"


@pytest.fixture(autouse=True)
def _nothing_refused() -> None:
    """What other tests' calls have left in this process."""
    partner_calls.uncounted.take()


def entered(console: Console) -> None:
    operator = console.desk(Role.BUREAU_OPERATOR)
    form = {"partner_id": "BANK01", "name": "<b>示例</b>银行"}
    assert operator.post("/console/partners", **form).status_code == 303


def test_a_key_is_shown_once_to_its_maker_and_counts_after_another_office(
    console: Console, city: City
) -> None:
    entered(console)
    operator, approver = console.desk(Role.BUREAU_OPERATOR), console.desk(Role.BUREAU_APPROVER)
    made = operator.post(f"{PATH}/keys", key_id="BANK01-2023A")
    assert made.status_code == 200
    assert made.headers["Cache-Control"] == "no-store"
    [secret] = re.findall(r"<code>([0-9a-f]{64})</code>", made.text)
    for desk in (operator, approver, console.desk(Role.AUDITOR)):
        assert secret not in desk.get(PATH).text
    confirm = f"{PATH}/keys/BANK01-2023A/confirm"
    assert confirm not in operator.get(PATH).text
    assert operator.post(confirm).status_code == 403
    assert confirm in approver.get(PATH).text
    assert "合作机构密钥待复核" in approver.get("/console/").text
    assert approver.post(f"{PATH}/keys", key_id="BANK01-2023B").status_code == 403
    for _ in range(2):
        assert approver.post(confirm).status_code == 303
    assert "合作机构密钥待复核" not in approver.get("/console/").text
    [key] = rows(PartnerKey)
    assert (key.state, key.proposed_by, key.confirmed_by) == (
        "active",
        operator.name,
        approver.name,
    )
    assert operator.post(f"{PATH}/keys", key_id="BANK01-2023A").status_code == 409


def test_whoever_made_a_key_does_not_confirm_it(console: Console, city: City) -> None:
    entered(console)
    approver = console.desk(Role.BUREAU_APPROVER)
    partners.new_key("BANK01", "BANK01-1", actor=approver.name)
    assert f"{PATH}/keys/BANK01-1/confirm" not in approver.get(PATH).text
    assert approver.post(f"{PATH}/keys/BANK01-1/confirm").status_code == 403
    assert "合作机构密钥待复核" not in approver.get("/console/").text


def test_ending_a_key_or_an_address_wants_one_person_and_a_reason(
    console: Console, city: City
) -> None:
    enter()
    for role, act in (
        (Role.BUREAU_OPERATOR, "keys/BANK01-1/retire"),
        (Role.BUREAU_APPROVER, "networks/remove"),
    ):
        desk = console.desk(role)
        assert desk.post(f"{PATH}/{act}", network="127.0.0.1/32").status_code == 400
        ended = desk.post(f"{PATH}/{act}", network="127.0.0.1/32", reason="密钥外泄")
        assert ended.status_code == 303
    assert [key.state for key in rows(PartnerKey)] == ["retired"]
    assert rows(PartnerAddress) == []
    reasons = [row.details.get("reason") for row in rows(AuditEntry)][-2:]
    assert reasons == ["密钥外泄", "密钥外泄"]
    page = console.desk(Role.AUDITOR).get(PATH).text
    assert "已停用" in page
    assert "任何地址都不能接入" in page
    assert "/retire" not in page


@pytest.mark.parametrize("network", ["", "nonsense", "203.0.113.7/28"])
def test_what_is_no_network_is_refused(console: Console, city: City, network: str) -> None:
    entered(console)
    operator = console.desk(Role.BUREAU_OPERATOR)
    assert operator.post(f"{PATH}/networks", network=network).status_code == 400
    assert rows(PartnerAddress) == []
    assert operator.post(f"{PATH}/networks", network=" 203.0.113.0/28 ").status_code == 303
    assert "203.0.113.0/28" in operator.get("/console/partners").text


def test_a_name_is_no_page_of_its_own_and_a_partner_is_entered_once(
    console: Console, city: City
) -> None:
    entered(console)
    auditor = console.desk(Role.AUDITOR)
    for path in ("/console/partners", PATH):
        page = auditor.get(path).text
        assert "&lt;b&gt;示例" in page
        assert "<b>示例" not in page
    operator = console.desk(Role.BUREAU_OPERATOR)
    assert operator.post("/console/partners", partner_id="bank 1", name="x").status_code == 400
    assert operator.post("/console/partners", partner_id="BANK01", name="x").status_code == 409
    assert len(rows(Partner)) == 1
    assert auditor.get("/console/partners/NOBODY").status_code == 404


def test_the_page_tells_calls_files_and_what_was_refused(
    console: Console, city: City, moment: MovableClock
) -> None:
    bank = enter()
    auditor = console.desk(Role.AUDITOR)
    assert "还没有收到过签名正确的请求" in auditor.get(PATH).text
    assert bank.ask(city.app, "GET", "/bank/v1/time").status_code == 200
    wrong = bank.with_key("BANK01-1", "f" * 64)
    for _ in range(3):
        assert wrong.ask(city.app, "GET", "/bank/v1/time").status_code == 401
    live.flush()
    moment.move(days=1)
    auditor = console.desk(Role.AUDITOR)
    name = f"BANK01_{DAY:%Y%m%d}.csv"
    with pytest.raises(HuiquanError):
        partner_files.take(
            partner_id="BANK01", name=name, content=detail([line(商户号="8.98E+14")])
        )
    page = auditor.get(PATH).text
    assert "签名无效" in page
    assert re.search(r'签名无效.*?<td class="num">3</td>', page, re.DOTALL)
    assert "还没有收到过签名正确的请求" not in page
    assert "未收下的文件" in page
    assert "第 2 行" in page
    partner_files.take(partner_id="BANK01", name=name, content=detail([line()]))
    assert f">{name}</a>：1 笔" in auditor.get(PATH).text


def test_calls_in_nobodys_name_are_told_on_the_list(console: Console, city: City) -> None:
    enter()
    Bank(partner_id="BANK77").ask(city.app, "GET", "/bank/v1/time")
    live.flush()
    page = console.desk(Role.AUDITOR).get("/console/partners").text
    assert "未登记机构号的请求" in page
    assert "BANK77" not in page


def test_without_valkey_calls_are_refused_as_ever_and_nobody_knows_how_many(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank = enter()
    monkeypatch.setattr(redis_handle, "_client", redis.Redis(port=9))
    refused = bank.with_key("BANK01-1", "f" * 64).ask(city.app, "GET", "/bank/v1/time")
    assert refused.status_code == 401
    live.flush()
    assert partner_calls.refused_of_late("BANK01") is None
    [shown] = partners.list_all()
    assert shown.last_call_at is None


def test_proposals_are_listed_line_by_line_with_their_faults(console: Console, city: City) -> None:
    given = [merchant(), merchant(name="另一家")]
    lines = [Line(**{**one, "terminal_numbers": (TERMINAL,)}) for one in given]
    partner_merchants.propose(partner_id=enter().partner_id, request_number="R-1", lines=lines)
    page = console.desk(Role.AUDITOR).get("/console/partner-proposals?partner=BANK01").text
    for told in ("示例·江边小馆", "已收下", "未收下", TERMINAL):
        assert told in page, told
    only = console.desk(Role.AUDITOR).get("/console/partner-proposals?state=refused").text
    assert "示例·江边小馆" not in only
    assert "另一家" in only
