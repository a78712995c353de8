"""Messages of WeChat: acted on once, the last answer stands, and nothing else is kept."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from backend.domain.errors import NotFound
from backend.gateways.wechat_push import WeChatPush
from backend.services import sign_ins, wechat_pushes
from backend.storage.models.residents import SignIn
from backend.storage.models.wechat_pushes import MessagePermission, WeChatPushEvent
from tests.factories import City, MovableClock, Person, rows
from tests.pushing import AES_KEY, TOKEN, encrypted, event, openid_of, revoked, signed_query

POPUP, CHANGE = "subscribe_msg_popup_event", "subscribe_msg_change_event"


@pytest.fixture
def pushing(city: City, monkeypatch: pytest.MonkeyPatch) -> City:
    gateway = WeChatPush(token=TOKEN, aes_key=AES_KEY, appid=city.settings.wechat_appid)
    monkeypatch.setitem(city.app.extensions, "wechat_push", gateway)
    return city


def take(city: City, message: dict[str, Any], **how: Any) -> tuple[int, str]:
    query, body = encrypted(message, appid=city.settings.wechat_appid, **how)
    return wechat_pushes.receive(query, body)


def signed_in(person: Person) -> list[bool]:
    """Whether each sign-in of a person's WeChat user still lives."""
    mine = [one for one in rows(SignIn) if one.wechat_user_id == person.wechat_user_id]
    return [one.revoked_at is None for one in mine]


def entry(template: str, answer: str) -> dict[str, str]:
    return {"TemplateId": template, "SubscribeStatusString": answer, "PopupScene": "0"}


@pytest.mark.parametrize("name", ["user_authorization_revoke", "user_authorization_cancellation"])
def test_who_takes_back_what_he_let_us_know_is_signed_out_and_nobody_else(
    pushing: City, name: str
) -> None:
    person, clerk, other = pushing.resident(), pushing.clerk(), pushing.resident()
    for one in (person, clerk):
        assert take(pushing, {**revoked(openid_of(one)), "Event": name}) == (200, "success")
    assert (signed_in(person), signed_in(clerk), signed_in(other)) == ([False], [False], [True])
    told_of = {one.wechat_user_id for one in rows(WeChatPushEvent)}
    assert told_of == {person.wechat_user_id, clerk.wechat_user_id}


def test_an_access_token_ends_with_the_withdrawal_and_a_new_sign_in_opens_again(
    pushing: City, moment: MovableClock
) -> None:
    person, clerk, other = pushing.resident(), pushing.clerk(), pushing.resident()
    codes = "/api/v1/resident/payment-codes"
    own = "/api/v1/merchant/me"
    assert pushing.client.post(codes, headers=person.headers).status_code == 201
    assert pushing.client.get(own, headers=clerk.headers).status_code == 200
    for one in (person, clerk):
        take(pushing, revoked(openid_of(one)))
    refused = pushing.client.post(codes, headers=person.headers)
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (401, "sign_in_required")
    assert pushing.client.get(own, headers=clerk.headers).status_code == 401
    assert pushing.client.post(codes, headers=other.headers).status_code == 201
    moment.move(seconds=pushing.settings.access_token_ttl_s)
    assert sign_ins.REVOKED.read(sign_ins.ALL) == frozenset()  # such tokens are over by themselves


def test_a_message_that_comes_20_times_at_once_acts_once(
    pushing: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = pushing.resident()
    query, body = encrypted(revoked(openid_of(person)), appid=pushing.settings.wechat_appid)
    ended: list[int] = []
    really = sign_ins.end_all

    def counted(session: Any, *, wechat_user_id: int) -> None:
        ended.append(wechat_user_id)
        really(session, wechat_user_id=wechat_user_id)

    monkeypatch.setattr(sign_ins, "end_all", counted)

    def send(_: int) -> tuple[int, str]:
        with pushing.app.app_context():
            return wechat_pushes.receive(query, body)

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(send, range(20))) == {(200, "success")}
    assert (ended, len(rows(WeChatPushEvent))) == ([person.wechat_user_id], 1)


def test_two_users_of_the_same_second_are_two_messages(pushing: City) -> None:
    people = [pushing.resident(), pushing.resident()]
    for person in people:
        take(pushing, revoked(openid_of(person)))
    assert [signed_in(person) for person in people] == [[False], [False]]


