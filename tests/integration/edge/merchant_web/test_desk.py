"""The desk over HTTP: who may, what is refused, what is neither kept nor logged."""

import io
import re
from dataclasses import dataclass
from typing import Any

import pytest
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from werkzeug.test import TestResponse

from backend.edge.merchant_web.access import COOKIE
from backend.services import clerks, desk_sessions, merchant_steps, payment_codes, pledges
from backend.storage.models.merchants import Clerk, Merchant
from backend.storage.models.orders import Order
from backend.storage.models.refunds import Refund
from backend.storage.sql import transaction
from tests import joining
from tests.factories import RESTAURANT, SUPERMARKET, City, MovableClock, Person, new_request, rows
from tests.integration.edge.callers import apart, stored
from tests.selling import sold
from tests.settling import settled_today

CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')
FOREIGN = {
    "134567890123456789": "微信",
    "281234567890123456": "支付宝",
    "6212345678901234567": "云闪付",
    "wxp://f2f0abcdefghijklmnop": "微信收款码",
    "https://qr.alipay.com/fkx12345": "支付宝收款码",
    "https://qr.95516.com/00010000/62": "云闪付收款码",
}
XSS = '"><img src=x onerror=alert(1)>'


@dataclass
class Desk:
    """A desk's browser."""

    client: FlaskClient

    def get(self, path: str) -> TestResponse:
        return apart(self.client.get, f"/desk/{path}")

    def token(self) -> str:
        found = CSRF.search(self.get("").text)
        assert found
        return found[1]

    def post(self, path: str, **form: Any) -> TestResponse:
        data = {"csrf_token": self.token(), **form}
        return apart(self.client.post, f"/desk/{path}", data=data)

    def send(self, path: str, **body: Any) -> TestResponse:
        headers = {"X-CSRFToken": self.token()}
        return apart(self.client.post, f"/desk/{path}", json=body, headers=headers)


def desk_of(city: City, clerk: Person) -> Desk:
    number = desk_sessions.issue(clerk.id).number
    token = desk_sessions.sign_in(number, address="203.0.113.7", browser="Chrome")
    client = city.app.test_client()
    client.set_cookie(COOKIE, token, path="/desk")
    return Desk(client)


def owner_of(city: City, merchant_id: str = SUPERMARKET) -> Person:
    owner = city.clerk(merchant_id)
    clerks.make_owner(clerk_id=owner.id, actor="test")
    return owner


def test_nobody_is_sent_to_sign_in_and_a_script_is_told(city: City) -> None:
    nobody = Desk(city.app.test_client())
    for path in ("", "records", "sheets", "staff", "placard"):
        response = nobody.get(path)
        assert (response.status_code, response.location) == (303, "/desk/sign-in")
    for path in ("today?poll=1", f"sales/{'0' * 32}"):
        response = nobody.get(path)
        assert (response.status_code, response.json["error"]["code"]) == (401, "desk_session_over")


def test_a_number_signs_in_and_signing_out_ends_it(city: City) -> None:
    number = city.post("/api/v1/merchant/desk-codes", city.clerk()).json["number"]
    desk = Desk(city.app.test_client())
    form = CSRF.search(desk.get("sign-in").text)
    assert form
    data = {"csrf_token": form[1], "number": f"{number}\r\n"}
    response = apart(desk.client.post, "/desk/sign-in", data=data)
    cookie = next(c for c in response.headers.getlist("Set-Cookie") if c.startswith(COOKIE))
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert desk.get("").status_code == 200
    assert desk.post("sign-out").status_code == 303
    assert desk.get("").status_code == 303


def test_a_wrong_number_is_refused_with_what_to_do(city: City) -> None:
    desk = Desk(city.app.test_client())
    form = CSRF.search(desk.get("sign-in").text)
    assert form
    data = {"csrf_token": form[1], "number": "00000000"}
    response = apart(desk.client.post, "/desk/sign-in", data=data)
    assert response.status_code == 422
    assert "请在手机上重新获取" in response.text


