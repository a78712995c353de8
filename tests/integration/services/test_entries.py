"""Entries at a gate: once a person and month, never above the fund, undone without a trace."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from apiflask import APIFlask
from sqlalchemy import update

from backend.clock import CHINA
from backend.domain import entries as rules
from backend.domain import refusals
from backend.domain.errors import HuiquanError, NotFound
from backend.extensions import db
from backend.services import (
    blocks,
    campaigns,
    entries,
    ledger,
    payment_codes,
    spending_imports,
    standings,
)
from backend.storage.models.campaigns import Campaign, Tier
from backend.storage.models.entries import Entry, EntryUndo
from backend.storage.models.ledger import Transfer
from backend.storage.sql import transaction
from tests.entering import GATE, SPOT, TICKET_FEN, enter, gate
from tests.factories import SUPERMARKET, City, MovableClock, approve, new_request, rows


def spent_fen() -> int:
    db.session.remove()  # the rows as they are, not as they were read before
    check = ledger.check()
    assert check.differences == ()
    (scope,) = (s for s in check.scopes if (s.kind, s.name) == ("campaign", GATE))
    return scope.balances.spent_fen


def leave(units: int) -> None:
    """Leave so many units of the waiver, and so much money."""
    with transaction() as session:
        session.execute(update(Tier).where(Tier.campaign_id == GATE).values(count=units))
        session.execute(
            update(Campaign).where(Campaign.id == GATE).values(amount_fen=units * TICKET_FEN)
        )


def test_an_entry_is_counted_and_its_ticket_is_spent(city: City) -> None:
    visitor = city.resident()
    entry = enter(gate(city), visitor)
    assert (entry.state, entry.month, entry.amount_fen) == ("counted", "2023-04", TICKET_FEN)
    assert spent_fen() == TICKET_FEN
    assert [found.id for found in entries.list_of_resident(visitor.id)] == [entry.id]
    assert [found.id for found in entries.list_of_today(SPOT)] == [entry.id]
    assert entries.list_of_resident(city.resident().id) == []


def test_a_person_enters_once_a_natural_month_of_china(city: City, moment: MovableClock) -> None:
    clerk, visitor = gate(city), city.resident()
    moment.set(datetime(2023, 4, 30, 23, 59, 59, tzinfo=CHINA))
    enter(clerk, visitor)
    with pytest.raises(rules.EntryLimitReached):
        enter(clerk, visitor)
    moment.set(datetime(2023, 5, 1, 0, 0, 0, tzinfo=CHINA))  # in UTC it is April still
    assert enter(clerk, visitor).month == "2023-05"
    assert spent_fen() == 2 * TICKET_FEN


def test_a_refused_entry_leaves_the_code_usable_and_nothing_written(city: City) -> None:
    clerk, visitor = gate(city), city.resident()
    enter(clerk, visitor)
    code = payment_codes.issue(visitor.id).code
    with pytest.raises(rules.EntryLimitReached):
        entries.record(clerk_id=clerk.id, merchant_id=SPOT, request_id=new_request(), code=code)
    assert payment_codes.holder(db.session(), code) == visitor.id
    assert len(rows(Entry)) == 1


def test_who_is_free_by_another_rule_is_recorded_and_not_counted(city: City) -> None:
    clerk, visitor = gate(city), city.resident()
    free = [enter(clerk, visitor, free=True) for _ in range(2)]
    assert {(entry.state, entry.amount_fen) for entry in free} == {("free", 0)}
    assert spent_fen() == 0
    assert enter(clerk, visitor).state == "counted"


def test_the_same_request_is_the_same_entry_and_another_body_is_refused(city: City) -> None:
    clerk, visitor, other = gate(city), city.resident(), city.resident()
    code, request = payment_codes.issue(visitor.id).code, new_request()
    asked = {"clerk_id": clerk.id, "merchant_id": SPOT, "request_id": request, "code": code}
    first, again = entries.record(**asked), entries.record(**asked)
    assert first.id == again.id
    for changed in ({"already_free": True}, {"code": payment_codes.issue(other.id).code}):
        with pytest.raises(refusals.RequestReused):
            entries.record(**asked | changed)
    assert spent_fen() == TICKET_FEN


def test_a_code_is_good_for_one_entry(city: City) -> None:
    clerk, code = gate(city), payment_codes.issue(city.resident().id).code
    asked = {"clerk_id": clerk.id, "merchant_id": SPOT, "code": code}
    entries.record(**asked, request_id=new_request())
    with pytest.raises(refusals.PaymentCodeInvalid):
        entries.record(**asked, request_id=new_request())


def test_only_the_spots_own_gate_in_the_campaigns_time_lets_in(
    city: City, moment: MovableClock
) -> None:
    visitor = city.resident()
    spot_clerk = city.clerk(SPOT)
    with pytest.raises(rules.EntryNotOffered):  # a draft
        enter(spot_clerk, visitor)
    gate(city)
    other = city.clerk(SUPERMARKET)
    with pytest.raises(rules.EntryNotOffered):
        entries.record(
            clerk_id=other.id,
            merchant_id=SUPERMARKET,
            request_id=new_request(),
            code=payment_codes.issue(visitor.id).code,
        )
    campaigns.pause(GATE, actor="test", reason="试")
    with pytest.raises(rules.EntryNotOffered):
        enter(spot_clerk, visitor)
    campaigns.resume(GATE, actor="test", reason="试")
    moment.set(datetime(2024, 1, 1, tzinfo=CHINA))
    with pytest.raises(rules.EntryNotOffered):
        enter(spot_clerk, visitor)
    moment.set(datetime(2023, 12, 31, 23, 59, 59, tzinfo=CHINA))
    assert enter(spot_clerk, visitor).state == "counted"


def test_the_blocked_the_clerk_himself_and_a_suspended_spot_are_refused(city: City) -> None:
    clerk, blocked = gate(city), city.resident()
    code = payment_codes.issue(blocked.id).code
    blocks.block(blocked.id, reason="x", actor="test")
    asked = {"clerk_id": clerk.id, "merchant_id": SPOT, "request_id": new_request()}
    with pytest.raises(refusals.ResidentBlocked):
        entries.record(**asked, code=code)
    with pytest.raises(refusals.OwnShop):
        enter(clerk, city.resident(phone=clerk.phone))
    standings.suspend(SPOT, actor="test", reason="x")
    with pytest.raises(refusals.MerchantNotPublished):
        enter(clerk, city.resident())
    assert rows(Entry) == []


def test_an_undone_entry_gives_its_money_and_its_place_back_once(city: City) -> None:
    clerk, visitor = gate(city), city.resident()
    entry = enter(clerk, visitor)
    asked = {"entry_id": entry.id, "reason": "扫错了人", "merchant_id": SPOT}
    for _ in range(2):
        assert entries.undo(**asked, actor=f"clerk:{clerk.id}").state == "undone"
    with pytest.raises(rules.EntryNotUndoable):
        entries.undo(**asked, actor="clerk:999")
    assert spent_fen() == 0
    assert [(undo.reason, undo.undone_by) for undo in rows(EntryUndo)] == [
        ("扫错了人", f"clerk:{clerk.id}")
    ]
    assert enter(clerk, visitor).number_in_month == 1
    assert spent_fen() == TICKET_FEN


def test_a_gate_undoes_on_the_same_day_and_staff_later(city: City, moment: MovableClock) -> None:
    entry = enter(gate(city), city.resident())
    with pytest.raises(NotFound):
        entries.undo(entry_id=entry.id, reason="x", actor="clerk:1", merchant_id=SUPERMARKET)
    moment.set(datetime(2023, 4, 29, tzinfo=CHINA))
    with pytest.raises(rules.EntryNotUndoable):
        entries.undo(entry_id=entry.id, reason="x", actor="clerk:1", merchant_id=SPOT)
    assert entries.undo(entry_id=entry.id, reason="x", actor="李科员").state == "undone"


def at_once(app: APIFlask, count: int, act: object) -> list[str]:
    """Run an act in threads; return 'ok' or the refusal's code of each."""

    def one(number: int) -> str:
        with app.app_context():
            try:
                act(number)  # type: ignore[operator]  # a function of the caller's
            except HuiquanError as error:
                return error.code
            return "ok"

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_20_gates_racing_for_the_last_3_units_let_in_exactly_3(city: City) -> None:
    clerk = gate(city)
    codes = [payment_codes.issue(city.resident().id).code for _ in range(20)]
    with transaction() as session:
        session.execute(update(Tier).where(Tier.campaign_id == GATE).values(claimed_count=4_997))

    def let_in(number: int) -> None:
        entries.record(
            clerk_id=clerk.id, merchant_id=SPOT, request_id=new_request(), code=codes[number]
        )

    found = at_once(city.app, 20, let_in)
    assert sorted(found) == ["entry_fund_used_up"] * 17 + ["ok"] * 3
    assert len(rows(Entry)) == 3
    assert sum(row.amount_fen for row in rows(Transfer) if row.kind == "spending") == 10_500


