"""What belongs to somebody else answers exactly as what does not exist."""

from dataclasses import dataclass
from typing import Any

import pytest
from werkzeug.test import TestResponse

from backend.storage.models.orders import Order
from tests.factories import RESTAURANT, SUPERMARKET, City, Person, new_request, rows
from tests.integration.edge.callers import (
    Operation,
    ask,
    desk_of,
    error_of,
    operations,
    redeemed_id,
    stored,
)
from tests.settling import settled_today

ABSENT: dict[str, Any] = {
    "order_id": "0" * 32,
    "voucher_id": 9_007_199_254_740_991,
    "sheet_id": "TJ0003-20200101-1",
    "redemption_id": "0" * 32,
    "desk_id": 999_999,
}
BODIES: dict[str, dict[str, Any]] = {
    "refunds": {"refund_number": "refund-01", "refund_amount_fen": 100, "reason": "退货"},
    "reversal": {"reason": "输错"},
}


@dataclass(frozen=True)
class Neighbours:
    """For each guard an owner and a stranger of the same kind; what the owner has."""

    owners: dict[str, Person]
    strangers: dict[str, Person]
    owned: dict[str, Any]


@pytest.fixture
def neighbours(city: City) -> Neighbours:
    resident, stranger = city.resident(), city.resident()
    voucher = city.claim(resident)
    city.claim(stranger)
    order = city.post(
        "/api/v1/resident/orders",
        resident,
        placard=city.placard[SUPERMARKET],
        order_amount_fen=20_000,
        request_id=new_request(),
    )
    clerk = city.clerk(SUPERMARKET)
    return Neighbours(
        owners={"resident": resident, "clerk": clerk},
        strangers={"resident": stranger, "clerk": city.clerk(RESTAURANT)},
        owned={
            "order_id": order.get_json()["order_id"],
            "voucher_id": voucher.voucher_id,
            "sheet_id": settled_today(city).id,
            "redemption_id": redeemed_id(),
            "desk_id": desk_of(clerk),
        },
    )


def with_owned_id(city: City) -> list[Operation]:
    found = [o for o in operations(city.app) if any(f"{{{name}}}" in o.path for name in ABSENT)]
    assert len(found) >= 6
    return found


def send(city: City, operation: Operation, person: Person, ids: dict[str, Any]) -> TestResponse:
    path = operation.path.format_map(ids)
    body = BODIES.get(path.rpartition("/")[2]) if operation.method == "POST" else None
    return ask(city, operation.method, path, headers=person.headers, json=body)


def without_request_id(response: TestResponse) -> tuple[int, dict[str, Any], list[str]]:
    error = error_of(response)
    headers = [name for name, _ in response.headers if name != "X-Request-Id"]
    return response.status_code, error | {"request_id": ""}, headers


def test_another_ones_id_answers_as_an_absent_one_on_every_route_and_changes_nothing(
    city: City, neighbours: Neighbours
) -> None:
    before = stored()
    for operation in with_owned_id(city):
        stranger = neighbours.strangers[operation.guard]
        foreign = without_request_id(send(city, operation, stranger, neighbours.owned))
        absent = without_request_id(send(city, operation, stranger, ABSENT))
        assert foreign == absent, str(operation)
        assert foreign[0] == 404
    assert stored() == before
    assert sorted(order.status for order in rows(Order)) == ["locked", "redeemed"]


def test_the_owner_of_the_same_id_is_answered(city: City, neighbours: Neighbours) -> None:
    """Confirm and cancel end the order, so the second of them is told so; never "not found"."""
    for operation in sorted(with_owned_id(city), key=lambda o: o.method):
        response = send(city, operation, neighbours.owners[operation.guard], neighbours.owned)
        assert response.status_code in (200, 201, 204, 409), (str(operation), response.text)
        if operation.method == "GET":
            assert response.status_code == 200


def test_another_shops_clerk_filters_a_redemption_list_as_an_absent_one(
    city: City, neighbours: Neighbours
) -> None:
    order_id = neighbours.owned["order_id"]
    owner, stranger = neighbours.owners["clerk"], neighbours.strangers["clerk"]
    path = "/api/v1/merchant/redemptions"
    confirmed = ask(
        city, "POST", f"/api/v1/merchant/orders/{order_id}/confirm", headers=owner.headers
    )
    assert confirmed.status_code == 200

    def listed(person: Person, clerk_id: int) -> Any:
        query = {"clerk_id": clerk_id}
        return ask(city, "GET", path, headers=person.headers, query_string=query).get_json()

    assert listed(owner, owner.id)["totals"]["count"] == 1
    assert listed(stranger, owner.id) == listed(stranger, 2_147_483_647)


def test_another_residents_request_number_replays_nothing(
    city: City, neighbours: Neighbours
) -> None:
    owner, stranger = neighbours.owners["resident"], neighbours.strangers["resident"]
    body = {
        "placard": city.placard[SUPERMARKET],
        "order_amount_fen": 20_000,
        "request_id": new_request(),
    }
    city.claim(owner, tier=2)
    made = [
        ask(city, "POST", "/api/v1/resident/orders", headers=person.headers, json=body)
        for person in (owner, stranger, owner)
    ]
    assert [response.status_code for response in made] == [201, 201, 201]
    ids = [response.get_json()["order_id"] for response in made]
    assert ids[0] == ids[2] != ids[1]
