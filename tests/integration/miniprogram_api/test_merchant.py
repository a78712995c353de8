"""What a clerk's phone or till asks, over HTTP."""

import io

import pypdfium2
import pytest
import resvg_py
import zxingcpp
from PIL import Image

from merchant_qr import payment_code
from tests.factories import RESTAURANT, SUPERMARKET, City, Person, new_request

MERCHANT = "/api/v1/merchant"


def buyer(city: City) -> Person:
    person = city.resident()
    for tier in (1, 2, 3):
        city.claim(person, tier=tier)
    return person


def show_code(city: City, person: Person) -> str:
    answer = city.client.post("/api/v1/resident/payment-codes", headers=person.headers)
    assert answer.status_code == 201
    shown: str = answer.json["code"]
    return shown


def test_a_clerk_scans_sees_what_to_collect_and_confirms(city: City) -> None:
    person, clerk = buyer(city), city.clerk()
    code = show_code(city, person)
    quote = city.post(f"{MERCHANT}/quotes", clerk, payment_code=code, order_amount_fen=12_800)
    assert quote.json["payable_fen"] == 9_800
    order = city.post(
        f"{MERCHANT}/orders",
        clerk,
        payment_code=f"{code}\r\n",
        order_amount_fen=12_800,
        request_id=new_request(),
    )
    assert order.status_code == 201
    assert (order.json["discount_fen"], order.json["payable_fen"]) == (3_000, 9_800)
    path = f"{MERCHANT}/orders/{order.json['order_id']}"
    for _ in range(2):
        done = city.client.post(f"{path}/confirm", headers=clerk.headers)
        assert (done.status_code, done.json["status"]) == (200, "redeemed")
    listed = city.get(f"{MERCHANT}/redemptions", clerk).json
    assert listed["totals"] == {
        "count": 1,
        "order_amount_fen": 12_800,
        "discount_fen": 3_000,
        "payable_fen": 9_800,
    }
    assert listed["redemptions"][0]["clerk_name"] == "王店员"
    assert listed["day"] == "2023-04-28"


@pytest.mark.parametrize(
    ("scanned", "expected"),
    [
        ("130061098828009406", (422, "wallet_code")),
        ("88012345678901234567", (400, "payment_code_misread")),
        (payment_code.make(prefix="88", random_digits="0" * 17), (422, "payment_code_invalid")),
        ("http://example.com", (400, "invalid_request")),
    ],
)
def test_a_code_that_is_none_is_refused_by_its_kind(
    city: City, scanned: str, expected: tuple[int, str]
) -> None:
    answer = city.post(
        f"{MERCHANT}/orders",
        city.clerk(),
        payment_code=scanned,
        order_amount_fen=10_000,
        request_id=new_request(),
    )
    assert (answer.status_code, answer.json["error"]["code"]) == expected


def test_a_shop_sees_only_its_own_orders_and_redemptions(city: City) -> None:
    person, clerk, other = buyer(city), city.clerk(), city.clerk(RESTAURANT)
    order = city.post(
        f"{MERCHANT}/orders",
        clerk,
        payment_code=show_code(city, person),
        order_amount_fen=32_000,
        request_id=new_request(),
    ).json
    path = f"{MERCHANT}/orders/{order['order_id']}"
    assert city.get(path, clerk).status_code == 200
    for answer in (
        city.get(path, other),
        city.client.post(f"{path}/confirm", headers=other.headers),
        city.client.post(f"{path}/cancel", headers=other.headers),
    ):
        assert (answer.status_code, answer.json["error"]["code"]) == (404, "not_found")
    assert city.get(f"{MERCHANT}/orders", other).json == {"orders": []}
    cancelled = city.client.post(f"{path}/cancel", headers=clerk.headers)
    assert cancelled.json["status"] == "released"
    assert city.get(f"{MERCHANT}/redemptions", other).json["totals"]["count"] == 0


def test_a_shop_gets_its_placard_as_link_picture_and_print(city: City) -> None:
    clerk = city.clerk()
    assert city.get(f"{MERCHANT}/me", clerk).json["merchant_name"] == "家乐购"
    url = city.get(f"{MERCHANT}/placard", clerk).json["url"]
    assert url == city.placard[SUPERMARKET]
    png = city.get(f"{MERCHANT}/placard.png", clerk)
    (found,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(png.data)).convert("L"))
    assert (png.mimetype, found.text) == ("image/png", url)
    svg = city.get(f"{MERCHANT}/placard.svg", clerk)
    assert svg.mimetype == "image/svg+xml"
    pdf = city.get(f"{MERCHANT}/placard.pdf", clerk)
    assert pdf.mimetype == "application/pdf"
    assert len(pypdfium2.PdfDocument(pdf.data)) == 1


def test_a_shop_shows_the_amount_and_the_resident_scans_and_pays_it(city: City) -> None:
    clerk, person = city.clerk(), buyer(city)
    asked = {"order_amount_fen": 12_800, "request_id": new_request()}
    code = city.post(f"{MERCHANT}/amount-codes", clerk, **asked)
    assert (code.status_code, code.json["order_id"]) == (201, None)
    assert city.post(f"{MERCHANT}/amount-codes", clerk, **asked).json == code.json
    url, path = code.json["url"], f"{MERCHANT}/amount-codes/{code.json['number']}"

    svg = city.get(f"{path}.svg", clerk)
    drawn = bytes(resvg_py.svg_to_bytes(svg_string=svg.text, width=600, background="white"))
    (found,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(drawn)).convert("L"))
    assert (svg.mimetype, found.text) == ("image/svg+xml", url)

    scanned = city.get("/api/v1/resident/scanned-merchant", person, placard=url).json
    assert (scanned["name"], scanned["order_amount_fen"]) == ("家乐购", 12_800)
    quote = city.post("/api/v1/resident/quotes", person, placard=url).json
    assert (quote["order_amount_fen"], quote["payable_fen"]) == (12_800, 9_800)
    order = city.post("/api/v1/resident/orders", person, placard=url, request_id=new_request())
    assert (order.status_code, order.json["entry"]) == (201, "amount_code")
    assert city.get(path, clerk).json["order_id"] == order.json["order_id"]
    again = city.post("/api/v1/resident/orders", person, placard=url, request_id=new_request())
    assert (again.status_code, again.json["error"]["code"]) == (409, "amount_code_used")
    listed = city.get(f"{MERCHANT}/orders", clerk).json["orders"]
    assert [one["order_id"] for one in listed] == [order.json["order_id"]]


@pytest.mark.parametrize("wrong", [0, -1, 100_000_001, 1.5, "128", None])
def test_an_amount_that_is_none_makes_no_code(city: City, wrong: object) -> None:
    asked = {"order_amount_fen": wrong, "request_id": new_request()}
    answer = city.post(f"{MERCHANT}/amount-codes", city.clerk(), **asked)
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "invalid_request")


def test_a_list_page_beyond_the_last_is_empty_and_keeps_the_totals(city: City) -> None:
    clerk = city.clerk()
    listed = city.get(f"{MERCHANT}/redemptions", clerk, page=99, day="2023-04-28").json
    assert (listed["redemptions"], listed["totals"]["count"]) == ([], 0)
    for wrong in ({"page": 0}, {"page_size": 101}, {"day": "28.04.2023"}, {"clerk_id": "x"}):
        assert city.get(f"{MERCHANT}/redemptions", clerk, **wrong).status_code == 400
