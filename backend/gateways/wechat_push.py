"""What WeChat tells our mini-program unasked (消息推送): verified, decrypted, read. JSON alone.

With an AES key only the encrypted part of a message is believed: a plain one carries a signature
that does not cover its body. Source: mini-program documentation, 消息推送 (signature, encryption),
安全指引 (授权用户信息变更), 订阅消息 (事件推送: `List` of one entry is no list but the entry).
"""

import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from wechatpy.crypto import WeChatCrypto
from wechatpy.exceptions import InvalidAppIdException, InvalidSignatureException
from wechatpy.utils import check_signature

from backend import clock

MAX_AGE = timedelta(minutes=5)
_ANSWERS = ("accept", "reject")
# All that the package lets out for a message that is damaged or not meant for us.
_DAMAGED = (ValueError, LookupError, TypeError, struct.error, InvalidAppIdException)


class PushRefused(Exception):
    """A message that is forged, too old, damaged or for another app; the text quotes none of it."""


@dataclass(frozen=True, kw_only=True)
class Push:
    """One verified message. `key` is the same for its repetitions, and for nothing else.

    `templates` is what the user said of messages (订阅消息), by template: accept or reject.
    """

    key: str
    event: str
    openid: str | None
    happened_at: datetime
    templates: Mapping[str, str] = field(default_factory=dict)


class WeChatPush:
    """Reads what is pushed to one mini-program.

    :param aes_key: EncodingAESKey, 43 characters; None: messages come in the clear (明文模式)
    """

    def __init__(self, *, token: str, aes_key: str | None, appid: str) -> None:
        self._token = token
        self._appid = appid
        self._crypto = None if aes_key is None else WeChatCrypto(token, aes_key, appid)

    def echo(self, query: Mapping[str, str]) -> str:
        """Return what WeChat wants to read back when the address is set; or raise PushRefused."""
        self._check_plain(query)
        return query.get("echostr", "")

    def read(self, query: Mapping[str, str], body: bytes) -> Push:
        """Return what a message says, or raise PushRefused."""
        message = _object(body)
        if self._crypto is None:
            self._check_plain(query)
        else:
            message = _object(self._decrypted(self._crypto, query, message))
        if message.get("AppID", self._appid) != self._appid:
            raise PushRefused("of another app")
        return _push(message)

    def _check_plain(self, query: Mapping[str, str]) -> None:
        timestamp = _fresh(query)
        try:
            check_signature(
                self._token, query.get("signature", ""), timestamp, query.get("nonce", "")
            )
        except InvalidSignatureException:
            raise PushRefused("the signature is wrong") from None

    def _decrypted(
        self, crypto: WeChatCrypto, query: Mapping[str, str], message: Mapping[str, object]
    ) -> bytes:
        """Open the encrypted part; `msg_signature` covers it, `signature` does not."""
        timestamp = _fresh(query)
        try:
            plain: str = crypto.decrypt_message(
                {"Encrypt": message["Encrypt"]},
                query.get("msg_signature", ""),
                timestamp,
                query.get("nonce", ""),
            )
        except InvalidSignatureException:
            raise PushRefused("the signature is wrong") from None
        except _DAMAGED as error:
            raise PushRefused(f"cannot be opened: {type(error).__name__}") from None
        return plain.encode()


def _fresh(query: Mapping[str, str]) -> str:
    """Return the signed timestamp, unless it is further from now than a repetition comes."""
    timestamp = query.get("timestamp", "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 10):
        raise PushRefused("names no time")
    if abs(clock.now() - clock.from_s(int(timestamp))) > MAX_AGE:
        raise PushRefused("too old or too new")
    return timestamp


def _object(content: bytes) -> dict[str, object]:
    try:
        found = json.loads(content)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise PushRefused("no JSON object")
    return found


def _push(message: Mapping[str, object]) -> Push:
    created_s = message.get("CreateTime")
    try:
        happened_at = clock.from_s(int(str(created_s)))
    except (ValueError, OverflowError, OSError):
        raise PushRefused("names no time of its own") from None
    # An authorisation's user stands in OpenID; FromUserName is WeChat's own service then.
    openid = message.get("OpenID") or message.get("FromUserName")
    return Push(
        key=_key(message),
        event=str(message.get("Event") or message.get("MsgType") or ""),
        openid=openid if isinstance(openid, str) else None,
        happened_at=happened_at,
        templates=_templates(message.get("List")),
    )


def _key(message: Mapping[str, object]) -> str:
    """Return the message's number; events have none, and are known by all that they say."""
    if number := message.get("MsgId"):
        return f"message:{number}"
    said = json.dumps(message, sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()


def _templates(told: object) -> dict[str, str]:
    entries = told if isinstance(told, list) else [told]
    return {
        str(entry["TemplateId"]): str(entry["SubscribeStatusString"])
        for entry in entries
        if isinstance(entry, dict)
        and entry.get("TemplateId")
        and entry.get("SubscribeStatusString") in _ANSWERS
    }
