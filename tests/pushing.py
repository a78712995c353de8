"""Messages of WeChat as it pushes them: in the clear or encrypted, signed with our token."""

import hashlib
import json
from typing import Any

from wechatpy.crypto import PrpCrypto, WeChatCrypto

from backend import clock
from backend.storage.models.residents import WeChatUser
from backend.storage.queries import wechat_pushes as queries
from backend.storage.sql import transaction
from tests.factories import Person, new_request

TOKEN, AES_KEY = "Push0Token", "A" * 42 + "E"
REVOKED = "user_authorization_revoke"


def openid_of(person: Person) -> str:
    with transaction() as session:
        return session.get_one(WeChatUser, person.wechat_user_id).openid


def event(name: str, openid: str, **more: Any) -> dict[str, Any]:
    """An event of now; `happened_s` moves it."""
    created_s = int(clock.now().timestamp()) + int(more.pop("happened_s", 0))
    told = {"ToUserName": "gh_97417a04a28d", "FromUserName": openid, "CreateTime": created_s}
    return {**told, "MsgType": "event", "Event": name, **more}


def revoked(openid: str, **more: Any) -> dict[str, Any]:
    """The user takes back what he let us know; WeChat's own service is the sender."""
    own = {"OpenID": openid, "RevokeInfo": "8", **more}
    return event(REVOKED, "oaKk346BaWE-eIn4oSRWbaM9vR7s", **own)


def sha1(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()  # noqa: S324 - WeChat's rule


def signed_query(*, token: str = TOKEN, age_s: int = 0) -> dict[str, str]:
    timestamp, nonce = str(int(clock.now().timestamp()) - age_s), new_request()
    signature = sha1(token, timestamp, nonce)
    return {"timestamp": timestamp, "nonce": nonce, "signature": signature}


def encrypted(
    message: dict[str, Any], *, appid: str, token: str = TOKEN, age_s: int = 0
) -> tuple[dict[str, str], bytes]:
    """Return the query and the body of a message in secure mode."""
    query = signed_query(token=token, age_s=age_s)
    key = WeChatCrypto(TOKEN, AES_KEY, appid).key
    sealed = PrpCrypto(key).encrypt(json.dumps(message, ensure_ascii=False), appid).decode()
    query |= {"encrypt_type": "aes"}
    query |= {"msg_signature": sha1(token, query["timestamp"], query["nonce"], sealed)}
    body = {"ToUserName": message["ToUserName"], "Encrypt": sealed}
    return query, json.dumps(body).encode()


def push_one(person: Person) -> None:
    """Write one message of WeChat down, whatever the settings are."""
    with transaction() as session:
        queries.add(
            session,
            key=new_request(),
            event=REVOKED,
            wechat_user_id=person.wechat_user_id,
            happened_at=clock.now(),
            received_at=clock.now(),
        )
