"""After a loss: receipts come first, what is known to be lost waits for them, and time decides."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from backend.domain import refusals
from backend.domain.errors import HuiquanError, NotFound
from backend.extensions import redis_handle
from backend.services import campaigns, live, quota_reserves, receipts
from backend.services.claims import ClaimedVoucher
from backend.storage.models.audit import AuditEntry
from backend.storage.models.vouchers import Voucher
from backend.storage.redis import keys, quota, reserve
from tests.factories import MAY, City, MovableClock, Person, drain, new_request, rows
from tests.integration.cli.test_commands import flask
from tests.integration.services.claim_rules import agree, code, rebuild, with_terms

TIER = 3
CLAIMS = f"/api/v1/resident/campaigns/{MAY}/claims"
Told = list[tuple[Person, ClaimedVoucher]]
Keep = Callable[..., None]


@pytest.fixture
def keep(city: City, monkeypatch: pytest.MonkeyPatch) -> Keep:
    """Change the settings of the grace and of the reserve."""

    def change(**settings: int) -> None:
        changed = replace(city.app.extensions["settings"], **settings)
        monkeypatch.setitem(city.app.extensions, "settings", changed)

    return change


def told(city: City, count: int, tier: int = TIER) -> Told:
    people = [city.resident() for _ in range(count)]
    return [(person, city.claim(person, tier=tier)) for person in people]


def refused(city: City, tier: int = TIER) -> str:
    """Press as somebody new; return the refusal's code, or "taken"."""
    return code(city, city.resident().id, tier, new_request())


def honour(claim: tuple[Person, ClaimedVoucher]) -> int:
    return receipts.honour(claim[1].receipt, resident_id=claim[0].id).voucher_id


def reserved(tier: int = TIER) -> int:
    now_ms = campaigns.clock.now_ms()
    return reserve.reserved(redis_handle.client, campaigns.terms(MAY), now_ms=now_ms)[tier]


def set_left(units: int, tier: int = TIER) -> None:
    redis_handle.client.hset(keys.quota(MAY), f"left:{tier}", units)


def lost_in_the_middle(city: City) -> tuple[Told, Told]:
    """Lose claims around one that was drained; return (lost, kept): serials 1 to 4 of 6."""
    claims = told(city, 5)
    stream = redis_handle.client.xrange(keys.claims(MAY))
    for entry_id, _ in stream[:4]:
        redis_handle.client.xdel(keys.claims(MAY), entry_id)
    drain()  # the fifth alone
    claims += told(city, 1)
    rebuild()
    return claims[:4] + claims[5:], claims[4:5]


def test_receipts_come_first_and_new_claims_wait_until_the_grace_is_over(
    city: City, moment: MovableClock, keep: Keep
) -> None:
    keep(receipt_grace_s=60)
    lost = told(city, 2)
    rebuild()
    moment.move(seconds=18.5)
    person = city.resident()
    answer = city.post(CLAIMS, person, tier_position=TIER, request_id=new_request())
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "42")
    error = answer.json["error"]
    assert error["code"] == "quota_restoring"
    resume_at = campaigns.clock.now() + timedelta(seconds=41.5)
    assert error["details"]["claims_resume_at"] == resume_at.isoformat()
    assert [honour(claim) for claim in lost] == [claim.voucher_id for _, claim in lost]
    assert refused(city) == "quota_restoring"
    moment.move(seconds=41.5)
    assert refused(city) == "taken"


def test_who_holds_a_voucher_is_told_of_it_during_the_grace(city: City, keep: Keep) -> None:
    keep(receipt_grace_s=60)
    person, request_id = city.resident(), new_request()
    asked = (city, person.id, TIER, request_id)
    assert code(*asked) == "taken"
    drain()
    rebuild()
    assert code(*asked) == "replayed"
    assert code(city, person.id, TIER, new_request()) == "claim_limit_reached"


def test_nobody_is_told_sold_out_during_the_grace(city: City, keep: Keep) -> None:
    """Whoever presses may be one whose claim was lost: his phone must send the receipt."""
    keep(receipt_grace_s=60)
    rebuild()
    set_left(0)
    assert refused(city) == "quota_restoring"


