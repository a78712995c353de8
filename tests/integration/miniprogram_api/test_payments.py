"""Paying by a provider as phones and tills see it."""

from collections.abc import Iterator

import pytest

from backend.services import payment_states
from tests.factories import SUPERMARKET, City, new_request
from tests.integration.services.paying import PAYABLE_FEN, buyer, provided
from tests.providers import PaymentState, ScriptedProvider, paid

CLIENT = {"timeStamp": "1682647260", "package": "prepay_id=wx1"}
ORDERS = "/api/v1/resident/orders"
CHARGES = "/api/v1/merchant/orders"


@pytest.fixture
def provider(city: City) -> Iterator[ScriptedProvider]:
    with provided(city) as made:
        yield made


def test_a_phone_orders_pays_and_sees_the_redemption(
    city: City, provider: ScriptedProvider
) -> None:
    provider.tell("charge", PaymentState(status="pending", client=CLIENT))
    person, clerk = buyer(city), city.clerk()
    body = {
        "placard": city.placard[SUPERMARKET],
        "order_amount_fen": 32_000,
        "request_id": new_request(),
    }
    made = city.post(ORDERS, person, **body).get_json()
    assert made["payment"] == {
        "provider": "wechat_pay",
        "status": "pending",
        "client": CLIENT,
        "code_url": None,
    }
    assert city.post(ORDERS, person, **body).get_json() == made
    path = f"{CHARGES}/{made['order_id']}"
    assert city.get(path, clerk).get_json()["payment"]["client"] is None
    refused = city.post(f"{path}/confirm", clerk)
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (
        409,
        "payment_by_provider",
    )
    payment_states.record(made["order_id"], "wechat_pay", paid(PAYABLE_FEN))
    done = city.get(f"{ORDERS}/{made['order_id']}", person).get_json()
    assert (done["status"], done["payment"]["status"]) == ("redeemed", "paid")
    assert done["payment"]["client"] is None
    listed = city.get("/api/v1/merchant/redemptions", clerk).get_json()["redemptions"]
    assert [(one["redemption_id"], one["clerk_id"]) for one in listed] == [(made["order_id"], None)]


def test_a_till_scans_both_codes_or_asks_for_one_but_not_both_ways(
    city: City, provider: ScriptedProvider
) -> None:
    person, clerk = buyer(city), city.clerk()
    provider.tell("charge", paid(PAYABLE_FEN))

    def body(**more: object) -> dict[str, object]:
        code = city.post("/api/v1/resident/payment-codes", person).get_json()["code"]
        amount = {"order_amount_fen": 32_000, "request_id": new_request()}
        return {"payment_code": code, **amount, **more}

    both = city.post(CHARGES, clerk, **body(payer_code="134567890123456789", code_wanted=True))
    assert (both.status_code, both.get_json()["error"]["code"]) == (400, "invalid_request")
    alipay = city.post(CHARGES, clerk, **body(payer_code="280000000000000000"))
    assert (alipay.status_code, alipay.get_json()["error"]["code"]) == (
        422,
        "payment_way_not_offered",
    )
    misread = city.post(CHARGES, clerk, **body(payer_code="123"))
    assert (misread.status_code, misread.get_json()["error"]["code"]) == (
        400,
        "payer_code_misread",
    )
    done = city.post(CHARGES, clerk, **body(payer_code="13 4567 8901 2345 6789\r"))
    assert (done.status_code, done.get_json()["status"]) == (201, "redeemed")
