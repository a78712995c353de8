"""The WeChat gateway: login, phone number, mini-program codes, and the access token they need.

Words of WeChat (openid, js_code, errcode) live in this gateway only. Every method talks to
api.weixin.qq.com, or to the stand-in at another base URL, and raises `wechat_errors` only.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeGuard

from backend.gateways import wechat_data
from backend.gateways.wechat_errors import (
    InvalidScene,
    PhoneCodeInvalid,
    WeChatBusy,
    WeChatCodeInvalid,
    WeChatError,
    WeChatSessionStale,
)
from backend.gateways.wechat_http import WeChatHttp, parse_answer, unavailable
from backend.gateways.wechat_tokens import AccessToken, TokenStore

BUSY_WAIT_S = 0.3
"""How long to wait before the one retry of a login that WeChat answered with -1."""

MIN_WIDTH_PX, MAX_WIDTH_PX = 280, 1280
"""Side of a mini-program code."""

_PHONE = "/wxa/business/getuserphonenumber"
_PICTURE_STARTS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")

EnvVersion = Literal["release", "trial", "develop"]


@dataclass(frozen=True, kw_only=True)
class WeChatSession:
    """What a login code was worth. None of it may be logged, and only we may see the key.

    :ivar session_key: opens encryptedData; never sent to a phone
    :ivar unionid: only when the mini-program is bound to an open-platform account
    """

    openid: str = field(repr=False)
    session_key: str = field(repr=False)
    unionid: str | None = field(default=None, repr=False)


class WeChat:
    """Calls of one mini-program to WeChat. Safe to share between threads.

    :param base_url: `https://api.weixin.qq.com`, or the stand-in's address
    :param timeout_s: seconds to connect and to wait for the answer
    """

    def __init__(
        self,
        *,
        appid: str,
        secret: str,
        base_url: str,
        tokens: TokenStore,
        timeout_s: tuple[float, float] = (2.0, 4.0),
    ) -> None:
        self._appid = appid
        self._secret = secret
        self._http = WeChatHttp(base_url=base_url, timeout_s=timeout_s)
        self._access = AccessToken(appid=appid, secret=secret, http=self._http, tokens=tokens)

    def close(self) -> None:
        """Close kept connections; the gateway is not used afterwards."""
        self._http.close()

    def login(self, js_code: str) -> WeChatSession:
        """Exchange a wx.login code, valid once and for 5 minutes. Needs no access token.

        :raises WeChatCodeInvalid: used, expired or unknown; the phone calls wx.login again
        :raises WeChatLoginBlocked: WeChat holds the user for high-risk
        :raises WeChatTooMany: 100 logins of one user in a minute
        :raises WeChatUnavailable: busy twice, or no usable answer
        """
        if not wechat_data.is_code(js_code):
            raise WeChatCodeInvalid("js_code is not a code")
        path = "/sns/jscode2session"
        query = {
            "appid": self._appid,
            "secret": self._secret,
            "js_code": js_code,
            "grant_type": "authorization_code",
        }
        try:
            answer = parse_answer(path, self._http.call("GET", path, query=query))
        except WeChatBusy:
            time.sleep(BUSY_WAIT_S)  # -1 leaves the code unspent, so it may be shown once more
            answer = parse_answer(path, self._http.call("GET", path, query=query))
        openid, session_key = answer.get("openid"), answer.get("session_key")
        if not _is_text(openid) or not _is_text(session_key):
            raise unavailable(path, "answer_lacks_openid")
        unionid = answer.get("unionid")
        return WeChatSession(
            openid=openid,
            session_key=session_key,
            unionid=unionid if _is_text(unionid) else None,
        )

    def phone_number(self, code: str, *, openid: str) -> str:
        """Return the 11 digits behind a phone code (one tap, once, 5 minutes).

        Each success is charged, so one tap is one call: only a refused access token, with which
        nothing was spent, leads to a second one.

        :param openid: the signed-in user's; WeChat refuses another user's code
        :raises PhoneCodeInvalid: used, expired, unknown or another user's
        :raises ForeignPhone: not a mainland mobile number
        :raises WeChatUnavailable: no usable answer; the code may be spent
        """
        if not wechat_data.is_code(code):
            raise PhoneCodeInvalid("phone code is not a code")
        try:
            answer = self._with_token(_PHONE, body={"code": code, "openid": openid})
        except WeChatError as error:
            if isinstance(error, WeChatCodeInvalid) or error.errcode == 40003:
                raise PhoneCodeInvalid(str(error), errcode=error.errcode, rid=error.rid) from None
            raise
        phone_info = answer.get("phone_info")
        try:
            if not isinstance(phone_info, dict) or not self._is_ours(phone_info):
                raise ValueError("phone_info is absent or made for another appid")
            return wechat_data.mainland_phone(phone_info)
        except ValueError:
            raise unavailable(_PHONE, "answer_lacks_phone") from None

    def phone_from_encrypted(
        self, *, session_key: str, encrypted_data: str, iv: str, now: datetime
    ) -> str:
        """Return the 11 digits in the phone data of an old client; calls nobody.

        :param session_key: of the user's latest login
        :param now: aware time; data older than 10 minutes is refused
        :raises WeChatSessionStale: wrong key, damaged, too old or for another appid: log in again
        :raises ForeignPhone: not a mainland mobile number
        """
        data = wechat_data.decrypt_open_data(
            appid=self._appid, session_key=session_key, encrypted_data=encrypted_data, iv=iv
        )
        wechat_data.check_fresh(data, now=now)
        try:
            return wechat_data.mainland_phone(data)
        except ValueError:
            raise WeChatSessionStale("encrypted data holds no phone number") from None

    def check_session(self, *, openid: str, session_key: str) -> bool:
        """Whether WeChat still takes this session key for the user's (checksession)."""
        query = {
            "openid": openid,
            "signature": wechat_data.session_signature(session_key),
            "sig_method": "hmac_sha256",
        }
        try:
            self._with_token("/wxa/checksession", query=query)
        except WeChatError as error:
            if error.errcode == 87009:  # invalid signature: another key has taken its place
                return False
            raise
        return True

    def mini_program_code(
        self,
        scene: str,
        page: str | None = None,
        *,
        check_path: bool = True,
        env_version: EnvVersion = "release",
        width_px: int = 430,
    ) -> bytes:
        """Return a round mini-program code as JPEG, of which any number may be made.

        :param scene: what the page receives; 1 … 32 characters of WeChat's alphabet
        :param page: path without leading slash and parameters; None: the home page
        :param check_path: False also allows a page that is not released yet
        :param width_px: 280 … 1280
        :raises InvalidScene: scene, page or width refused
        :raises WeChatTooMany: over 5000 codes a minute
        """
        wechat_data.check_scene(scene, page)
        if not MIN_WIDTH_PX <= width_px <= MAX_WIDTH_PX:
            raise InvalidScene("width is outside 280 to 1280 pixels")
        path = "/wxa/getwxacodeunlimit"
        body: dict[str, object] = {
            "scene": scene,
            "check_path": check_path,
            "env_version": env_version,
            "width": width_px,
        }
        if page is not None:
            body["page"] = page

        def call(token: str) -> bytes:
            content = self._http.call("POST", path, query={"access_token": token}, body=body)
            if not content.startswith(_PICTURE_STARTS):
                parse_answer(path, content)  # raises what its errcode says
                raise unavailable(path, "answer_not_a_picture")
            return content

        return self._access.use(call)

    def _with_token(
        self,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> dict[str, object]:
        """Call an API that wants an access token: POST with a body, else GET."""
        method = "GET" if body is None else "POST"

        def call(token: str) -> dict[str, object]:
            with_token = {**(query or {}), "access_token": token}
            return parse_answer(path, self._http.call(method, path, query=with_token, body=body))

        return self._access.use(call)

    def _is_ours(self, phone_info: Mapping[str, object]) -> bool:
        watermark = phone_info.get("watermark")
        return isinstance(watermark, dict) and watermark.get("appid") == self._appid


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and value != ""