def test_before_the_opening_nothing_waits_and_a_pause_is_told_as_a_pause(
    city: City, moment: MovableClock, keep: Keep
) -> None:
    keep(receipt_grace_s=60)
    moment.set(campaigns.terms(MAY).opens_at - timedelta(seconds=10))
    rebuild()
    assert refused(city) == "campaign_not_open"
    moment.move(seconds=10)
    assert refused(city) == "taken"
    rebuild()
    campaigns.pause(MAY, actor="test", reason="试")
    assert refused(city) == "campaign_paused"


def test_what_sql_shows_to_be_lost_stays_reserved_and_newcomers_take_the_rest(city: City) -> None:
    lost, _ = lost_in_the_middle(city)
    assert reserved() == 4  # serials 1 to 4; nobody knows of the sixth
    assert campaigns.left(MAY)[TIER] == 395
    set_left(5)
    assert campaigns.left(MAY)[TIER] == 1
    assert refused(city) == "taken"
    assert refused(city) == "quota_exhausted"
    assert [honour(claim) for claim in lost[:4]] == [claim.voucher_id for _, claim in lost[:4]]
    assert (reserved(), campaigns.left(MAY)[TIER]) == (0, 0)
    with pytest.raises(refusals.ReceiptNotHonoured):
        honour(lost[4])
    assert len(rows(Voucher)) == 5  # and the newcomer's, in the stream


def test_a_receipt_shows_what_else_was_lost_and_reserves_it(city: City) -> None:
    claims = told(city, 5)
    rebuild()
    assert reserved() == 0
    honour(claims[3])
    assert reserved() == 3
    honour(claims[3])  # again: nothing changes
    assert reserved() == 3
    honour(claims[1])
    assert reserved() == 2
    honour(claims[4])
    assert (reserved(), campaigns.left(MAY)[TIER]) == (2, 395)
    live.forget()
    [*_, figures] = live.of_campaign(MAY).tiers
    assert (figures.claimed, figures.left, figures.reserved) == (3, 397, 2)
    drain()
    assert agree()


def test_more_shown_to_be_lost_than_is_left_waits_for_units_that_come_back(city: City) -> None:
    claims = told(city, 4)
    rebuild()
    set_left(1)
    honour(claims[3])
    assert (reserved(), campaigns.left(MAY)[TIER]) == (0, 0)  # none of what is left
    redis_handle.client.hincrby(keys.quota(MAY), f"left:{TIER}", 2)  # recycled
    assert (reserved(), refused(city)) == (2, "quota_exhausted")
    honour(claims[0])
    assert reserved() == 1


def test_who_claimed_anew_has_nothing_reserved_for_his_lost_voucher(city: City) -> None:
    claims = told(city, 3)
    rebuild()
    city.claim(claims[2][0], tier=TIER)
    with pytest.raises(refusals.ClaimLimitReached):
        honour(claims[2])
    assert reserved() == 2  # the two below his


def test_the_reserve_ends_at_its_time_without_a_job(city: City, moment: MovableClock) -> None:
    lost, _ = lost_in_the_middle(city)
    set_left(4)
    moment.move(hours=24, seconds=-1)
    assert refused(city) == "quota_exhausted"
    moment.move(seconds=1)
    assert (reserved(), campaigns.left(MAY)[TIER]) == (0, 4)
    assert refused(city) == "taken"
    assert honour(lost[0]) == lost[0][1].voucher_id  # from what is left, and it reserves no more
    assert (reserved(), campaigns.left(MAY)[TIER]) == (0, 2)


def test_without_hours_nothing_is_reserved(city: City, keep: Keep) -> None:
    keep(receipt_reserve_hours=0)
    lost, _ = lost_in_the_middle(city)
    honour(lost[2])
    assert reserved() == 0


