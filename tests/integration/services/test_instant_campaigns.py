"""The instant campaigns that run, as an order sees them."""

from backend.services import campaigns, instant_campaigns
from tests.factories import City
from tests.integration.services.instant_city import ICE, buy, buyer, run_instant


def test_only_running_instant_campaigns_are_offered_and_a_pause_acts_at_once(city: City) -> None:
    assert instant_campaigns.running() == ()
    run_instant()
    assert [found.terms.id for found in instant_campaigns.running()] == [ICE]
    campaigns.pause(ICE, actor="test", reason="试")
    assert instant_campaigns.running() == ()


def test_a_number_says_whether_it_is_a_units(city: City) -> None:
    run_instant()
    person = buyer(city)
    voucher = city.claim(person)
    order = buy(city, person, 20_000)
    assert instant_campaigns.is_unit(order.voucher_id)
    assert not instant_campaigns.is_unit(voucher.voucher_id)


def test_a_limit_by_tier_binds_where_something_is_claimed_alone(city: City) -> None:
    run_instant(per_person_per_tier=1)
    assert instant_campaigns.running()[0].terms.per_person_per_tier > 1_000_000
    assert campaigns.SNAPSHOTS.read("Q2-MAY").per_person_per_tier == 1
