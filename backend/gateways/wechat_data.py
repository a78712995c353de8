"""Pure parts of the WeChat gateway: phone data, session signatures, mini-program scenes."""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from wechatpy.crypto import WeChatWxaCrypto
from wechatpy.exceptions import InvalidAppIdException

from backend.domain.identifiers import is_mobile
from backend.gateways.wechat_errors import ForeignPhone, InvalidScene, WeChatSessionStale

MAX_DATA_AGE = timedelta(minutes=10)
MAX_CLOCK_LEAD = timedelta(minutes=5)
"""How far WeChat's clock may run ahead of ours."""

_MAX_ENCRYPTED_CHARS = 4096
_COUNTRY_CODE = re.compile(r"\+?([0-9]{1,4})")
_CODE = re.compile(r"[!-~]{1,512}")
# WeChat's alphabet for a scene: letters, digits and these signs; no %, no Chinese.
_SCENE = re.compile(r"[0-9A-Za-z!#$&'()*+,/:;=?@\-._~]{1,32}")
_PAGE = re.compile(r"[0-9A-Za-z_\-][0-9A-Za-z_\-./]{0,127}")


def is_code(text: object) -> bool:
    """Whether a phone may have got this text as a one-time code: visible ASCII, bounded."""
    return isinstance(text, str) and _CODE.fullmatch(text) is not None


def check_scene(scene: str, page: str | None = None) -> None:
    """Refuse what getwxacodeunlimit would refuse, before a call is spent on it.

    :param scene: 1 … 32 characters of WeChat's alphabet
    :param page: path of a page without leading slash and without parameters; None: home page
    :raises InvalidScene: naming the field at fault
    """
    if not _SCENE.fullmatch(scene):
        raise InvalidScene("scene is not 1 to 32 characters of WeChat's alphabet")
    if page is not None and not _PAGE.fullmatch(page):
        raise InvalidScene("page has a leading slash, parameters or foreign characters")


def mainland_phone(phone_info: Mapping[str, object]) -> str:
    """Return the 11 digits of WeChat's phone data.

    :param phone_info: `purePhoneNumber`, `phoneNumber` and `countryCode`, the last a string or a
        number: WeChat's table says one, its example the other
    :raises ForeignPhone: a number of another country, or one that is no mainland mobile number
    :raises ValueError: the data is not as documented, or its two numbers disagree
    """
    pure, full = phone_info.get("purePhoneNumber"), phone_info.get("phoneNumber")
    country = _COUNTRY_CODE.fullmatch(str(phone_info.get("countryCode")))
    if not isinstance(pure, str) or not isinstance(full, str) or country is None:
        raise ValueError("phone data lacks a field")
    if country.group(1) != "86":
        raise ForeignPhone(f"country code {country.group(1)}")
    if not is_mobile(pure):
        raise ForeignPhone("a +86 number that is not a mobile number of 11 digits")
    if full.removeprefix("+86") != pure:
        raise ValueError("phoneNumber and purePhoneNumber disagree")
    return pure


def decrypt_open_data(
    *, appid: str, session_key: str, encrypted_data: str, iv: str
) -> dict[str, object]:
    """Open WeChat's encryptedData (AES-128-CBC) and check that it was made for this appid.

    :param session_key: base64 text of the latest login
    :raises WeChatSessionStale: not to be opened with this key, damaged, or for another appid
    """
    if _decoded_length(session_key) != 16 or _decoded_length(iv) != 16:
        raise WeChatSessionStale("session key or iv is not 16 bytes of base64")
    if not isinstance(encrypted_data, str) or len(encrypted_data) > _MAX_ENCRYPTED_CHARS:
        raise WeChatSessionStale("encrypted data is not a text of bounded length")
    opened: object = None
    try:
        opened = WeChatWxaCrypto(session_key, iv, appid).decrypt_message(encrypted_data)
    except (ValueError, IndexError, KeyError, TypeError, RecursionError):
        pass  # wechatpy lets out whatever a wrong key makes of padding, UTF-8 and JSON
    except InvalidAppIdException:
        raise WeChatSessionStale("encrypted data is for another appid") from None
    if not isinstance(opened, dict):
        raise WeChatSessionStale("encrypted data does not open with this session key")
    return opened


def check_fresh(data: Mapping[str, object], *, now: datetime) -> None:
    """Refuse phone data that is older than 10 minutes by its watermark: WeChat leaves it to us.

    :param now: aware time
    :raises WeChatSessionStale: too old, from the future, or without a time
    """
    watermark = data.get("watermark")
    made_at_s = watermark.get("timestamp") if isinstance(watermark, dict) else None
    if not isinstance(made_at_s, int) or isinstance(made_at_s, bool):
        raise WeChatSessionStale("watermark has no time")
    age_s = now.timestamp() - made_at_s
    if not -MAX_CLOCK_LEAD.total_seconds() <= age_s <= MAX_DATA_AGE.total_seconds():
        raise WeChatSessionStale("watermark is not of the last 10 minutes")


def session_signature(session_key: str, message: str = "") -> str:
    """Return the hex HMAC-SHA256 that shows WeChat we hold a session key.

    The key is the base64 text itself, not what it decodes to. checksession signs "".
    """
    return hmac.new(session_key.encode(), message.encode(), hashlib.sha256).hexdigest()


def _decoded_length(text: str) -> int:
    """Length of base64 text in bytes, or -1; wechatpy would take a missing iv from the key."""
    try:
        return len(base64.b64decode(text, validate=True))
    except (ValueError, TypeError):
        return -1