def test_staff_release_the_reserve_and_end_the_wait_and_it_is_audited(
    city: City, keep: Keep
) -> None:
    keep(receipt_grace_s=60)
    lost, _ = lost_in_the_middle(city)
    set_left(4)
    done = flask(city.app, "quota", "release-reserve", MAY)
    assert (done.exit_code, "4 张" in done.output) == (0, True)
    assert "0 张" in flask(city.app, "quota", "release-reserve", MAY).output
    assert [refused(city) for _ in range(3)] == ["taken"] * 3
    assert honour(lost[0]) == lost[0][1].voucher_id
    acts = [entry for entry in rows(AuditEntry) if entry.action == "quota.release_reserve"]
    assert [(entry.subject, entry.details["epoch"]) for entry in acts] == [(MAY, 2)] * 2
    rebuild()  # a second loss does not reserve again what was released
    assert reserved() == 0


def test_a_release_wants_a_campaign_and_its_quota(city: City) -> None:
    with pytest.raises(NotFound):
        quota_reserves.release("Q9-NONE", actor="test")
    redis_handle.client.flushall()
    with pytest.raises(refusals.QuotaUnavailable):
        quota_reserves.release(MAY, actor="test")


def test_a_second_loss_during_the_grace_keeps_what_both_have_lost(
    city: City, moment: MovableClock, keep: Keep
) -> None:
    lost, _ = lost_in_the_middle(city)
    honour(lost[0])  # a restored one is in SQL at once
    more = told(city, 3)
    stream = redis_handle.client.xrange(keys.claims(MAY))
    for entry_id, _ in stream[:-1]:
        redis_handle.client.xdel(keys.claims(MAY), entry_id)
    drain()  # the last alone
    keep(receipt_grace_s=60)
    moment.move(seconds=30)
    rebuild()
    assert refused(city) == "quota_restoring"
    assert reserved() == 3 + 2
    set_left(5)
    for claim in lost[:4] + more[:2]:
        assert honour(claim) == claim[1].voucher_id
    assert (reserved(), campaigns.left(MAY)[TIER]) == (0, 0)


def test_what_was_lost_longer_ago_than_the_reserve_lasts_is_not_reserved_again(
    city: City, moment: MovableClock
) -> None:
    lost_in_the_middle(city)
    moment.move(hours=24, seconds=1)
    rebuild()
    assert reserved() == 0


@pytest.mark.parametrize("carry_over", [True, False])
def test_a_days_release_keeps_back_what_was_lost_of_it(
    city: City, moment: MovableClock, carry_over: bool
) -> None:
    with_terms(daily_release=10, release_minute=600, carry_over=carry_over)
    lost, _ = lost_in_the_middle(city)
    assert campaigns.left(MAY)[TIER] == 10 - 1 - 4
    assert [refused(city) for _ in range(6)] == ["taken"] * 5 + ["daily_quota_exhausted"]
    for claim in lost[:4]:
        honour(claim)
    assert campaigns.left(MAY)[TIER] == 0
    assert refused(city) == "daily_quota_exhausted"
    moment.move(days=1)
    assert campaigns.left(MAY)[TIER] == 10


def test_the_next_days_release_is_whole_whatever_is_reserved_of_the_day_before(
    city: City, moment: MovableClock
) -> None:
    with_terms(daily_release=10, release_minute=600, carry_over=False)
    lost_in_the_middle(city)
    moment.move(hours=23)
    assert (reserved(), campaigns.left(MAY)[TIER]) == (4, 5)
    moment.move(minutes=59)
    assert (reserved(), campaigns.left(MAY)[TIER]) == (4, 10)
    assert [refused(city) for _ in range(11)] == ["taken"] * 10 + ["daily_quota_exhausted"]


def test_the_figures_agree_while_units_are_reserved(city: City) -> None:
    lost_in_the_middle(city)
    assert agree()
    assert "预留 4" in flask(city.app, "quota", "check").output
    with pytest.raises(HuiquanError):
        receipts.honour("forged", resident_id=1)


def test_the_fields_of_a_loaded_quota_say_nothing_of_receipts_before_a_loss(city: City) -> None:
    fields = redis_handle.client.hgetall(keys.quota(MAY))
    assert not [name for name in fields if "reserve" in name or "wait" in name or "known" in name]
    assert quota.left(redis_handle.client, campaigns.terms(MAY))[TIER] == 400