def test_every_post_without_its_token_changes_nothing(city: City) -> None:
    owner = owner_of(city)
    order_id, other = sold(city, owner), city.clerk()
    desk = desk_of(city, owner)
    posts = [
        rule.rule.replace("<order_id:redemption_id>", order_id)
        .replace("<order_id:order_id>", order_id)
        .replace("<int:clerk_id>", str(other.id))
        .replace("<int:desk_id>", "1")
        for rule in city.app.url_map.iter_rules()
        if rule.rule.startswith("/desk/") and "POST" in (rule.methods or ())
    ]
    assert len(posts) >= 9
    before = stored()
    for path in posts:
        for wrong in ({}, {"csrf_token": "forged"}):
            response = apart(desk.client.post, path, data=wrong)
            assert response.status_code == 400, path
            assert "页面已过期" in response.get_data(as_text=True)
    assert stored() == before
    assert desk.get("").status_code == 200


def test_pages_carry_a_policy_without_inline_script_and_none_is_in_them(city: City) -> None:
    owner = owner_of(city)
    order_id = sold(city, owner)
    desk = desk_of(city, owner)
    pages = ["", "records", "sheets", "staff", "placard", f"records/{order_id}"]
    for path in [*pages, f"records/{order_id}/receipt", f"records/{'0' * 32}"]:
        response = desk.get(path)
        policy = response.headers["Content-Security-Policy"]
        assert "unsafe-inline" not in policy
        assert "default-src 'none'" in policy
        assert not re.search(r"<script(?! src=)|<style|style=|\son\w+=", response.text), path


@pytest.mark.parametrize(("scanned", "name"), FOREIGN.items())
def test_another_systems_code_is_named_and_neither_kept_nor_logged(
    city: City, caplog: pytest.LogCaptureFixture, scanned: str, name: str
) -> None:
    desk = desk_of(city, city.clerk())
    before = stored()
    response = desk.send(
        "sales", request_id=new_request(), order_amount_fen=10_000, scanned=scanned
    )
    assert response.status_code == 422
    assert response.json["error"]["details"]["name"] == name
    assert stored() == before
    written = caplog.text  # before anything is masked
    assert "wallet_code" in written  # the refusal is logged, without what was scanned
    assert scanned not in written
    assert scanned[:12] not in written
    assert scanned not in response.text


def test_the_same_request_is_one_sale_and_another_body_under_it_is_refused(city: City) -> None:
    clerk, buyer = city.clerk(), city.resident()
    city.claim(buyer)
    desk, request_id = desk_of(city, clerk), new_request()
    body = {"request_id": request_id, "order_amount_fen": 10_000}
    scanned = payment_codes.issue(buyer.id).code
    answers = [desk.send("sales", scanned=scanned, **body) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201] * 3
    assert len({answer.json["order_id"] for answer in answers}) == 1
    changed = desk.send("sales", scanned=scanned, **body | {"order_amount_fen": 20_000})
    assert (changed.status_code, changed.json["error"]["code"]) == (409, "request_id_reused")
    asked = desk.get(f"sales/of-request/{request_id}")
    assert asked.json == answers[0].json
    assert len(rows(Order)) == 1
    stranger = desk_of(city, city.clerk(RESTAURANT))
    assert stranger.get(f"sales/of-request/{request_id}").status_code == 404
    for path in ("", "/confirm", "/cancel"):
        order = f"sales/{answers[0].json['order_id']}{path}"
        response = stranger.send(order) if path else stranger.get(order)
        assert response.status_code == 404


