"""A merchant's payout account: two people, one merchant a number, never shown in full."""

import pytest

from backend.domain.errors import NotFound
from backend.domain.payouts import (
    PayoutAccountInvalid,
    PayoutAccountNotProposed,
    PayoutAccountTaken,
)
from backend.domain.second_person import SecondPersonNeeded
from backend.services import payout_accounts
from backend.services.personal_data import vault
from backend.storage.models.audit import AuditEntry
from backend.storage.models.payouts import PayoutAccount
from backend.storage.sql import transaction
from tests.factories import SUPERMARKET, City, rows
from tests.settling import MALL

NUMBER = "6222 0200-0000 0000 003"


def propose(
    merchant_id: str = SUPERMARKET,
    number: str = NUMBER,
    holder: str = "同江家乐购超市",
    actor: str = "郑登记",
) -> PayoutAccount:
    return payout_accounts.propose(
        merchant_id=merchant_id,
        holder=holder,
        bank="示例银行同江支行",
        number=number,
        actor=actor,
    )


def states(merchant_id: str = SUPERMARKET) -> list[str]:
    return [account.state for account in payout_accounts.accounts(merchant_id)]


def test_an_account_counts_when_a_second_person_has_confirmed_its_last_four(city: City) -> None:
    propose()
    with pytest.raises(PayoutAccountNotProposed):
        payout_accounts.confirm(merchant_id=SUPERMARKET, last4="0004", actor="冯复核")
    with pytest.raises(SecondPersonNeeded):
        payout_accounts.confirm(merchant_id=SUPERMARKET, last4="0003", actor="郑登记")
    assert states() == ["proposed"]
    for _ in range(2):
        payout_accounts.confirm(merchant_id=SUPERMARKET, last4="0003", actor="冯复核")
    assert states() == ["active"]


def test_the_number_is_kept_encrypted_and_stands_in_no_audit_entry(city: City) -> None:
    account = propose()
    assert vault().decrypt(account.number_encrypted) == "6222020000000000003"
    assert b"62220200" not in account.number_encrypted
    assert "62220200" not in repr([vars(entry) for entry in rows(AuditEntry)])


def test_a_new_account_replaces_the_one_before_and_a_new_proposal_the_one_that_waits(
    city: City,
) -> None:
    assert propose().id == propose().id
    propose(holder="同江家乐购超市有限公司")
    payout_accounts.confirm(merchant_id=SUPERMARKET, last4="0003", actor="冯复核")
    propose(number="6222020000000000099")
    payout_accounts.confirm(merchant_id=SUPERMARKET, last4="0099", actor="冯复核")
    assert states() == ["active", "replaced", "withdrawn"]
    propose(holder="改户名")
    payout_accounts.confirm(merchant_id=SUPERMARKET, last4="0003", actor="冯复核")
    assert states() == ["active", "replaced", "replaced", "withdrawn"]


def test_one_account_on_two_merchants_is_refused(city: City) -> None:
    propose()
    with pytest.raises(PayoutAccountTaken):
        propose(MALL)
    payout_accounts.confirm(merchant_id=SUPERMARKET, last4="0003", actor="冯复核")
    with pytest.raises(PayoutAccountTaken):
        propose(MALL)
    assert states(MALL) == []


def test_two_proposals_of_one_account_that_slipped_past_each_other_end_at_the_schema(
    city: City,
) -> None:
    first = propose()
    second = propose(MALL, number="6222020000000000001")
    with transaction() as session:
        session.get_one(PayoutAccount, second.id).number_hash = first.number_hash
    payout_accounts.confirm(merchant_id=SUPERMARKET, last4="0003", actor="冯复核")
    with pytest.raises(PayoutAccountTaken):
        payout_accounts.confirm(merchant_id=MALL, last4="0001", actor="冯复核")
    assert states(MALL) == ["proposed"]


@pytest.mark.parametrize(
    ("number", "holder"),
    [
        ("1234567", "户名"),
        ("6" * 33, "户名"),
        ("６２２２０２００", "户名"),
        (NUMBER, ""),
        (NUMBER, "名\n"),
        (NUMBER, "名" * 61),
        (NUMBER, " 名"),
    ],
)
def test_what_no_bank_could_take_is_refused(city: City, number: str, holder: str) -> None:
    with pytest.raises(PayoutAccountInvalid):
        propose(number=number, holder=holder)
    with pytest.raises(NotFound):
        propose("TJ9999")
    assert rows(PayoutAccount) == []
