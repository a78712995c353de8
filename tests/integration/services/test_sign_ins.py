"""Signing in through the stand-in of WeChat, over HTTP."""

from collections.abc import Iterator

import pytest

from backend import clock
from backend.storage.models.merchants import Clerk
from backend.storage.models.residents import Resident, SignIn, WeChatUser
from tests.factories import SUPERMARKET, City, MovableClock, rows
from tests.integration.conftest import MakeWeChat, Standin

SESSIONS = "/api/v1/sessions"


@pytest.fixture
def connected(city: City, make_wechat: MakeWeChat) -> Iterator[City]:
    """The city, its gateway pointing at the stand-in."""
    kept = city.app.extensions["wechat"]
    city.app.extensions["wechat"] = make_wechat()
    yield city
    city.app.extensions["wechat"] = kept


def bearer(answer: dict[str, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {answer['access_token']}"}


def sign_in(city: City, standin: Standin, user: str) -> dict[str, str]:
    answer = city.post(f"{SESSIONS}/resident", js_code=standin.js_code(user))
    assert answer.status_code == 201, answer.text
    return dict(answer.json)


def test_a_login_code_becomes_our_own_token_and_never_openid_or_session_key(
    connected: City, standin: Standin
) -> None:
    answer = sign_in(connected, standin, "wang")
    (user,) = rows(WeChatUser)
    (row,) = rows(SignIn)
    assert set(answer) == {"access_token", "expires_at", "refresh_token", "phone_bound"}
    assert user.openid not in str(answer)
    assert answer["refresh_token"] not in repr(vars(row))
    assert answer["phone_bound"] is False


def test_a_login_code_counts_once(connected: City, standin: Standin) -> None:
    code = standin.js_code("wang")
    assert connected.post(f"{SESSIONS}/resident", js_code=code).status_code == 201
    again = connected.post(f"{SESSIONS}/resident", js_code=code)
    assert (again.status_code, again.json["error"]["code"]) == (401, "wechat_code_invalid")


def test_without_a_phone_nothing_is_claimed_and_with_it_all_is(
    connected: City, standin: Standin
) -> None:
    signed_in = sign_in(connected, standin, "wang")
    claim = {"tier_position": 1, "request_id": "request-0001"}
    path = "/api/v1/resident/campaigns/Q2-MAY/claims"
    refused = connected.client.post(path, headers=bearer(signed_in), json=claim)
    assert (refused.status_code, refused.json["error"]["code"]) == (403, "phone_required")
    code = standin.control("phone-number", user="wang", phone="13800138000")["code"]
    bound = connected.client.post(
        "/api/v1/resident/phone", headers=bearer(signed_in), json={"phone_code": code}
    )
    assert bound.json["phone"] == "138****8000"
    claimed = connected.client.post(path, headers=bearer(bound.json), json=claim)
    assert claimed.status_code == 201
    me = connected.client.get("/api/v1/resident/me", headers=bearer(bound.json))
    assert me.json == {"phone": "138****8000", "cards": []}


def test_an_old_clients_encrypted_phone_is_read_on_the_server(
    connected: City, standin: Standin, moment: MovableClock
) -> None:
    moment.set(clock.from_s(standin.advance(0)))  # the data says when it was made
    signed_in = sign_in(connected, standin, "wang")
    told = standin.control("phone-number", user="wang", phone="13800138000")
    body = {"encrypted_data": told["encryptedData"], "iv": told["iv"]}
    path = "/api/v1/resident/phone/encrypted"
    bound = connected.client.post(path, headers=bearer(signed_in), json=body)
    assert (bound.status_code, bound.json["phone"]) == (200, "138****8000")
    damaged = {**body, "encrypted_data": "AAAA" + body["encrypted_data"][4:]}
    refused = connected.client.post(path, headers=bearer(signed_in), json=damaged)
    assert refused.json["error"]["code"] == "wechat_session_stale"


def test_a_refresh_gives_a_new_token_until_it_is_revoked_or_over(
    connected: City, standin: Standin, moment: MovableClock
) -> None:
    first, second = sign_in(connected, standin, "wang"), sign_in(connected, standin, "wang")
    moment.move(seconds=1801)  # the access token is over by then
    refused = connected.client.get("/api/v1/resident/me", headers=bearer(first))
    assert (refused.status_code, refused.json["error"]["code"]) == (401, "sign_in_required")
    renewed = connected.post(f"{SESSIONS}/refresh", refresh_token=first["refresh_token"])
    assert renewed.status_code == 200
    me = connected.client.get("/api/v1/resident/me", headers=bearer(renewed.json))
    assert me.json["error"]["code"] == "phone_required"  # signed in, and known to lack a phone
    for _ in range(2):
        revoked = connected.post(f"{SESSIONS}/revoke", refresh_token=first["refresh_token"])
        assert revoked.status_code == 204
    me = connected.client.get("/api/v1/resident/me", headers=bearer(renewed.json))
    assert (me.status_code, me.json["error"]["code"]) == (401, "sign_in_required")
    again = connected.post(f"{SESSIONS}/refresh", refresh_token=first["refresh_token"])
    assert (again.status_code, again.json["error"]["code"]) == (401, "refresh_refused")
    moment.move(days=30)
    late = connected.post(f"{SESSIONS}/refresh", refresh_token=second["refresh_token"])
    assert late.json["error"]["code"] == "refresh_refused"


def test_a_clerk_is_known_by_the_phone_the_shop_gave_and_then_by_his_wechat(
    connected: City, standin: Standin
) -> None:
    connected.clerk(phone="13900000001")
    (clerk,) = rows(Clerk)
    phone_code = standin.control("phone-number", user="zhao", phone="13900000001")["code"]
    path = f"{SESSIONS}/clerk"
    unknown = connected.post(path, js_code=standin.js_code("zhao"))
    assert (unknown.status_code, unknown.json["error"]["code"]) == (403, "not_a_clerk")
    first = connected.post(path, js_code=standin.js_code("zhao"), phone_code=phone_code)
    assert first.status_code == 201, first.text
    again = connected.post(path, js_code=standin.js_code("zhao"))
    me = connected.client.get("/api/v1/merchant/me", headers=bearer(again.json))
    assert (me.json["clerk_id"], me.json["merchant_id"]) == (clerk.id, SUPERMARKET)


def test_a_stranger_is_no_clerk(connected: City, standin: Standin) -> None:
    phone_code = standin.control("phone-number", user="qian", phone="13900000009")["code"]
    refused = connected.post(
        f"{SESSIONS}/clerk", js_code=standin.js_code("qian"), phone_code=phone_code
    )
    assert refused.json["error"]["code"] == "not_a_clerk"


def test_wechat_being_down_is_told_as_such_and_nothing_is_stored(city: City) -> None:
    refused = city.post(f"{SESSIONS}/resident", js_code="a-code")
    assert refused.status_code == 503
    assert refused.headers["Retry-After"]
    assert rows(WeChatUser) == rows(Resident) == []