def test_a_clerk_sees_and_undoes_his_own_sales_the_owner_all(city: City) -> None:
    owner, first, second = owner_of(city), city.clerk(), city.clerk()
    mine, others = sold(city, first), sold(city, second)
    desk = desk_of(city, first)
    listed = desk.get("records").text
    assert mine in listed
    assert others not in listed
    assert desk.get(f"records/{others}").status_code == 404
    assert desk.post(f"records/{others}/reversal", reason="输错").status_code == 404
    assert desk.post(f"records/{mine}/reversal", reason="输错").status_code == 303
    all_of_shop = desk_of(city, owner).get("records").text
    assert mine in all_of_shop
    assert others in all_of_shop
    assert sorted(order.status for order in rows(Order)) == ["redeemed", "reversed"]


def test_another_shops_desk_finds_nothing(city: City) -> None:
    order_id = sold(city, city.clerk())
    stranger = desk_of(city, owner_of(city, RESTAURANT))
    sheet_id = settled_today(city).id
    wanted = {"request_id": new_request(), "order_amount_fen": 10_000}
    code = desk_of(city, city.clerk()).send("amount-codes", **wanted).json["number"]
    for path in (f"amount-codes/{code}", f"amount-codes/{code}.svg", f"amount-codes/{2**31}"):
        assert stranger.get(path).status_code == 404, path
    for path in (f"records/{order_id}", f"records/{order_id}/receipt", f"sheets/{sheet_id}.xlsx"):
        assert stranger.get(path).status_code == 404, path
    for verb in ("reversal", "refunds"):
        form = {"reason": "退", "amount": "1", "refund_number": new_request()}
        assert stranger.post(f"records/{order_id}/{verb}", **form).status_code == 404


def test_a_form_that_is_sent_twice_refunds_once(city: City) -> None:
    clerk = city.clerk()
    order_id = sold(city, clerk)
    desk = desk_of(city, clerk)
    number = re.search(r'name="refund_number" value="(\w+)"', desk.get(f"records/{order_id}").text)
    assert number
    form = {"refund_number": number[1], "amount": "５０。５", "reason": "退一件"}
    for _ in range(2):
        assert desk.post(f"records/{order_id}/refunds", **form).status_code == 303
    assert [refund.refund_amount_fen for refund in rows(Refund)] == [5_050]
    assert "请把 45.45 元当面退给顾客" in desk.get("").text


@pytest.mark.parametrize(
    ("path", "form", "sentence"),
    [
        ("refunds", {"amount": "1.234", "reason": "退"}, "退货金额请填数字"),
        ("refunds", {"amount": "0", "reason": "退"}, "退货金额请填数字"),
        ("refunds", {"amount": "1", "reason": ""}, "请写明原因"),
        ("reversal", {"reason": "长" * 101}, "请写明原因"),
        ("reversal", {"reason": "a\x00b"}, "请写明原因"),
    ],
)
def test_a_wrong_form_is_refused_with_what_to_write(
    city: City, path: str, form: dict[str, str], sentence: str
) -> None:
    clerk = city.clerk()
    order_id = sold(city, clerk)
    response = desk_of(city, clerk).post(f"records/{order_id}/{path}", **form)
    assert response.status_code == 400
    assert sentence in response.text
    assert [order.status for order in rows(Order)] == ["redeemed"]


def test_yesterdays_sale_is_reversed_no_more(city: City, moment: MovableClock) -> None:
    clerk = city.clerk()
    order_id = sold(city, clerk)
    moment.move(days=1)
    desk = desk_of(city, clerk)
    assert "整笔冲正" not in desk.get(f"records/{order_id}").text
    assert desk.post(f"records/{order_id}/reversal", reason="输错").status_code in (409, 422)


def test_the_owner_adds_and_removes_clerks_and_a_clerk_may_not(city: City) -> None:
    owner = owner_of(city)
    desk = desk_of(city, owner)
    assert desk.post("staff", name="赵六", phone="１３６０００１２２３３").status_code == 303
    added = rows(Clerk)[-1]
    assert (added.name, added.phone_last4) == ("赵六", "2233")
    assert desk.post("staff", name="赵六", phone="13600012233").status_code == 409
    assert desk.post("staff", name="赵六", phone="12345").status_code == 400
    plain = desk_of(city, city.clerk())
    assert plain.post("staff", name="钱", phone="13600012244").status_code == 403
    assert plain.post(f"staff/{added.id}/remove").status_code == 403
    assert desk.post(f"staff/{owner.id}/remove").status_code == 409
    assert desk.post(f"staff/{added.id}/remove").status_code == 303
    assert rows(Clerk)[1].state == "removed"


