"""A sheet's way: drafted the day after, approved in order by different people, or sent back."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from functools import partial

import pytest
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError

from backend import clock
from backend.domain.errors import HuiquanError, NotFound
from backend.domain.second_person import SecondPersonNeeded
from backend.domain.settlements import SettlementDayOpen, SettlementStepNotPossible
from backend.extensions import db
from backend.services import ledger, settlements
from backend.storage.models.audit import AuditEntry
from backend.storage.models.orders import Redemption
from backend.storage.models.settlements import (
    SettlementLine,
    SettlementRun,
    SettlementSheet,
    SettlementStep,
)
from backend.storage.sql import transaction
from tests.factories import SUPERMARKET, City, MovableClock, rows
from tests.settling import MALL, approved, discounts, drafted, redeem

DAY = date(2023, 4, 28)


def in_threads(city: City, *calls: Callable[[], object]) -> list[object]:
    """Call all at once, each in a context of its own; return results or refusals."""

    def run(call: Callable[[], object]) -> object:
        with city.app.app_context():
            try:
                return call()
            except HuiquanError as error:
                return error

    db.session.rollback()  # what was read before is forgotten
    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def test_a_day_is_drafted_when_it_is_over_one_sheet_a_merchant(
    city: City, moment: MovableClock
) -> None:
    first, second = redeem(city), redeem(city, tier=3)
    redeem(city, MALL)
    with pytest.raises(SettlementDayOpen):
        settlements.draft(through_day=DAY, actor="张经办")
    moment.move(days=1)
    made = settlements.draft(actor="张经办")
    assert made.sheet_ids == (f"{MALL}-20230428-1", f"{SUPERMARKET}-20230428-1")
    assert made.amount_fen == discounts()
    sheet = settlements.sheet_of(made.sheet_ids[1])
    assert (sheet.state, sheet.from_day, sheet.through_day) == ("drafted", DAY, DAY)
    lines = settlements.lines(sheet.id, page=1, page_size=10)
    assert {line.source_id for line in lines} == {first, second}
    assert sheet.amount_fen == sum(line.amount_fen for line in lines)
    assert {line.order_amount_fen for line in lines} == {32_000}
    assert settlements.draft(actor="张经办").sheet_ids == ()
    assert ledger.check().differences == ()


def test_a_redemption_of_today_waits_for_tomorrow(city: City, moment: MovableClock) -> None:
    early = drafted(city, moment, count=1)
    late = redeem(city)
    assert settlements.draft(actor="张经办").sheet_ids == ()
    moment.move(days=1)
    (sheet_id,) = settlements.draft(actor="张经办").sheet_ids
    assert [line.source_id for line in settlements.lines(sheet_id, page=1, page_size=9)] == [late]
    assert settlements.sheet_of(sheet_id).from_day == DAY + timedelta(days=1)
    assert early.id != sheet_id


def test_a_sheet_is_approved_by_bureau_then_finance_and_every_step_is_written_down(
    city: City, moment: MovableClock
) -> None:
    sheet = approved(drafted(city, moment))
    assert sheet.state == "finance_approved"
    steps = settlements.steps(sheet.id)
    assert [(s.position, s.act, s.actor, s.role, s.state) for s in steps] == [
        (1, "draft", "张经办", "bureau", "drafted"),
        (2, "approve_bureau", "李科长", "bureau", "bureau_approved"),
        (3, "approve_finance", "王财政", "finance", "finance_approved"),
    ]
    assert {step.digest for step in steps} == {sheet.digest}
    acts = [entry.action for entry in rows(AuditEntry) if entry.subject == sheet.id]
    assert acts == ["settlement.draft", "settlement.approve_bureau", "settlement.approve_finance"]


def test_a_step_out_of_order_is_refused_and_names_what_is_missing(
    city: City, moment: MovableClock
) -> None:
    sheet = drafted(city, moment)
    with pytest.raises(SettlementStepNotPossible) as refused:
        settlements.approve(sheet_id=sheet.id, role="finance", actor="王财政")
    assert refused.value.details == {"state": "drafted", "missing": "先由商务局审核"}
    approved(sheet)
    for role in ("bureau", "finance"):
        with pytest.raises(SettlementStepNotPossible) as refused:
            settlements.approve(sheet_id=sheet.id, role=role, actor="赵某")
        assert refused.value.details["missing"] == "先编入代发文件"
    with pytest.raises(SettlementStepNotPossible):
        settlements.reject(sheet_id=sheet.id, role="bureau", actor="李科长", reason="x")
    with pytest.raises(NotFound):
        settlements.approve(sheet_id="TJ0003-20230101-1", role="bureau", actor="李科长")


def test_nobody_takes_two_steps_in_a_row_whatever_the_spelling(
    city: City, moment: MovableClock
) -> None:
    sheet = drafted(city, moment)
    with pytest.raises(SecondPersonNeeded):
        settlements.approve(sheet_id=sheet.id, role="bureau", actor=" 张经办 ")
    settlements.approve(sheet_id=sheet.id, role="bureau", actor="Li")
    with pytest.raises(SecondPersonNeeded):
        settlements.approve(sheet_id=sheet.id, role="finance", actor="LI")
    assert settlements.sheet_of(sheet.id).state == "bureau_approved"


def test_who_drafted_a_sheet_approves_it_for_nobody(city: City, moment: MovableClock) -> None:
    sheet = drafted(city, moment)
    settlements.approve(sheet_id=sheet.id, role="bureau", actor="李科长")
    with pytest.raises(SecondPersonNeeded):
        settlements.approve(sheet_id=sheet.id, role="finance", actor="张经办")
    settlements.approve(sheet_id=sheet.id, role="finance", actor="钱会计")


def test_the_same_approval_again_is_one_step(city: City, moment: MovableClock) -> None:
    sheet = drafted(city, moment)
    for _ in range(2):
        settlements.approve(sheet_id=sheet.id, role="bureau", actor="李科长")
    assert len(settlements.steps(sheet.id)) == 2


@pytest.mark.parametrize("role", ["bureau", "finance"])
def test_a_rejected_sheet_frees_its_lines_for_the_next(
    city: City, moment: MovableClock, role: str
) -> None:
    sheet = drafted(city, moment)
    if role == "finance":
        approved(sheet)
    settlements.reject(sheet_id=sheet.id, role=role, actor="钱主任", reason="金额存疑")  # type: ignore[arg-type]
    assert settlements.steps(sheet.id)[-1].remark == "金额存疑"
    assert ledger.check().differences == ()
    (again,) = settlements.draft(actor="张经办").sheet_ids
    assert again == f"{SUPERMARKET}-20230428-2"
    first, second = (settlements.lines(i, page=1, page_size=9) for i in (sheet.id, again))
    assert first == second
    assert settlements.sheet_of(again).digest == sheet.digest
    with pytest.raises(SettlementStepNotPossible) as refused:
        settlements.approve(sheet_id=sheet.id, role="bureau", actor="李科长")
    assert refused.value.details["missing"] == "已退回，请重新生成结算单"
    assert ledger.check().differences == ()


def test_eight_drafts_at_once_settle_each_redemption_once(city: City, moment: MovableClock) -> None:
    for _ in range(3):
        redeem(city)
        redeem(city, MALL)
    moment.move(days=1)
    in_threads(city, *[lambda: settlements.draft(actor="张经办")] * 8)
    assert len(rows(SettlementSheet)) == 2
    assert sorted(line.source_id for line in rows(SettlementLine)) == sorted(
        row.id for row in rows(Redemption)
    )
    assert ledger.check().differences == ()


def test_freeing_the_lines_of_a_large_sheet_may_take_longer_than_a_request(
    city: City, moment: MovableClock
) -> None:
    sheet, seen = drafted(city, moment), []
    engine = db.engine

    def note(_c: object, _cur: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        settlements.reject(sheet_id=sheet.id, role="bureau", actor="钱主任", reason="存疑")
    finally:
        event.remove(engine, "before_cursor_execute", note)
    freeing = next(n for n, s in enumerate(seen) if s.startswith("UPDATE settlement_lines"))
    allowed = "SET LOCAL statement_timeout = '120s'" in seen[:freeing]
    assert allowed == (engine.dialect.name == "postgresql")


def test_approving_and_rejecting_at_once_ends_in_one_of_the_two(
    city: City, moment: MovableClock
) -> None:
    sheet_id = drafted(city, moment).id
    for _ in range(4):
        approve = partial(settlements.approve, sheet_id=sheet_id, role="bureau", actor="李科长")
        reject = partial(
            settlements.reject, sheet_id=sheet_id, role="bureau", actor="周副科长", reason="重复"
        )
        outcomes = in_threads(city, approve, reject)
        assert [type(o) for o in outcomes].count(SettlementStepNotPossible) == 1
        state = settlements.sheet_of(sheet_id).state
        assert state in ("bureau_approved", "rejected")
        assert len(settlements.steps(sheet_id)) == 2
        freed = {line.freed_at for line in rows(SettlementLine) if line.sheet_id == sheet_id}
        assert (freed == {None}) == (state == "bureau_approved")
        if state == "bureau_approved":
            settlements.reject(sheet_id=sheet_id, role="finance", actor="王财政", reason="重来")
        (sheet_id,) = settlements.draft(actor="张经办").sheet_ids
    assert ledger.check().differences == ()


def test_the_schema_refuses_a_source_in_two_live_sheets(city: City, moment: MovableClock) -> None:
    drafted(city, moment, count=1)
    (line,) = rows(SettlementLine)
    with pytest.raises(IntegrityError, match="source"), transaction() as session:
        session.add(
            SettlementLine(
                sheet_id=f"{line.sheet_id}0",
                source_kind=line.source_kind,
                source_id=line.source_id,
                order_id=line.order_id,
                campaign_id=line.campaign_id,
                business_day=line.business_day,
                occurred_at=line.occurred_at,
                amount_fen=line.amount_fen,
            )
        )


def test_the_nightly_draft_waits_for_half_past_midnight_and_runs_once_a_night(
    city: City, moment: MovableClock
) -> None:
    redeem(city)
    moment.set(clock.now().replace(hour=0, minute=29, second=59) + timedelta(days=1))
    assert settlements.draft_due() == 0
    assert rows(SettlementSheet) == []
    moment.move(seconds=1)
    assert settlements.draft_due() == 1
    (sheet,) = rows(SettlementSheet)
    assert [step.role for step in rows(SettlementStep)] == ["system"]
    settlements.reject(sheet_id=sheet.id, role="bureau", actor="李科长", reason="核查")
    assert settlements.draft_due() == 0
    moment.move(days=1)
    assert settlements.draft_due() == 1
    assert [run.sheet_count for run in rows(SettlementRun)] == [1, 1]


def test_sheets_are_listed_by_merchant_and_state_the_newest_first(
    city: City, moment: MovableClock
) -> None:
    old = approved(drafted(city, moment))
    new = drafted(city, moment)
    assert [sheet.id for sheet in settlements.sheets()] == [new.id, old.id]
    assert [s.id for s in settlements.sheets(states=("finance_approved",))] == [old.id]
    assert settlements.sheets(merchant_id=MALL) == []
    assert [s.id for s in settlements.sheets(page=2, page_size=1)] == [old.id]
    with pytest.raises(NotFound):
        settlements.sheet_of(old.id, merchant_id=MALL)
