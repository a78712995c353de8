"""Payment codes of other systems that hang beside our placard, so that a scan of one is named."""

import binascii
import re
from typing import Literal

System = Literal["wechat_pay", "alipay", "unionpay", "emv"]

# How the links begin that shops' payment codes carry (public documentation of each system).
_BEGINNINGS: tuple[tuple[str, System], ...] = (
    ("wxp://", "wechat_pay"),
    ("weixin://wxpay/", "wechat_pay"),
    ("https://payapp.weixin.qq.com/", "wechat_pay"),
    ("https://qr.alipay.com/", "alipay"),
    ("https://qr.95516.com/", "unionpay"),
)
_CRC_FIELD = "63"
_FIELD = re.compile("([0-9]{2})([0-9]{2})")


def payment_system_of(text: str) -> System | None:
    """Name the system whose payment code a scanned text is, or None."""
    for beginning, system in _BEGINNINGS:
        if text.lower().startswith(beginning):
            return system
    return "emv" if emv_fields(text) is not None else None


def emv_fields(text: str) -> dict[str, str] | None:
    """Return the fields of a merchant-presented EMV code, or None when it is none.

    Fields are two digits of id, two of length in characters, and the value; the last is a CRC over
    the UTF-8 bytes before its own value.
    """
    fields: dict[str, str] = {}
    place = 0
    while place < len(text):
        head = _FIELD.match(text, place)
        if head is None:
            return None
        start = place + 4
        place = start + int(head[2])
        if place > len(text):
            return None
        fields[head[1]] = text[start:place]
    crc = fields.get(_CRC_FIELD)
    if fields.get("00") != "01" or crc is None or crc16(text[: -len(crc)].encode()) != crc:
        return None
    return fields


def crc16(data: bytes) -> str:
    """Return CRC-16/CCITT-FALSE as four upper-case hexadecimal digits."""
    return f"{binascii.crc_hqx(data, 0xFFFF):04X}"
