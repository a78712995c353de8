"""The payout file: what finance approved, once, to the byte."""

import hashlib
import io
from datetime import timedelta
from functools import partial

import pytest
from python_calamine import CalamineWorkbook

from backend import clock
from backend.domain.errors import InvalidRequest, NotFound
from backend.domain.payouts import NothingToPay, PayoutFileUnwritable, PayoutNumberReused
from backend.domain.second_person import SecondPersonNeeded
from backend.services import (
    ledger,
    payout_accounts,
    payout_layouts,
    payouts,
    settlement_holds,
    settlements,
)
from backend.storage.models.payouts import PayoutFile, PayoutLine
from tests.factories import SUPERMARKET, City, MovableClock, rows
from tests.integration.services.test_settlements import in_threads
from tests.settling import MALL, NUMBERS, approved, drafted, sent, with_account


def test_a_payout_file_names_every_approved_sheet_with_count_and_sum(
    city: City, moment: MovableClock
) -> None:
    made = sent(city, moment)
    day = f"{clock.today() - timedelta(days=1):%Y%m%d}"
    text = payouts.content_of("B1").decode("gbk")
    assert text.split("\r\n") == [
        f"B1|{day}|2|20.00",
        "序号|收款账号|收款户名|开户行|金额|结算单号|附言",
        *(
            f"{n}|{NUMBERS[m]}|同江{m}商贸有限公司|示例银行同江支行|10.00|{m}-{day}-1|"
            f"消费券结算{m}-{day}-1"
            for n, m in enumerate((MALL, SUPERMARKET), start=1)
        ),
        "合计|2|20.00",
        "",
    ]
    assert made.file.digest == hashlib.sha256(text.encode("gbk")).hexdigest()
    assert {s.state for s in settlements.sheets()} == {"in_payout"}
    assert settlements.steps(f"{MALL}-{day}-1")[-1].digest == made.file.digest
    assert NUMBERS[MALL].encode() not in made.file.content_encrypted
    assert ledger.check().differences == ()


def test_the_same_number_is_the_same_file_and_another_day_under_it_is_refused(
    city: City, moment: MovableClock
) -> None:
    first = sent(city, moment)
    content = payouts.content_of("B1")
    again = payouts.create(number="B1", actor="陈出纳")
    assert (again.file.digest, payouts.content_of("B1")) == (first.file.digest, content)
    with pytest.raises(PayoutNumberReused):
        payouts.create(number="B1", day=clock.today() - timedelta(days=2), actor="陈出纳")
    with pytest.raises(NothingToPay):
        payouts.create(number="B2", actor="陈出纳")
    with pytest.raises(InvalidRequest):
        payouts.create(number="B 1", actor="陈出纳")
    with pytest.raises(NotFound):
        payouts.content_of("B9")
    assert len(rows(PayoutFile)) == 1


def test_a_sheet_without_an_account_or_with_a_held_line_waits(
    city: City, moment: MovableClock
) -> None:
    sheet = approved(drafted(city, moment))
    with pytest.raises(NothingToPay) as refused:
        payouts.create(number="B1", actor="陈出纳")
    assert refused.value.details == {"left_out": {sheet.id: "商户没有已复核的收款账户"}}
    with_account()
    (line, *_) = settlements.lines(sheet.id, page=1, page_size=9)
    settlement_holds.hold(hold_id="C1", redemption_id=line.source_id, reason="核查", actor="孙稽核")
    with pytest.raises(NothingToPay) as refused:
        payouts.create(number="B1", actor="陈出纳")
    assert refused.value.details == {"left_out": {sheet.id: "有被暂缓结算的核销"}}
    settlement_holds.release(hold_id="C1", reason="查清", actor="吴主任")
    assert payouts.create(number="B1", actor="陈出纳").left_out == {}


def test_who_approved_for_finance_makes_no_payout_file(city: City, moment: MovableClock) -> None:
    approved(drafted(city, moment))
    with_account()
    with pytest.raises(SecondPersonNeeded):
        payouts.create(number="B1", actor="王财政")
    assert rows(PayoutFile) == rows(PayoutLine) == []


def test_eight_files_at_once_pay_a_sheet_once(city: City, moment: MovableClock) -> None:
    sheet = approved(drafted(city, moment))
    with_account()
    calls = [partial(payouts.create, number=f"B{n}", actor="陈出纳") for n in range(8)]
    outcomes = in_threads(city, *calls)
    assert [type(o) for o in outcomes].count(NothingToPay) == 7
    assert [line.sheet_id for line in rows(PayoutLine)] == [sheet.id]


def test_an_account_changed_later_leaves_the_file_as_it_was_sent(
    city: City, moment: MovableClock
) -> None:
    sent(city, moment)
    content = payouts.content_of("B1")
    payout_accounts.propose(
        merchant_id=MALL, holder="新户名", bank="示例银行", number="62220299", actor="郑登记"
    )
    payout_accounts.confirm(merchant_id=MALL, last4="0299", actor="冯复核")
    assert payouts.content_of("B1") == content
    ((_, account),) = payouts.attempts(payouts.lines("B1")[0].sheet_id)
    assert account.number_last4 == NUMBERS[MALL][-4:]


def test_a_name_the_encoding_lacks_stops_the_file_and_nothing_is_written(
    city: City, moment: MovableClock
) -> None:
    approved(drafted(city, moment))
    payout_accounts.propose(
        merchant_id=SUPERMARKET, holder="𠮷野家", bank="示例银行", number="62220299", actor="甲"
    )
    payout_accounts.confirm(merchant_id=SUPERMARKET, last4="0299", actor="乙")
    with pytest.raises(PayoutFileUnwritable):
        payouts.create(number="B1", actor="陈出纳")
    assert rows(PayoutFile) == []
    assert settlements.sheets()[0].state == "finance_approved"


def test_a_bank_that_wants_excel_gets_ids_as_text_and_amounts_as_numbers(
    city: City, moment: MovableClock
) -> None:
    sample = payout_layouts.SAMPLE.read_text().replace("format: delimited", "format: xlsx", 1)
    layout = payout_layouts.read(sample.encode())
    sent(city, moment)
    order = payouts._order(
        1, settlements.sheets(merchant_id=MALL)[0], payout_accounts.accounts(MALL)[0]
    )
    day = clock.today()
    content = payouts.file_of(layout, [order], number="B1", day=day)
    assert content == payouts.file_of(layout, [order], number="B1", day=day)
    rows_ = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    assert rows_[0][0] == f"B1|{day:%Y%m%d}|1|10.00"
    assert rows_[2][:5] == [1.0, NUMBERS[MALL], "同江TJ0001商贸有限公司", "示例银行同江支行", 10.0]
