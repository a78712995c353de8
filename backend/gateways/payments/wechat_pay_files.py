"""The trade bill of a day: asked for, fetched, unpacked, and its check sum compared.

Source: WeChat Pay API v3, 申请交易账单, 下载账单.
"""

import hashlib
import zlib
from datetime import date
from urllib.parse import urlsplit

import wechatpayv3

from backend.gateways.payments.protocol import Bill, BillNotReady
from backend.gateways.payments.wechat_pay_http import MAX_FILE_BYTES, Answer, NoAnswer

_GZIP = 31  # zlib's way of saying: with gzip's head and check sum


def fetch(api: wechatpayv3.WeChatPay, *, mchid: str, day: date) -> Bill:
    """Return the trade bill of a day; BillNotReady when none can be had now."""
    name = f"wechat_pay_{mchid}_{day.isoformat()}.csv"
    try:
        answer: Answer = api.trade_bill(day.isoformat())
    except NoAnswer:
        raise BillNotReady("no answer") from None
    if answer.code == "NOSTATEMENTEXIST":
        return Bill(provider="wechat_pay", day=day, file_name=name, content=None)
    if not answer.ok:
        raise BillNotReady(answer.code)
    content = _download(api, str(answer.body.get("download_url", "")))
    told = (answer.body.get("hash_type"), str(answer.body.get("hash_value", "")).lower())
    if told != ("SHA1", hashlib.sha1(content, usedforsecurity=False).hexdigest()):
        raise BillNotReady("its check sum differs")
    return Bill(provider="wechat_pay", day=day, file_name=name, content=content)


def _download(api: wechatpayv3.WeChatPay, url: str) -> bytes:
    """Fetch a bill from our own base address, whatever host the link names, and unpack it."""
    parts = urlsplit(url)
    path = f"{parts.path}?{parts.query}"
    try:
        packed = api.download_bill(path)
        unpacking = zlib.decompressobj(_GZIP)
        content = unpacking.decompress(packed, MAX_FILE_BYTES)
    except NoAnswer:
        raise BillNotReady("the file did not come") from None
    except zlib.error:
        raise BillNotReady("the file is damaged") from None
    if not unpacking.eof:
        raise BillNotReady("the file is cut off, or too large")
    return content
