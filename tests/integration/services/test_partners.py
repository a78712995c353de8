"""Partners as staff keep them: keys by two people, two at a time, addresses one by one."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from apiflask import APIFlask
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from backend.domain.errors import HuiquanError, NotFound
from backend.domain.partners import (
    PartnerExists,
    PartnerKeyNotProposed,
    PartnerKeyTaken,
)
from backend.domain.second_person import SecondPersonNeeded
from backend.services import partners
from backend.storage.models.audit import AuditEntry
from backend.storage.models.partners import PartnerKey
from backend.storage.sql import transaction
from tests.bank_parts import SECRET, enter
from tests.factories import rows
from tests.integration.cli.test_commands import flask


def test_a_partner_is_entered_once_and_keeps_its_name(app: APIFlask) -> None:
    for _ in range(2):
        partners.add("BANK01", name="示例银行", actor="王")
    with pytest.raises(PartnerExists):
        partners.add("BANK01", name="另一银行", actor="王")
    assert [shown.partner.name for shown in partners.list_all()] == ["示例银行"]
    for act in (partners.new_key, partners.confirm_key, partners.retire_key, partners.allow):
        with pytest.raises(NotFound):
            act("BANK09", "127.0.0.1", actor="王") if act == partners.allow else act(
                "BANK09", "KEY-1", actor="王"
            )


def test_a_key_counts_once_a_second_person_confirmed_it(app: APIFlask) -> None:
    partners.add("BANK01", name="示例银行", actor="王")
    secret = partners.new_key("BANK01", "KEY-1", actor="王")
    assert (len(secret), partners.new_key("BANK01", "KEY-1", actor="王")) == (64, secret)
    with pytest.raises(PartnerKeyTaken):
        partners.new_key("BANK01", "KEY-1", actor="李")
    with pytest.raises(SecondPersonNeeded):
        partners.confirm_key("BANK01", "KEY-1", actor=" 王")
    for _ in range(2):
        partners.confirm_key("BANK01", "KEY-1", actor="李")
    with pytest.raises(PartnerKeyTaken):  # its secret is shown no more
        partners.new_key("BANK01", "KEY-1", actor="王")
    for _ in range(2):
        partners.retire_key("BANK01", "KEY-1", actor="王")
    with pytest.raises(PartnerKeyNotProposed):
        partners.confirm_key("BANK01", "KEY-1", actor="李")
    acts = [entry.action for entry in rows(AuditEntry)]
    assert acts == [f"partner.{act}" for act in ("add", "new_key", "confirm_key", "retire_key")]


def test_the_database_itself_refuses_a_key_confirmed_by_its_maker_and_a_third(
    app: APIFlask,
) -> None:
    enter()
    for change in ({"confirmed_by": "王"}, {"slot": None}, {"slot": 3}):
        with pytest.raises(IntegrityError), transaction() as session:
            session.execute(update(PartnerKey).values(**change))


def test_no_more_than_two_keys_count_however_many_are_confirmed_at_once(app: APIFlask) -> None:
    partners.add("BANK01", name="示例银行", actor="王")
    for n in range(8):
        partners.new_key("BANK01", f"KEY-{n}", actor="王")

    def confirm(n: int) -> str:
        with app.app_context():
            try:
                partners.confirm_key("BANK01", f"KEY-{n}", actor="李")
            except HuiquanError as refused:
                return refused.code
            return "ok"

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(confirm, range(8)))
    assert sorted(told) == ["ok"] * 2 + ["partner_keys_full"] * 6
    active = [key.id for key in rows(PartnerKey) if key.state == "active"]
    assert len(active) == 2
    partners.retire_key("BANK01", active[0], actor="王")
    waiting = next(key.id for key in rows(PartnerKey) if key.state == "proposed")
    partners.confirm_key("BANK01", waiting, actor="李")


def test_a_secret_is_kept_encrypted(app: APIFlask) -> None:
    enter()
    [key] = rows(PartnerKey)
    assert SECRET.encode() not in key.secret_encrypted


def test_the_commands_enter_a_partner_and_list_it_without_its_secret(app: APIFlask) -> None:
    def run(*words: str, actor: str = "王") -> str:
        return str(flask(app, "partner", *words, "--actor", actor).output)

    assert "已登记" in run("add", "BANK01", "--name", "示例银行")
    secret = run("key-new", "BANK01", "KEY-1").splitlines()[-1]
    assert "second_person_needed" in run("key-confirm", "BANK01", "KEY-1")
    assert "即刻有效" in run("key-confirm", "BANK01", "KEY-1", actor="李")
    assert "203.0.113.0/28" in run("allow", "BANK01", "203.0.113.0/28")
    assert "partner_invalid" in run("allow", "BANK01", "203.0.113.7/28")
    listed = flask(app, "partner", "list").output
    assert "203.0.113.0/28" in listed
    assert "李 复核" in listed
    assert secret not in listed
    assert "不再" in run("disallow", "BANK01", "203.0.113.0/28")
    assert "已停用" in run("key-retire", "BANK01", "KEY-1")
    assert "已停用" in flask(app, "partner", "list").output
