"""What a claim asks and what the answer means, without a server."""

from datetime import datetime, timedelta

import pytest

from backend import clock
from backend.clock import CHINA
from backend.domain import receipts, refusals
from backend.domain.campaigns import CampaignTerms, TierTerms
from backend.domain.claim_rules import ClaimWindow, DailyRelease
from backend.domain.errors import NotFound
from backend.services.claim_decisions import REFUSALS, PreparedClaim, decide, prepare, request_tag
from backend.storage.redis.held import HeldClaim
from backend.storage.redis.quota import Outcome, Take

KEY = bytes(32)
EVENINGS = (ClaimWindow(weekdays=(1, 2, 3, 4, 5, 6, 7), from_minute=1080, until_minute=1440),)
EVERY_DAY = DailyRelease(
    units=1, first_at=datetime(2023, 4, 28, 20, 0, tzinfo=CHINA), carry_over=True
)
NOW = datetime(2023, 4, 28, 10, 0, 0, 123_456, tzinfo=CHINA)


def terms(**changes: object) -> CampaignTerms:
    values: dict[str, object] = {
        "id": "Q2-MAY", "name": "五一乐购券", "mode": "claim", "state": "running", "epoch": 3,
        "opens_at": NOW, "ends_at": NOW + timedelta(days=1), "validity_days": 7,
        "claim_day_counts": True, "per_person_per_tier": 1, "one_tier_per_day": False,
        "tiers": (TierTerms(id=9, position=1, threshold_fen=5000, face_value_fen=1000, count=1),),
    }  # fmt: skip
    return CampaignTerms(**{**values, **changes})  # type: ignore[arg-type]  # a test's own values


def prepared(campaign: CampaignTerms, tier: int = 1) -> PreparedClaim:
    now_ms = clock.to_ms(NOW)
    return prepare(
        campaign, tier_position=tier, resident_id=71, request_id="request-1", now_ms=now_ms
    )


def test_the_script_is_asked_in_whole_milliseconds_and_for_the_residents_own_place() -> None:
    call = prepared(terms()).call
    opened_ms = 1682647200123
    ends_ms = 1683216000000  # 24:00 of 4 May
    assert call.args == [
        3, opened_ms, 71, 1, 9, request_tag("request-1"), 7, 1, "0", -36_000_123,
        opened_ms, ends_ms, 0, 0, "", 0, "", 0, 0,
    ]  # fmt: skip
    assert (call.keys[0], call.keys[-1]) == ("hq:{Q2-MAY}:quota", "hq:{Q2-MAY}:held:1")


@pytest.mark.parametrize(
    ("changes", "tier", "refused"),
    [
        ({}, 2, NotFound),
        ({"state": "draft"}, 1, NotFound),
        ({"state": "approved"}, 1, refusals.CampaignNotOpen),
        ({"mode": "instant"}, 1, refusals.ClaimNotOffered),
        ({"validity_days": None}, 1, refusals.ClaimNotOffered),
    ],
)
def test_what_the_terms_refuse_never_reaches_the_script(
    changes: dict[str, object], tier: int, refused: type[Exception]
) -> None:
    with pytest.raises(refused):
        prepared(terms(**changes), tier)


@pytest.mark.parametrize("outcome", [Outcome.TAKEN, Outcome.REPLAYED])
def test_a_taken_unit_and_a_replay_are_the_same_voucher(outcome: Outcome) -> None:
    held = HeldClaim(tier_position=1, serial=5, claimed_at=NOW)
    voucher = decide(prepared(terms()), Take(outcome=outcome, claim=held), token_key=KEY)
    assert voucher.voucher_id == 9_000_000_005
    assert voucher.valid_until == datetime(2023, 5, 5, tzinfo=CHINA)
    assert voucher.replayed == (outcome is Outcome.REPLAYED)
    assert receipts.read(voucher.receipt, token_key=KEY).serial == 5


def test_every_answer_of_the_claim_script_has_its_meaning() -> None:
    of_receipts = {Outcome.UNKNOWN_HERE}
    assert set(Outcome) - of_receipts == {*REFUSALS, Outcome.TAKEN, Outcome.REPLAYED}


@pytest.mark.parametrize("outcome", sorted(REFUSALS))
def test_every_other_outcome_is_a_refusal_that_names_a_held_voucher(outcome: Outcome) -> None:
    held = HeldClaim(tier_position=1, serial=5, claimed_at=NOW)
    campaign = terms(daily_release=EVERY_DAY, claim_windows=EVENINGS)
    more: dict[Outcome, dict[str, object]] = {
        Outcome.WINDOW_CLOSED: {"next_window_at": "2023-04-28T18:00:00+08:00"},
        Outcome.RELEASED_EXHAUSTED: {"next_release_at": "2023-04-28T20:00:00+08:00"},
    }
    with pytest.raises(REFUSALS[outcome]) as told:
        decide(prepared(campaign), Take(outcome=outcome, claim=held), token_key=KEY)
    assert told.value.details == {
        "opens_at": NOW.isoformat(),
        "held_voucher_id": 9_000_000_005,
        **more.get(outcome, {}),
    }
    with pytest.raises(REFUSALS[outcome]) as told:
        decide(prepared(campaign), Take(outcome=outcome, claim=None), token_key=KEY)
    assert "held_voucher_id" not in told.value.details


@pytest.mark.parametrize(
    ("outcome", "refused"),
    [
        (Outcome.WINDOW_CLOSED, refusals.CampaignClosed),
        (Outcome.RELEASED_EXHAUSTED, refusals.QuotaExhausted),
    ],
)
def test_where_no_window_or_release_follows_nobody_is_told_to_come_back(
    outcome: Outcome, refused: type[Exception]
) -> None:
    with pytest.raises(refused) as told:
        decide(prepared(terms()), Take(outcome=outcome, claim=None), token_key=KEY)
    assert getattr(told.value, "retry_after_s", None) is None
