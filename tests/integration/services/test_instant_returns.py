"""Units that nobody paid with go back to their tier and their person, once, whatever dies."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from backend.domain import refusals
from backend.extensions import redis_handle
from backend.services import (
    cancellations,
    instant_returns,
    quota_rebuilds,
    redemptions,
    releases,
    vouchers,
)
from backend.storage.models.ledger import Transfer
from backend.storage.redis import keys, quota, returns
from tests.factories import City, MovableClock, drain, rows
from tests.integration.services.instant_city import (
    ICE,
    all_agree,
    attempt,
    buy,
    buyer,
    left,
    pending,
    run_instant,
    statuses,
)


def test_a_cancelled_order_gives_unit_and_limit_back_once(city: City) -> None:
    run_instant()
    person = buyer(city)
    order = buy(city, person, 20_000)
    for _ in range(2):
        cancellations.cancel_by_resident(order_id=order.id, resident_id=person.id)
    assert (statuses(), pending()) == (["returned"], 1)
    for _ in range(3):
        instant_returns.return_due()
    assert (left(), pending()) == ({1: 600, 2: 280, 3: 140}, 0)
    assert all_agree()
    assert buy(city, person, 20_000).discount_fen == 4_000


def test_an_order_that_nobody_paid_gives_back_and_the_unit_never_expires_besides(
    city: City, moment: MovableClock
) -> None:
    run_instant()
    buy(city, buyer(city), 20_000)
    moment.move(seconds=300)
    assert releases.release_overdue() == 1
    moment.move(days=30)
    assert vouchers.expire_due() == 0
    assert instant_returns.return_due() == 1
    assert [t.kind for t in rows(Transfer)].count("expiry") == 1
    assert sum(left().values()) == 1020
    assert all_agree()


def test_whoever_released_has_his_limit_back_at_his_next_order(city: City) -> None:
    run_instant()
    person = buyer(city)
    order = buy(city, person, 20_000)
    cancellations.cancel_by_resident(order_id=order.id, resident_id=person.id)
    assert buy(city, person, 20_000).discount_fen == 4_000  # no job has run in between
    assert pending() == 0


def test_a_unit_whose_order_was_never_made_goes_back_when_its_time_is_over(
    city: City, moment: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer of the script was lost, or the process died: the stream alone knows of it."""
    run_instant()
    person = buyer(city)
    real = quota.take

    def take(client: redis.Redis, call: quota.TakeCall) -> quota.Take:
        real(client, call)
        raise redis.TimeoutError("the answer was lost")

    monkeypatch.setattr(quota, "take", take)
    assert attempt(city, person, 20_000) == "no_eligible_voucher"
    monkeypatch.undo()
    assert sum(left().values()) == 1019
    assert drain() == 1
    assert statuses() == ["unused"]
    assert vouchers.wallet(person.id).vouchers == ()
    assert instant_returns.return_due() == 0
    moment.move(seconds=300)
    assert vouchers.expire_due() == 0
    assert instant_returns.return_due() == 1
    assert sum(left().values()) == 1020
    assert all_agree()


def test_killed_between_sql_and_valkey_the_next_run_gives_back(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_instant()
    people = [buyer(city) for _ in range(4)]
    for person in people:
        order = buy(city, person, 20_000)
        cancellations.cancel_by_resident(order_id=order.id, resident_id=person.id)
    real, calls = returns.give_back, []

    def dies(*args: object, **named: object) -> bool:
        calls.append(1)
        if len(calls) == 2:
            real(*args, **named)  # type: ignore[arg-type]
            raise redis.ConnectionError("killed after Valkey, before SQL")
        return real(*args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr("backend.services.instant_returns.returns.give_back", dies)
    assert instant_returns.give_back() == 1
    monkeypatch.undo()
    assert pending() == 3
    assert instant_returns.give_back() == 3
    assert left()[1] == 600
    assert all_agree()


def test_ten_jobs_at_once_give_each_unit_back_once(city: City) -> None:
    run_instant()
    people = [buyer(city) for _ in range(20)]
    for person in people:
        order = buy(city, person, 20_000)
        cancellations.cancel_by_resident(order_id=order.id, resident_id=person.id)
    assert left()[1] == 580

    def run(_: int) -> None:
        with city.app.app_context():
            instant_returns.return_due()

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(run, range(10)))
    assert (left()[1], pending()) == (600, 0)
    assert all_agree()


def test_what_waits_for_a_lost_quota_is_counted_by_its_rebuild(city: City) -> None:
    run_instant()
    person = buyer(city)
    order = buy(city, person, 20_000)
    drain()
    redis_handle.client.delete(keys.quota(ICE))
    cancellations.cancel_by_resident(order_id=order.id, resident_id=person.id)
    assert instant_returns.return_due() == 0
    assert pending() == 1
    quota_rebuilds.run(ICE, actor="test")
    assert left()[1] == 600
    assert instant_returns.return_due() == 1
    assert left()[1] == 600
    assert all_agree()


def test_confirm_and_cancel_racing_leave_a_unit_used_or_returned_and_the_books_right(
    city: City,
) -> None:
    run_instant()
    clerk = city.clerk()
    for _ in range(6):
        person = buyer(city)
        order = buy(city, person, 20_000)

        def act(paid: bool, order_id: str = order.id, resident_id: int = person.id) -> None:
            with city.app.app_context():
                try:
                    if paid:
                        redemptions.confirm_paid(
                            order_id=order_id, merchant_id="TJ0003", clerk_id=clerk.id
                        )
                    else:
                        cancellations.cancel_by_resident(order_id=order_id, resident_id=resident_id)
                except (refusals.OrderReleased, refusals.OrderRedeemed):
                    return  # the other was faster

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(act, (True, False)))
    assert set(statuses()) <= {"used", "returned"}
    instant_returns.give_back()
    assert left()[1] == 600 - statuses().count("used")
    assert all_agree()
