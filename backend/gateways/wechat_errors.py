"""What WeChat can refuse, as our refusals. Source of the numbers: WeChat's server API pages.

WeChat answers HTTP 200 to errors too; `errcode` decides and `errmsg` is never compared. Of the
errmsg only the `rid` is kept, which WeChat's support asks for, because the rest may quote what
was sent.
"""

import re

from backend.domain.errors import HuiquanError

STALE_TOKEN_ERRCODES = frozenset({40001, 40014, 42001})
"""The access token is wrong, malformed or expired, on any API: refresh once, retry once."""

_RID = re.compile(r"\brid: ?([0-9A-Za-z-]{1,64})")
_SERVER_IP = re.compile(r"\binvalid ip ([0-9.]{7,15})\b")


class WeChatError(HuiquanError):
    """Base of all that the WeChat gateway raises.

    :ivar errcode: WeChat's number, or None when no answer could be read
    :ivar rid: WeChat's request id, or None
    """

    def __init__(
        self, log: str = "", *, errcode: int | None = None, rid: str | None = None
    ) -> None:
        super().__init__(log)
        self.errcode = errcode
        self.rid = rid


class WeChatUnavailable(WeChatError):
    """No usable answer: time-out, network, HTTP error, not JSON, or busy (-1)."""

    code = "wechat_unavailable"
    message = "微信服务暂时连接不上，请稍后再试"
    category = "unavailable"
    retry_after_s = 2


class WeChatBusy(WeChatUnavailable):
    """-1: WeChat asks for another try after a short wait."""


class WeChatStaleToken(WeChatUnavailable):
    """The access token was refused, and after one refresh once more."""


class WeChatRefused(WeChatUnavailable):
    """An errcode that has no handling of its own; look at the log."""


class WeChatMisconfigured(WeChatUnavailable):
    """Wrong appid or secret, or this server's address is not on WeChat's allow list.

    Nobody who holds a phone can mend it, so they are asked to come back much later.
    """

    retry_after_s = 60


class WeChatCodeInvalid(WeChatError):
    """The wx.login code is used, expired (5 minutes) or was never given out."""

    code = "wechat_code_invalid"
    message = "微信登录凭证已失效，请重新登录"
    category = "unauthenticated"


class WeChatLoginBlocked(WeChatError):
    """WeChat holds this user for high-risk; asking again does not help."""

    code = "wechat_login_blocked"
    message = "微信提示该账号存在风险，暂时不能登录，请先在微信中解除账号异常"
    category = "forbidden"


class WeChatTooMany(WeChatError):
    """A limit of calls per minute or per day is reached."""

    code = "wechat_too_many"
    message = "操作太频繁，请一分钟后再试"
    category = "too_many"
    retry_after_s = 60


class PhoneCodeInvalid(WeChatError):
    """The phone code is used, expired (5 minutes), unknown, or another user's."""

    code = "wechat_phone_code_invalid"
    message = "手机号授权已失效，请重新点击获取手机号"
    category = "invalid"


class WeChatSessionStale(WeChatError):
    """Encrypted data that the session key of the latest login does not open, or too old."""

    code = "wechat_session_stale"
    message = "微信登录信息已过期，请重新登录后再获取手机号"
    category = "unauthenticated"


class ForeignPhone(WeChatError):
    """Not a mobile number of the Chinese mainland."""

    code = "phone_not_mainland"
    message = "目前只支持中国大陆的 11 位手机号，请换一个手机号后重新获取"
    category = "rule"


class InvalidScene(WeChatError):
    """The scene or page of a mini-program code is outside what WeChat accepts."""

    code = "wechat_scene_invalid"
    message = "小程序码的内容不符合要求，请检查后重试"
    category = "invalid"


_BY_ERRCODE: dict[int, type[WeChatError]] = {
    -1: WeChatBusy,
    40029: WeChatCodeInvalid,
    40163: WeChatCodeInvalid,
    40226: WeChatLoginBlocked,
    45009: WeChatTooMany,
    45011: WeChatTooMany,
    40013: WeChatMisconfigured,
    40125: WeChatMisconfigured,
    40164: WeChatMisconfigured,
    41030: InvalidScene,
    40129: InvalidScene,
    40169: InvalidScene,
    **dict.fromkeys(STALE_TOKEN_ERRCODES, WeChatStaleToken),
}


def refusal(path: str, errcode: int, errmsg: str) -> WeChatError:
    """Return the refusal that an errcode stands for; the caller raises it.

    :param path: the API's path, without a query: the query holds secrets
    """
    rid = _RID.search(errmsg)
    return _BY_ERRCODE.get(errcode, WeChatRefused)(
        f"{path} answered errcode {errcode}", errcode=errcode, rid=rid and rid.group(1)
    )


def server_ip(errmsg: str) -> str | None:
    """Return the address that WeChat saw us call from (errcode 40164), to be put on its list."""
    found = _SERVER_IP.search(errmsg)
    return found.group(1) if found else None
