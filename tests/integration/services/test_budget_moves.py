"""What a confirmed change moves, and the ceilings it never passes, by one fen or under a race."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import event, insert, select, text
from sqlalchemy.exc import IntegrityError

from backend import clock
from backend.domain.budgets import BudgetBelowUse, CampaignNotOver
from backend.domain.campaigns import ActNotPossible, BudgetExceeded
from backend.domain.postings import campaign_account
from backend.extensions import db, redis_handle
from backend.services import campaigns, ledger, orders, redemptions, vouchers
from backend.services.orders import Amounts
from backend.storage.models.campaigns import Campaign, Tier
from backend.storage.models.ledger import LedgerAccount, Transfer
from backend.storage.models.programmes import Fund, FundQuarter
from backend.storage.redis import quota
from tests.factories import MAY, SUPERMARKET, City, MovableClock, approve, drain, new_request, rows
from tests.integration.services.budget_parts import (
    amount,
    ceiling,
    confirm,
    counts,
    end,
    propose_quarter,
    propose_return,
    propose_tiers,
    race,
    small_campaigns,
)


def scope(kind: str, name: str) -> tuple[int, ...]:
    b = next(s for s in ledger.check().scopes if (s.kind, s.name) == (kind, name)).balances
    return (b.appropriated_fen, b.available_fen, b.committed_fen, b.locked_fen, b.spent_fen)


def proved() -> bool:
    return ledger.check().differences == ()


def test_a_quarter_is_lowered_into_the_year_and_raised_out_of_it(city: City) -> None:
    propose_quarter("DOWN", "Q4", 21_000_000)
    confirm("DOWN")
    assert proved()
    propose_quarter("OVER", "Q3", 25_000_001)
    with pytest.raises(BudgetExceeded):
        confirm("OVER")
    propose_quarter("UP", "Q3", 25_000_000)
    confirm("UP")
    assert (ceiling("Q3"), ceiling("Q4")) == (25_000_000, 21_000_000)
    assert scope("fund", "FUND93")[0] == 93_000_000
    assert proved()


def test_two_changes_that_are_the_first_to_give_the_year_something_both_act(city: City) -> None:
    propose_quarter("A", "Q3", 23_999_999)
    propose_quarter("B", "Q4", 21_999_999)
    with (
        db.engine.connect().execution_options(huiquan_writes=True) as other,
        ThreadPoolExecutor(1) as pool,
    ):
        other.execute(select(Fund.id).with_for_update(key_share=True))
        found = pool.submit(race, city.app, [partial(confirm, id_) for id_ in "AB"])
        with pytest.raises(TimeoutError):  # both have looked for the year's pot by now
            found.result(timeout=0.5)
        other.rollback()
        assert found.result(timeout=10) == ["done", "done"]
    assert proved()


def test_a_quarter_is_never_lowered_below_what_is_committed_or_its_floor(city: City) -> None:
    for quarter, least_fen in (("Q2", 12_100_000), ("Q1", 20_000_000), ("Q4", 1)):
        propose_quarter(f"{quarter}-LOW", quarter, least_fen - 1)
        with pytest.raises(BudgetBelowUse) as refused:
            confirm(f"{quarter}-LOW")
        assert refused.value.details == {"least_fen": least_fen}
        propose_quarter(f"{quarter}-LEAST", quarter, least_fen)
        confirm(f"{quarter}-LEAST")
        assert ceiling(quarter) == least_fen
    assert proved()


def test_20_raises_of_one_quarter_at_once_take_exactly_what_the_quarter_has(city: City) -> None:
    """Q2 has 12,900,000 fen left: 20 approved campaigns want 1,000,000 more each, ten can."""
    ids = small_campaigns(20, 100_000)
    for id_ in ids:
        approve(id_, actor="test")  # 10,900,000 fen are left
        propose_tiers(f"B-{id_}", {1: 11}, campaign_id=id_)
    found = race(city.app, [partial(confirm, f"B-{id_}") for id_ in ids])
    assert sorted(found) == ["budget_exceeded"] * 10 + ["done"] * 10
    assert scope("quarter", "FUND93/Q2")[:2] == (25_000_000, 900_000)
    assert proved()


def test_approvals_and_raises_that_race_never_pass_the_quarter(city: City) -> None:
    raised, approved = small_campaigns(20, 1_000_000)[:10], [f"SMALL-{n}" for n in range(10, 20)]
    for id_ in raised[:4]:
        approve(id_, actor="test")
        propose_tiers(f"B-{id_}", {1: 3}, campaign_id=id_)
    acts = [partial(confirm, f"B-{id_}") for id_ in raised[:4]]
    acts += [partial(approve, id_, actor="test") for id_ in approved]
    race(city.app, acts)
    assert 0 <= scope("quarter", "FUND93/Q2")[1] < 1_000_000
    assert proved()


def test_the_database_itself_refuses_to_pass_a_ceiling(city: City) -> None:
    for statement in (
        "UPDATE fund_quarters SET committed_fen = ceiling_fen + 1 WHERE quarter = 'Q2'",
        "UPDATE funds SET in_quarters_fen = amount_fen + 1",
        "UPDATE funds SET year_committed_fen = 1 WHERE id = 'FUND93'",
        "UPDATE campaigns SET returned_fen = amount_fen + 1",
    ):
        with pytest.raises(IntegrityError):
            db.session.execute(text(statement))
        db.session.rollback()


def test_an_approved_campaign_is_raised_and_lowered_and_runs_with_its_new_counts(
    city: City, moment: MovableClock
) -> None:
    night = "Q3-NIGHT"
    approve(night, actor="test")
    propose_tiers("UP", {1: 2100}, campaign_id=night)
    confirm("UP")
    propose_tiers("DOWN", {1: 1900, 3: 400}, campaign_id=night)
    confirm("DOWN")
    assert amount(night) == 10_500_000 - 100 * 1500 - 100 * 6000
    assert scope("campaign", night)[0] == amount(night)
    campaigns.run(night, actor="test")
    assert quota.left(redis_handle.client, campaigns.terms(night)) == counts(night)
    assert counts(night) == {1: 1900, 2: 1500, 3: 400}
    assert proved()


def test_a_running_campaign_is_raised_and_never_lowered(city: City) -> None:
    propose_tiers("DOWN", {1: 2499})
    with pytest.raises(BudgetBelowUse) as refused:
        confirm("DOWN")
    assert refused.value.details == {"least_fen": 2_500_000}
    propose_tiers("UP", {1: 2600})
    confirm("UP")
    assert amount() == 12_200_000
    assert proved()


def test_a_campaign_that_is_a_draft_or_over_keeps_its_counts(
    city: City, moment: MovableClock
) -> None:
    propose_tiers("DRAFT", {1: 2100}, campaign_id="Q3-NIGHT")
    with pytest.raises(ActNotPossible):
        confirm("DRAFT")
    propose_tiers("LATE", {1: 2600})
    end(MAY, moment)
    with pytest.raises(ActNotPossible):
        confirm("LATE")


def test_the_rest_of_a_campaign_returns_to_its_pot_once_it_is_over(
    city: City, moment: MovableClock
) -> None:
    resident, clerk = city.resident(), city.clerk()
    city.claim(resident, tier=3)
    city.claim(city.resident(), tier=1)
    drain()
    order = orders.create_at_placard(
        resident_id=resident.id,
        request_id=new_request(),
        placard_code=city.placard[SUPERMARKET],
        amounts=Amounts(order_amount_fen=30_000),
    )
    redemptions.confirm_paid(order_id=order.id, merchant_id=SUPERMARKET, clerk_id=clerk.id)
    with pytest.raises(CampaignNotOver):
        propose_return("REST")
    moment.set(campaigns.terms(MAY).ends_at + timedelta(days=6) - timedelta(milliseconds=1))
    with pytest.raises(CampaignNotOver):
        propose_return("REST")
    end(MAY, moment)
    vouchers.expire_due()
    for _ in range(2):  # asked again it is the same proposal
        propose_return("REST")
    confirm("REST")
    confirm("REST")
    assert scope("campaign", MAY) == (9_000, 0, 0, 0, 9_000)
    assert scope("quarter", "FUND93/Q2") == (25_000_000, 24_991_000, 0, 0, 9_000)
    assert [t.amount_fen for t in rows(Transfer) if t.kind == "return"] == [12_091_000]
    propose_quarter("LOW", "Q2", 9_000)
    confirm("LOW")
    assert proved()


def test_two_returns_of_one_rest_give_it_back_once(city: City, moment: MovableClock) -> None:
    end(MAY, moment)
    propose_return("R1")
    propose_return("R2")
    found = race(city.app, [partial(confirm, id_) for id_ in ("R1", "R2")])
    assert sorted(found) == ["budget_changed_meanwhile", "done"]
    assert scope("campaign", MAY) == (0, 0, 0, 0, 0)
    assert proved()


def test_a_rest_is_counted_when_whoever_spends_of_the_campaign_has_ended(
    city: City, moment: MovableClock
) -> None:
    """As a subsidy is granted: the tiers held, the money moved, and the commit a moment later."""
    end(MAY, moment)
    propose_return("REST")
    committed, spent = (campaign_account(MAY, kind) for kind in ("committed", "spent"))
    spending = {"id": "late", "kind": "spending", "amount_fen": 1, "at": clock.now()}
    with (
        db.engine.connect().execution_options(huiquan_writes=True) as spender,
        ThreadPoolExecutor(1) as pool,
    ):
        spender.execute(select(Tier.id).where(Tier.campaign_id == MAY).with_for_update())
        found = pool.submit(race, city.app, [partial(confirm, "REST")])
        with pytest.raises(TimeoutError):
            found.result(timeout=0.5)
        spender.execute(
            insert(Transfer).values(from_account_id=committed, to_account_id=spent, **spending)
        )
        spender.commit()
        assert found.result(timeout=10) == ["budget_exceeded"]
    assert scope("campaign", MAY)[2] == 12_100_000 - 1


def test_claims_and_redemptions_never_lock_or_write_a_fund_quarter_or_campaign(
    city: City,
) -> None:
    """Only the writer reads campaigns FOR SHARE, once a batch: the fence of the epoch."""
    resident, clerk = city.resident(), city.clerk()
    seen: list[str] = []
    engine = db.engine

    def note(_c: object, _cur: object, statement: str, *_rest: object) -> None:
        seen.append(" ".join(statement.split()))

    event.listen(engine, "before_cursor_execute", note)
    try:
        city.claim(resident, tier=3)
        drain()
        order = orders.create_at_placard(
            resident_id=resident.id,
            request_id=new_request(),
            placard_code=city.placard[SUPERMARKET],
            amounts=Amounts(order_amount_fen=30_000),
        )
        redemptions.confirm_paid(order_id=order.id, merchant_id=SUPERMARKET, clerk_id=clerk.id)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert any("UPDATE vouchers" in statement for statement in seen)
    budget_rows = ("funds", "fund_quarters", "campaigns", "ledger_accounts")
    for statement in seen:
        written = statement.startswith(tuple(f"UPDATE {table} " for table in budget_rows))
        locked = "FOR UPDATE" in statement and any(f"FROM {t} " in statement for t in budget_rows)
        assert not written, statement
        assert not locked, statement


def test_a_redemption_does_not_wait_for_a_budget_change_that_is_under_way(city: City) -> None:
    if db.engine.dialect.name != "postgresql":
        return  # on SQLite every writer waits for every other, whatever he writes
    resident, clerk = city.resident(), city.clerk()
    city.claim(resident, tier=3)
    drain()
    with db.engine.connect() as other:
        for table in (Campaign, LedgerAccount, Fund, FundQuarter):
            other.execute(select(table.__table__).with_for_update(key_share=True))
        order = orders.create_at_placard(
            resident_id=resident.id,
            request_id=new_request(),
            placard_code=city.placard[SUPERMARKET],
            amounts=Amounts(order_amount_fen=30_000),
        )
        redemptions.confirm_paid(order_id=order.id, merchant_id=SUPERMARKET, clerk_id=clerk.id)
        other.rollback()
    assert scope("campaign", MAY)[4] == 9_000
