"""Reading orders: one's own, the newest first; another's is absent."""

import pytest

from backend.domain.errors import NotFound
from backend.services import order_readings
from tests.factories import RESTAURANT, SUPERMARKET, City
from tests.integration.services.test_orders import at_placard, holder_of_all_tiers


def test_foreign_orders_answer_as_absent_ones(city: City) -> None:
    order = at_placard(city, holder_of_all_tiers(city), 320)
    with pytest.raises(NotFound):
        order_readings.get_of_resident(order.id, city.resident().id)
    with pytest.raises(NotFound):
        order_readings.get_of_merchant(order.id, RESTAURANT)


def test_a_resident_reads_his_own_orders_and_a_merchant_what_it_is_to_collect(city: City) -> None:
    person = holder_of_all_tiers(city)
    made = [at_placard(city, person, yuan).id for yuan in (320, 120)]
    assert {order.id for order in order_readings.list_of_resident(person.id)} == set(made)
    assert [order.id for order in order_readings.list_of_resident(person.id, limit=1)] != []
    assert order_readings.list_of_resident(city.resident().id) == []
    found = order_readings.list_open_of_merchant(SUPERMARKET)
    assert {order.id for order in found} == set(made)
    assert order_readings.list_open_of_merchant(RESTAURANT) == []
