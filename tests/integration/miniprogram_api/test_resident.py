"""What a resident's phone asks, over HTTP."""

from datetime import datetime

from tests.factories import MAY, SUPERMARKET, City, MovableClock, approve, new_request

RESIDENT = "/api/v1/resident"
CLAIMS = f"{RESIDENT}/campaigns/{MAY}/claims"


def code(answer: object) -> tuple[int, str]:
    return answer.status_code, answer.json["error"]["code"]  # type: ignore[attr-defined]


def test_a_claim_answers_the_voucher_with_its_terms_and_its_validity(city: City) -> None:
    person = city.resident()
    answer = city.post(CLAIMS, person, tier_position=2, request_id="request-0001")
    assert answer.status_code == 201
    assert answer.json == {
        "voucher_id": answer.json["voucher_id"],
        "campaign_id": MAY,
        "campaign_name": "五一乐购券",
        "tier_position": 2,
        "threshold_fen": 10_000,
        "face_value_fen": 3_000,
        "claimed_at": "2023-04-28T10:01:00+08:00",
        "valid_from": "2023-04-28T10:01:00+08:00",
        "valid_until": "2023-05-05T00:00:00+08:00",
        "replayed": False,
        "receipt": answer.json["receipt"],
    }
    assert answer.json["receipt"].startswith(f"{MAY}.2.1.{person.id}.1682647260000.1.")
    again = city.post(CLAIMS, person, tier_position=2, request_id="request-0001")
    assert again.status_code == 201
    assert again.json == {**answer.json, "replayed": True}


def test_each_refusal_of_a_claim_has_its_own_code_and_sentence(
    city: City, moment: MovableClock
) -> None:
    person = city.resident()
    body = {"tier_position": 1}
    found = {}
    moment.move(minutes=-2)
    found["early"] = city.post(CLAIMS, person, **body, request_id=new_request())
    moment.move(minutes=2)
    city.post(CLAIMS, person, **body, request_id=new_request())
    found["again"] = city.post(CLAIMS, person, **body, request_id=new_request())
    found["no phone"] = city.post(
        CLAIMS, city.resident(bound=False), **body, request_id=new_request()
    )
    found["no tier"] = city.post(CLAIMS, person, tier_position=9, request_id=new_request())
    found["draft"] = city.post(
        CLAIMS.replace(MAY, "Q3-NIGHT"), person, **body, request_id=new_request()
    )
    approve("Q2-FUEL", actor="test")
    found["instant"] = city.post(
        CLAIMS.replace(MAY, "Q2-FUEL"), person, **body, request_id=new_request()
    )
    assert {name: code(answer) for name, answer in found.items()} == {
        "early": (422, "campaign_not_open"),
        "again": (422, "claim_limit_reached"),
        "no phone": (403, "phone_required"),
        "no tier": (404, "not_found"),
        "draft": (404, "not_found"),
        "instant": (422, "claim_not_offered"),
    }
    sentences = {answer.json["error"]["message"] for answer in found.values()}
    assert all(len(sentence) >= 8 for sentence in sentences)
    early = found["early"].json["error"]["details"]
    assert early["opens_at"] == "2023-04-28T10:00:00+08:00"


def test_every_answer_tells_the_servers_time(city: City) -> None:
    for path in ("/healthz", f"{RESIDENT}/vouchers", "/no-such-page"):
        answer = city.get(path, city.resident())
        assert answer.headers["X-Server-Time-Ms"] == str(
            int(datetime.fromisoformat("2023-04-28T10:01:00+08:00").timestamp() * 1000)
        )


def test_a_resident_pays_at_a_placard_and_follows_the_order_to_its_end(city: City) -> None:
    person, clerk = city.resident(), city.clerk()
    for tier in (1, 2, 3):
        city.claim(person, tier=tier)
    placard = city.placard[SUPERMARKET]
    merchant = city.get(f"{RESIDENT}/scanned-merchant", person, placard=placard)
    assert (merchant.json["merchant_id"], merchant.json["name"]) == (SUPERMARKET, "家乐购")
    purchase = {"placard": placard, "order_amount_fen": 32_000}
    quote = city.post(f"{RESIDENT}/quotes", person, **purchase)
    assert (quote.json["discount_fen"], quote.json["payable_fen"]) == (9_000, 23_000)
    assert [reason["code"] for reason in quote.json["reasons"]] == ["smaller", "smaller"]
    request = new_request()
    order = city.post(f"{RESIDENT}/orders", person, **purchase, request_id=request)
    assert (order.status_code, order.json["status"]) == (201, "locked")
    again = city.post(f"{RESIDENT}/orders", person, **purchase, request_id=request)
    assert again.json == order.json
    path = f"{RESIDENT}/orders/{order.json['order_id']}"
    assert city.get(path, person).json == order.json
    (waiting,) = city.get("/api/v1/merchant/orders", clerk).json["orders"]
    assert waiting == order.json
    confirm = f"/api/v1/merchant/orders/{order.json['order_id']}/confirm"
    assert city.client.post(confirm, headers=clerk.headers).json["status"] == "redeemed"
    assert city.get(path, person).json["status"] == "redeemed"
    assert [o["status"] for o in city.get(f"{RESIDENT}/orders", person).json["orders"]] == [
        "redeemed"
    ]
    late = city.client.post(f"{path}/cancel", headers=person.headers)
    assert code(late) == (409, "order_redeemed")


def test_a_purchase_without_an_eligible_voucher_is_quoted_at_full_price_and_not_ordered(
    city: City,
) -> None:
    person = city.resident()
    purchase = {"placard": city.placard[SUPERMARKET], "order_amount_fen": 4_200}
    quote = city.post(f"{RESIDENT}/quotes", person, **purchase)
    assert (quote.json["voucher"], quote.json["payable_fen"]) == (None, 4_200)
    order = city.post(f"{RESIDENT}/orders", person, **purchase, request_id=new_request())
    assert code(order) == (422, "no_eligible_voucher")
    assert order.json["error"]["details"]["payable_fen"] == 4_200


def test_a_wallet_and_one_voucher_of_it(city: City) -> None:
    person = city.resident()
    claimed = city.claim(person, tier=3)
    wallet = city.get(f"{RESIDENT}/vouchers", person).json
    assert wallet["complete"] is True
    (voucher,) = wallet["vouchers"]
    assert voucher["status"] == "unused"
    assert city.get(f"{RESIDENT}/vouchers/{claimed.voucher_id}", person).json == voucher
    stranger = city.get(f"{RESIDENT}/vouchers/{claimed.voucher_id}", city.resident())
    assert code(stranger) == (404, "not_found")


def test_no_phone_number_is_ever_answered_in_full(city: City) -> None:
    person = city.resident("13812345678")
    city.claim(person)
    for path in (f"{RESIDENT}/me", f"{RESIDENT}/vouchers", f"{RESIDENT}/orders"):
        assert "13812345678" not in city.get(path, person).text
    assert city.get(f"{RESIDENT}/me", person).json["phone"] == "138****5678"