def test_one_visitor_at_20_gates_at_once_enters_once(city: City) -> None:
    gate(city)
    clerks = [city.clerk(SPOT) for _ in range(20)]
    visitor = city.resident()
    code = payment_codes.issue(visitor.id).code

    def let_in(number: int) -> None:
        entries.record(
            clerk_id=clerks[number].id,
            merchant_id=SPOT,
            request_id=new_request(),
            code=code,
        )

    found = at_once(city.app, 20, let_in)
    assert found.count("ok") == 1
    assert set(found) == {"ok", "payment_code_invalid"}
    assert spent_fen() == TICKET_FEN


def test_one_request_sent_20_times_at_once_is_one_entry(city: City) -> None:
    clerk, code, request = gate(city), payment_codes.issue(city.resident().id).code, new_request()
    ids = []

    def let_in(_: int) -> None:
        asked = {"clerk_id": clerk.id, "merchant_id": SPOT, "request_id": request, "code": code}
        ids.append(entries.record(**asked).id)

    assert at_once(city.app, 20, let_in) == ["ok"] * 20
    assert len(set(ids)) == 1
    assert spent_fen() == TICKET_FEN


def test_undone_20_times_at_once_the_money_comes_back_once(city: City) -> None:
    entry = enter(gate(city), city.resident())

    def undo(number: int) -> None:
        entries.undo(entry_id=entry.id, reason="x", actor=f"staff{number}")

    assert at_once(city.app, 20, undo).count("ok") == 1
    assert spent_fen() == 0


