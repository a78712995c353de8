"""Corrected accounts: after a return alone, decided by another person, paid to once."""

import io
from concurrent.futures import ThreadPoolExecutor

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from backend.domain.errors import NotFound
from backend.domain.refusals import RequestReused
from backend.domain.second_person import SecondPersonNeeded
from backend.domain.subsidies import SubsidyNothingToPay, SubsidyStepNotPossible
from backend.extensions import db
from backend.services import ledger, subsidies, subsidy_accounts, subsidy_payouts
from backend.services.subsidies import Account
from backend.storage.models.audit import AuditEntry
from backend.storage.models.subsidies import AccountCorrection, Subsidy, SubsidyPayoutLine
from tests.factories import City, MovableClock, new_request, rows
from tests.integration.services.test_entries import at_once
from tests.subsidising import car, granted, sent_back

ANOTHER = Account(holder="张三", bank="示例银行佳木斯分行", number="6222020099990001")


def returned(city: City) -> Subsidy:
    """Return a subsidy whose payout the bank sent back on list P1."""
    car(city)
    return sent_back(city.resident())


def send_back(made: Subsidy, number: str) -> None:
    subsidy_payouts.answer(
        number=number, subsidy_id=made.id, paid=False, proof="账号已注销", actor="财政乙"
    )


def correct(
    made: Subsidy, account: Account = ANOTHER, request: str | None = None
) -> AccountCorrection:
    return subsidy_accounts.correct(
        subsidy_id=made.id,
        resident_id=made.resident_id,
        request_id=request or new_request(),
        account=account,
    )


def accounts_on(number: str) -> list[str]:
    content = subsidy_payouts.content_of(number)
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    return [str(row[5]) for row in book.get_sheet_by_index(0).to_python()[1:-1]]


def test_a_returned_subsidy_is_paid_once_to_the_account_that_was_corrected_and_confirmed(
    city: City,
) -> None:
    made = returned(city)
    correct(made)
    with pytest.raises(SubsidyNothingToPay):  # it waits for its review
        subsidy_payouts.create(number="P2", actor="财政甲")
    for _ in range(2):
        assert subsidy_accounts.confirm(subsidy_id=made.id, actor="商务局甲").state == "confirmed"
    subsidy_payouts.create(number="P2", actor="财政甲")
    assert accounts_on("P2") == [ANOTHER.number]
    with pytest.raises(SubsidyNothingToPay):
        subsidy_payouts.create(number="P3", actor="财政甲")
    assert subsidies.details(made).account != ANOTHER  # what was applied for stays
    assert subsidy_accounts.last4_of(made) == "0001"
    acts = [e.action for e in rows(AuditEntry) if e.subject == made.id]
    assert acts.count("subsidy.account_confirmed") == 1
    assert ledger.check().differences == ()


def test_whoever_wrote_down_the_return_does_not_decide_where_the_money_goes(city: City) -> None:
    made = returned(city)
    correct(made)
    for act in (
        lambda: subsidy_accounts.confirm(subsidy_id=made.id, actor=" 财政乙 "),
        lambda: subsidy_accounts.refuse(subsidy_id=made.id, reason="x", actor="财政乙"),
    ):
        with pytest.raises(SecondPersonNeeded):
            act()
    assert rows(AccountCorrection)[0].state == "submitted"


def test_a_refused_correction_is_told_with_its_reason_and_may_be_made_again(city: City) -> None:
    made = returned(city)
    correct(made)
    for _ in range(2):
        subsidy_accounts.refuse(subsidy_id=made.id, reason="户名不是本人", actor="商务局甲")
    told = subsidy_accounts.of_return(made.id)
    assert told is not None
    assert (told.state, told.reason) == ("refused", "户名不是本人")
    with pytest.raises(SubsidyStepNotPossible):
        subsidy_accounts.confirm(subsidy_id=made.id, actor="商务局甲")
    correct(made)
    subsidy_accounts.confirm(subsidy_id=made.id, actor="商务局甲")
    subsidy_payouts.create(number="P2", actor="财政甲")
    assert accounts_on("P2") == [ANOTHER.number]