def test_the_owner_closes_a_desk_on_another_computer(city: City) -> None:
    clerk = city.clerk()
    other = desk_of(city, clerk)
    owner = desk_of(city, owner_of(city))
    desk_id = re.search(r"staff/desks/(\d+)/end", owner.get("staff").text)
    assert desk_id
    assert owner.post(f"staff/desks/{desk_id[1]}/end").status_code == 303
    assert other.get("").status_code == 303


def test_a_phone_lists_and_closes_its_desks(city: City) -> None:
    clerk = city.clerk()
    desk = desk_of(city, clerk)
    (listed,) = city.get("/api/v1/merchant/desks", clerk).json["desks"]
    for _ in range(2):
        ended = city.post(f"/api/v1/merchant/desks/{listed['desk_id']}/end", clerk)
        assert ended.status_code == 204
    assert desk.get("").status_code == 303
    assert city.get("/api/v1/merchant/desks", clerk).json == {"desks": []}


def test_what_people_wrote_is_shown_dead_and_taken_away_dead(city: City) -> None:
    owner = owner_of(city)
    with transaction() as session:
        session.get_one(Clerk, owner.id).name = f"=1+1{XSS}"
        session.get_one(Merchant, SUPERMARKET).name = XSS
    order_id = sold(city, owner)
    desk = desk_of(city, owner)
    for path in ("", "records", "staff", f"records/{order_id}", f"records/{order_id}/receipt"):
        assert "<img src=x" not in desk.get(path).text
    for query in ("day=2023-04-28", "month=2023-04"):
        content = desk.get(f"records?{query}&format=xlsx").data
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0)
        assert sheet.to_python()[1][3:5] == [f"'=1+1{XSS}", 100.0]


@pytest.mark.parametrize(
    "query", ["day=2023-02-30", "day=x", "month=2023-13", "month=1999-01", "page=0", "page=x"]
)
def test_an_address_that_means_nothing_is_refused(city: City, query: str) -> None:
    response = desk_of(city, city.clerk()).get(f"records?{query}")
    assert (response.status_code, response.mimetype) == (400, "text/html")


def test_the_owner_signs_a_new_text_of_the_pledge_and_a_clerk_does_not(city: City) -> None:
    shop = joining.pledged()
    pledges.issue_text("第二版<b>正文</b>", actor="郑审批")
    owner, clerk = city.clerk(shop), city.clerk(shop)
    clerks.make_owner(clerk_id=owner.id, actor="test")
    agreed = {"version": "2", "agreed": "yes"}
    at_till = desk_of(city, clerk)
    assert "<b>正文" not in at_till.get("pledge").text
    assert at_till.post("pledge", **agreed).status_code == 403
    desk = desk_of(city, owner)
    assert "承诺书有新版" in desk.get("").text
    for wrong in ({"version": "2"}, {"version": "x", "agreed": "yes"}, {**agreed, "version": "1"}):
        assert desk.post("pledge", **wrong).status_code == 400
    assert desk.post("pledge", **agreed).status_code == 303
    assert "本店已签现行版本" in desk.get("pledge").text
    assert "承诺书有新版" not in desk.get("").text
    step = merchant_steps.history(shop)[-1]
    assert (step.step, step.office, step.actor) == (
        *("pledged_again", "merchant"),
        f"clerk:{owner.id}",
    )


def test_a_desk_without_any_pledge_says_what_to_wait_for(city: City) -> None:
    assert "还没有发布承诺书" in desk_of(city, city.clerk()).get("pledge").text