def test_money_that_earlier_spending_took_is_not_spent_again(city: City) -> None:
    """5,000 units are left, but only one ticket's money."""
    approve(GATE, actor="test")
    content = "凭证号,日期,金额,收款方,备注\nA-1,2023-03-01,174965.00,景区,x\n".encode()
    target = spending_imports.of_campaign(GATE)
    spending_imports.propose("S1", content, file_name="x.csv", target=target, reason="x", actor="a")
    spending_imports.confirm("S1", actor="b")
    campaigns.run(GATE, actor="test")
    clerk = city.clerk(SPOT)
    codes = [payment_codes.issue(city.resident().id).code for _ in range(5)]

    def let_in(number: int) -> None:
        entries.record(
            clerk_id=clerk.id, merchant_id=SPOT, request_id=new_request(), code=codes[number]
        )

    assert sorted(at_once(city.app, 5, let_in)) == ["entry_fund_used_up"] * 4 + ["ok"]
    assert spent_fen() == 17_500_000


def test_a_rule_that_a_waiver_would_not_keep_stops_it_from_running(city: City) -> None:
    with transaction() as session:
        session.execute(update(Campaign).where(Campaign.id == GATE).values(daily_release=5))
    approve(GATE, actor="test")
    with pytest.raises(campaigns.RuleNotSupported, match="daily_release"):
        campaigns.run(GATE, actor="test")
