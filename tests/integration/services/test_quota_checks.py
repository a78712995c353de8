"""The check of the quota: silent when all agrees, and it finds each planted difference."""

from collections.abc import Callable

import pytest
from sqlalchemy import update

from backend.extensions import redis_handle
from backend.services import quota_checks
from backend.storage.models.campaigns import Tier
from backend.storage.models.ledger import Transfer
from backend.storage.redis import keys, rebuild
from backend.storage.sql import transaction
from tests.factories import MAY, City, drain
from tests.integration.cli.test_commands import flask


@pytest.fixture
def claimed(city: City) -> City:
    """Two vouchers in SQL, one waiting in the stream."""
    for _ in range(2):
        city.claim(city.resident())
    drain()
    city.claim(city.resident())
    return city


def test_all_sides_agree_while_claims_wait_for_sql(claimed: City) -> None:
    result = quota_checks.check(looks=1)
    assert result.differences == ()
    first = next(t for t in result.tiers if t.campaign_id == MAY and t.tier_position == 1)
    assert (first.count, first.left, first.issued, first.held) == (2500, 2497, 3, 3)
    assert (first.vouchers, first.waiting, first.claimed_count) == (2, 1, 2)


def valkey(name: str, field: str, by: int) -> Callable[[], object]:
    return lambda: redis_handle.client.hincrby(f"hq:{{{MAY}}}:{name}", field, by)


def lose_entry() -> None:
    redis_handle.client.xtrim(keys.claims(MAY), maxlen=0)


def lose_holder() -> None:
    [bucket] = rebuild.buckets(redis_handle.client, MAY)
    name = keys.held(MAY, bucket)
    redis_handle.client.hdel(name, redis_handle.client.hkeys(name)[0])


def empty_valkey() -> None:
    redis_handle.client.flushall()


def change_count() -> None:
    with transaction() as session:
        session.execute(update(Tier).where(Tier.position == 1).values(claimed_count=1))


def add_transfer() -> None:
    with transaction() as session:
        row = session.query(Transfer).filter(Transfer.kind == "claim").first()
        assert row is not None
        session.add(
            Transfer(
                id="claim:planted",
                kind="claim",
                from_account_id=row.from_account_id,
                to_account_id=row.to_account_id,
                amount_fen=1,
                at=row.at,
            )
        )


def take_number() -> None:
    _, fields = redis_handle.client.xrange(keys.claims(MAY))[0]
    redis_handle.client.xadd(keys.claims(MAY), {**fields, "serial": "1"})


PLANTED: dict[str, tuple[Callable[[], object], str]] = {
    "left": (valkey("quota", "left:1", 1), "left + issued"),
    "next": (valkey("quota", "next:1", 1), "issued in Valkey, and vouchers"),
    "given": (valkey("quota", "given:2", 1), "left + issued"),
    "entry": (lose_entry, "issued in Valkey, and vouchers"),
    "holder": (lose_holder, "held in Valkey"),
    "claimed_count": (change_count, "claimed_count"),
    "ledger": (add_transfer, "claim transfers"),
    "number": (take_number, "whose number another resident holds"),
    "epoch": (lambda: redis_handle.client.hset(keys.quota(MAY), "epoch", 9), "epoch loaded"),
    "everything": (empty_valkey, "epoch loaded"),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_each_planted_difference_is_found_and_ends_the_command_with_1(
    claimed: City, planted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant, told = PLANTED[planted]
    plant()
    assert any(told in d.what for d in quota_checks.check(looks=1).differences)
    monkeypatch.setattr(quota_checks, "BETWEEN_LOOKS_S", 0)
    result = flask(claimed.app, "quota", "check")
    assert result.exit_code == 1
    assert "DIFFERENCE" in result.output


def test_the_commands_check_and_rebuild(claimed: City) -> None:
    assert "Valkey, SQL and ledger agree" in flask(claimed.app, "quota", "check").output
    refused = flask(claimed.app, "quota", "rebuild", MAY)
    assert (refused.exit_code, "quota_still_loaded" in refused.output) == (1, True)
    forced = flask(claimed.app, "quota", "rebuild", MAY, "--force")
    assert (forced.exit_code, "纪元 2" in forced.output) == (0, True)
    assert flask(claimed.app, "quota", "check").exit_code == 0