def test_after_a_refusal_alone_the_account_of_the_application_counts(city: City) -> None:
    made = returned(city)
    correct(made)
    subsidy_accounts.refuse(subsidy_id=made.id, reason="账号有误", actor="商务局甲")
    subsidy_payouts.create(number="P2", actor="财政甲")
    assert accounts_on("P2") == [subsidies.details(made).account.number]


def test_an_account_is_corrected_only_while_the_newest_payout_is_a_returned_one(
    city: City, moment: MovableClock
) -> None:
    car(city)
    made = granted(city.resident())
    with pytest.raises(SubsidyStepNotPossible):
        correct(made)
    subsidy_payouts.create(number="P1", actor="财政甲")
    with pytest.raises(SubsidyStepNotPossible):
        correct(made)
    send_back(made, "P1")
    correct(made)
    with pytest.raises(SubsidyStepNotPossible):  # one at a time
        correct(made)
    subsidy_accounts.confirm(subsidy_id=made.id, actor="商务局甲")
    moment.move(days=1)
    subsidy_payouts.create(number="P2", actor="财政甲")
    with pytest.raises(SubsidyStepNotPossible):
        correct(made)
    send_back(made, "P2")
    assert subsidy_accounts.of_return(made.id) is None  # that of P1 was another return's
    correct(made)
    assert [c.returned_number for c in rows(AccountCorrection)] == ["P1", "P2"]


def test_the_same_request_is_one_correction_and_another_account_under_it_is_refused(
    city: City,
) -> None:
    made, request = returned(city), new_request()
    assert [correct(made, request=request).position for _ in range(2)] == [1, 1]
    with pytest.raises(RequestReused):
        correct(made, Account(holder="李四", bank="x", number="12345678"), request)
    with pytest.raises(NotFound):
        subsidy_accounts.correct(
            subsidy_id=made.id,
            resident_id=city.resident().id,
            request_id=request,
            account=ANOTHER,
        )
    with pytest.raises(NotFound):
        subsidy_accounts.confirm(subsidy_id="0" * 32, actor="商务局甲")


def test_a_new_account_lies_encrypted(city: City) -> None:
    correct(returned(city))
    (made,) = rows(AccountCorrection)
    plain = str({column.name: getattr(made, column.key) for column in made.__table__.columns})
    for secret in (ANOTHER.number, ANOTHER.holder):
        assert secret not in plain
    assert subsidy_accounts.decrypted(made) == ANOTHER


def test_corrected_by_ten_at_once_one_waits(city: City) -> None:
    made = returned(city)
    assert at_once(city.app, 10, lambda _: correct(made)).count("ok") == 1
    assert len(rows(AccountCorrection)) == 1


def test_listed_by_ten_at_once_a_corrected_subsidy_stands_in_one_list(city: City) -> None:
    made = returned(city)
    correct(made)
    subsidy_accounts.confirm(subsidy_id=made.id, actor="商务局甲")

    def create(number: int) -> None:
        subsidy_payouts.create(number=f"L{number}", actor="财政甲")

    found = at_once(city.app, 10, create)
    assert sorted(found) == ["ok"] + ["subsidy_nothing_to_pay"] * 9
    assert sorted(line.state for line in rows(SubsidyPayoutLine)) == ["returned", "sent"]


def test_a_list_that_waits_for_a_correction_leaves_the_subsidy_out(city: City) -> None:
    """The applicant holds the subsidy, names another account, and commits a moment later."""
    made = returned(city)

    def create(_: int) -> None:
        subsidy_payouts.create(number="P2", actor="财政甲")

    with (
        db.engine.connect().execution_options(huiquan_writes=True) as applicant,
        ThreadPoolExecutor(1) as pool,
    ):
        held = select(Subsidy.id).where(Subsidy.id == made.id)
        applicant.execute(held.with_for_update(key_share=True))
        found = pool.submit(at_once, city.app, 1, create)
        with pytest.raises(TimeoutError):
            found.result(timeout=0.5)
        values = {"subsidy_id": made.id, "position": 1, "request_id": "r", "request_digest": "d"}
        values |= {"returned_number": "P1", "account_encrypted": b"", "account_last4": "0001"}
        values |= {"state": "submitted", "made_at": made.created_at}
        applicant.execute(AccountCorrection.__table__.insert().values(**values))
        applicant.commit()
        assert found.result(timeout=10) == ["subsidy_nothing_to_pay"]
