"""The message push against WeChat's own worked examples."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from wechatpy.crypto import WeChatCrypto

from backend import clock
from backend.gateways.wechat_push import PushRefused, WeChatPush
from tests.contracts.wechat_parts import load
from tests.factories import MovableClock

Vector = dict[str, Any]
VECTORS = load("wechat_push.json")
PLAIN_BODY = b'{"MsgType": "text", "MsgId": "7", "CreateTime": 1714037059, "FromUserName": "o1"}'


@pytest.fixture
def at() -> Iterator[MovableClock]:
    movable = MovableClock(clock.from_s(0))
    clock.use(movable)
    yield movable
    clock.use(clock.Clock())


def gateway(vector: Vector) -> WeChatPush:
    return WeChatPush(
        token=vector["token"],
        aes_key=vector.get("encoding_aes_key"),
        appid=vector.get("appid", "wx8888888888888888"),
    )


def query_of(vector: Vector, *names: str) -> dict[str, str]:
    return {name: vector[name] for name in ("timestamp", "nonce", *names)}


def test_no_kind_of_example_is_left_out() -> None:
    assert set(VECTORS) == {"source", "url_verify", "plain_post", "secure", "secure_reply"}


@pytest.mark.parametrize("vector", VECTORS["url_verify"], ids=lambda v: v["id"])
def test_the_check_of_the_address_is_answered_when_its_signature_fits(
    vector: Vector, at: MovableClock
) -> None:
    at.set(clock.from_s(int(vector["timestamp"])))
    query = query_of(vector, "signature", "echostr")
    if "expect_error" in vector:
        with pytest.raises(PushRefused, match=vector["expect_error"]):
            gateway(vector).echo(query)
    else:
        assert gateway(vector).echo(query) == vector["expect_reply"]


@pytest.mark.parametrize("vector", VECTORS["plain_post"], ids=lambda v: v["id"])
def test_a_message_in_the_clear_is_read_when_its_signature_fits(
    vector: Vector, at: MovableClock
) -> None:
    at.set(clock.from_s(int(vector["timestamp"])))
    query = query_of(vector, "signature")
    push = gateway(vector).read(query, PLAIN_BODY)
    assert (push.key, push.event, push.openid) == ("message:7", "text", "o1")
    with pytest.raises(PushRefused, match="signature"):
        gateway(vector).read({**query, "nonce": "1"}, PLAIN_BODY)


@pytest.mark.parametrize("vector", VECTORS["secure"], ids=lambda v: v["id"])
def test_an_encrypted_message_is_opened_by_msg_signature_and_never_by_the_plain_one(
    vector: Vector, at: MovableClock
) -> None:
    at.set(clock.from_s(int(vector["timestamp"])))
    query = query_of(vector, "msg_signature")
    push = gateway(vector).read(query, json.dumps(vector["body"]).encode())
    said = json.loads(vector["expect_plain"])
    assert (push.event, push.openid) == (said["Event"], said["FromUserName"])
    assert int(push.happened_at.timestamp()) == said["CreateTime"]
    plain = {**query, "msg_signature": vector["url_signature_do_not_use"]}
    with pytest.raises(PushRefused, match="signature"):
        gateway(vector).read(plain, json.dumps(vector["body"]).encode())
    with pytest.raises(PushRefused, match="InvalidAppId"):
        gateway({**vector, "appid": "wx0"}).read(query, json.dumps(vector["body"]).encode())


@pytest.mark.parametrize("vector", VECTORS["secure_reply"], ids=lambda v: v["id"])
def test_what_we_would_encrypt_ourselves_is_opened_by_the_same_part(vector: Vector) -> None:
    """We answer `success` in the clear; the example shows that our part understands both ways."""
    crypto = WeChatCrypto(vector["token"], vector["encoding_aes_key"], vector["appid"])
    opened = crypto.decrypt_message(
        {"Encrypt": vector["expect_encrypt"]},
        vector["expect_msg_signature"],
        vector["timestamp"],
        vector["nonce"],
    )
    assert opened == vector["msg"]