def test_the_last_answer_for_a_template_stands_whatever_order_the_messages_come_in(
    pushing: City,
) -> None:
    person = pushing.resident()
    openid = openid_of(person)
    one, two = entry("T-one", "accept"), entry("T-two", "reject")
    take(pushing, event(POPUP, openid, List=[one, two], happened_s=-60))
    take(pushing, event(CHANGE, openid, List=entry("T-one", "reject")))
    take(pushing, event(POPUP, openid, List=one, happened_s=-30))
    found = wechat_pushes.answers_of(person.id)
    assert [(a.template_id, a.answer) for a in found] == [("T-one", "reject"), ("T-two", "reject")]
    assert signed_in(person) == [True]


def test_staff_see_what_a_resident_said(pushing: City) -> None:
    person = pushing.resident()
    take(pushing, event(CHANGE, openid_of(person), List=entry("T-one", "reject")))
    shown = pushing.app.test_cli_runner().invoke(
        args=["resident", "messages", "--phone", person.phone]
    )
    assert shown.output == "T-one  拒收  2023-04-28 10:01\n"


def test_an_answer_that_nobody_documented_is_not_kept(pushing: City) -> None:
    openid = openid_of(pushing.resident())
    for told in (entry("T", "filter"), {"TemplateId": "T"}, "T", None, [["T"]], []):
        assert take(pushing, event(POPUP, openid, List=told))[0] == 200
    assert rows(MessagePermission) == []


def test_what_is_of_no_use_is_taken_and_nothing_of_it_is_kept_or_logged(
    pushing: City, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    openid = openid_of(pushing.resident())
    for name in ("user_info_modified", "subscribe_msg_sent_event", "wxa_media_check", "x" * 500):
        assert take(pushing, event(name, openid, Secret="悄悄话")) == (200, "success")
    text = {"ToUserName": "gh", "FromUserName": openid, "CreateTime": 1, "MsgType": "text"}
    assert take(pushing, {**text, "MsgId": 12, "Content": "悄悄话"}) == (200, "success")
    assert take(pushing, revoked("o-nobody-we-know")) == (200, "success")
    assert (rows(WeChatPushEvent), rows(MessagePermission)) == ([], [])
    assert "wechat_push" in caplog.text
    for secret in ("悄悄话", openid, "x" * 20, TOKEN, AES_KEY):
        assert secret not in caplog.text


def test_what_is_forged_old_or_damaged_is_refused_and_does_nothing(pushing: City) -> None:
    person = pushing.resident()
    message, appid = revoked(openid_of(person)), pushing.settings.wechat_appid
    query, body = encrypted(message, appid=appid)
    refused = [
        encrypted(message, appid=appid, token="Other"),
        encrypted(message, appid="wx0000000000000000"),
        encrypted({**message, "AppID": "wx0000000000000000"}, appid=appid),
        encrypted(message, appid=appid, age_s=301),
        encrypted(message, appid=appid, age_s=-301),
        encrypted({**message, "CreateTime": "now"}, appid=appid),
        (signed_query(), json.dumps(message).encode()),  # in the clear
        ({**query, "timestamp": "١٢٣"}, body),
        ({}, body),
        (query, body.replace(b'"Encrypt": "', b'"Encrypt": "AAAA')),
        (query, b""),
        (query, b"<xml></xml>"),
        (query, b"[]"),
    ]
    assert [wechat_pushes.receive(*one) for one in refused] == [(401, "")] * len(refused)
    assert (signed_in(person), rows(WeChatPushEvent)) == ([True], [])
    assert take(pushing, message, age_s=299) == (200, "success")
    assert signed_in(person) == [False]


def test_without_an_aes_key_messages_come_in_the_clear(
    pushing: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    appid = pushing.settings.wechat_appid
    plain = WeChatPush(token=TOKEN, aes_key=None, appid=appid)
    monkeypatch.setitem(pushing.app.extensions, "wechat_push", plain)
    person = pushing.resident()
    body = json.dumps(revoked(openid_of(person))).encode()
    assert wechat_pushes.receive(signed_query(token="Other"), body)[0] == 401
    assert wechat_pushes.receive(signed_query(), body) == (200, "success")
    assert signed_in(person) == [False]


def test_without_a_token_there_is_nothing_here(city: City) -> None:
    with pytest.raises(NotFound):
        wechat_pushes.echo({})
    with pytest.raises(NotFound):
        wechat_pushes.receive({}, b"")
