"""The ZM file of a day: asked for, and taken out of its wrapping, base64 of a deflated zip."""

import base64
import binascii
import io
import re
import zipfile
import zlib
from datetime import date

import structlog

from backend import clock
from backend.gateways.payments.protocol import Bill, BillNotReady
from backend.gateways.payments.unionpay_calls import UnionPayCalls
from backend.gateways.payments.unionpay_http import NoAnswer
from backend.gateways.payments.unionpay_messages import MessageRefused, time_text
from backend.gateways.payments.unionpay_states import FILE

MAX_FILE_BYTES = 256_000_000  # some 400,000 records of 607 bytes, a day of a large city
MAX_ANSWER_BYTES = 128_000_000
_ZM_NAME = re.compile(r"(?:.*/)?(INN[0-9]{6}[0-9]{2}ZM_[0-9]{15})")

log = structlog.get_logger()


def fetch(calls: UnionPayCalls, day: date) -> Bill:
    """Return the ZM file of a settlement day; BillNotReady when none can be had now."""
    name = zm_name(day, calls.merchant_number)
    asked = {
        "txnType": FILE,
        "txnSubType": "01",
        "fileType": "00",
        "settleDate": f"{day:%m%d}",
        "txnTime": time_text(clock.now()),
    }
    try:
        answer = calls.file(asked, max_bytes=MAX_ANSWER_BYTES)
        if answer.get("respCode") != "00":
            raise BillNotReady(f"UnionPay has no file of {day} ({answer.get('respCode')})")
        content = zm_file(answer.get("fileContent", ""), name=name)
    except NoAnswer as error:
        raise BillNotReady(f"no file of {day} came: {error}") from None
    except MessageRefused as error:
        log.error("unionpay_file_refused", day=day.isoformat(), reason=str(error))
        raise BillNotReady(f"the file of {day} cannot be used: {error}") from None
    return Bill(
        provider="unionpay", day=day, file_name="" if content is None else name, content=content
    )


def zm_name(day: date, merchant_number: str) -> str:
    """Return how the ZM file of a settlement day is called."""
    return f"INN{day:%y%m%d}88ZM_{merchant_number}"


def zm_file(file_content: str, *, name: str) -> bytes | None:
    """Return the bytes of the ZM file of this name; None when the day has no ZM file at all.

    :raises MessageRefused: damaged, too large, or it holds a ZM file of another day or merchant:
        settleDate names no year, so an old file could come for a new day
    """
    try:
        packed = _inflate(base64.b64decode(file_content, validate=True))
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            found = {m[1]: i for i in archive.infolist() if (m := _ZM_NAME.fullmatch(i.filename))}
            if not found:
                return None
            if set(found) != {name}:
                raise MessageRefused("the ZM file is of another day or merchant")
            if found[name].file_size > MAX_FILE_BYTES:
                raise MessageRefused("the ZM file is too large")
            return archive.read(found[name])  # CRC checked; reads no more than file_size
    except (binascii.Error, ValueError, zlib.error, zipfile.BadZipFile, EOFError):
        raise MessageRefused("the file is damaged") from None


def _inflate(deflated: bytes) -> bytes:
    inflating = zlib.decompressobj()
    content = inflating.decompress(deflated, MAX_FILE_BYTES)
    if not inflating.eof:
        raise MessageRefused("the file is too large or cut off")
    return content
