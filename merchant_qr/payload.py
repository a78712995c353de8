"""What a placard's or an amount code says, and what of a scanned text may be believed.

The text is a plain https link, so that every scanner opens it; a phone hands it back as anything
it likes. `code_from_url` and `decode_q` judge the form of such a link, `read_placard_code` and
`read_amount_code` judge whether the code in it is one we signed. Both kinds of link begin alike:
one link rule registered with WeChat opens the mini-program for both.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, unquote, urlencode

MAX_SERIAL = 9999
MAX_SCHEME_QUERY_CHARS = 512  # WeChat's limit for the query of a plain-text scheme, encoded
MIN_KEY_BYTES = 16

_MERCHANT_ID = r"[A-Z]{2}[0-9]{4,8}"
_SERIAL = r"[1-9][0-9]{0,3}"
_CODE_FORM = re.compile(rf"({_MERCHANT_ID})-({_SERIAL})-([A-Z2-7]{{16}})")
_AMOUNT_FORM = re.compile(
    rf"({_MERCHANT_ID})-([1-9][0-9]{{0,8}})-([1-9][0-9]{{0,11}})-([1-9][0-9]{{9}})-([A-Z2-7]{{16}})"
)
_CODE_CHARSET = re.compile(r"[0-9A-Za-z_-]{1,32}")
_LINK_TAIL = re.compile(r"([0-9A-Za-z_-]+)(?:\?[!-~]*)?")
_SCENE = re.compile(r"[0-9A-Za-z!#$&'()*+,/:;=?@\-._~]{1,32}")
_PAGE_PATH = re.compile(r"[0-9A-Za-z_-]+(?:/[0-9A-Za-z_-]+)*")
# No other use of the key can produce these texts.
_PLACARD_DOMAIN, _AMOUNT_DOMAIN = b"huiquan.placard.v1\x00", b"huiquan.amount.v1\x00"


class ForgedPlacard(ValueError):
    """The text is not a placard code we signed: malformed, edited, or made with another key."""


class ForgedAmountCode(ValueError):
    """The text has the form of an amount code and is none we signed: edited, or another key's."""


class ForeignLink(ValueError):
    """The text is not one of our placard links."""


@dataclass(frozen=True, kw_only=True)
class PlacardCode:
    """Which placard a code names. `serial` counts a merchant's re-issues from 1."""

    merchant_id: str
    serial: int


@dataclass(frozen=True, kw_only=True)
class AmountCode:
    """What a shop asks to be paid by one scan: the order amount, the code's number, its end.

    `expires_s` counts from 1970 in seconds; the code counts before it and no more from then on.
    """

    merchant_id: str
    order_amount_fen: int
    number: int
    expires_s: int


def placard_code(*, merchant_id: str, serial: int, key: bytes) -> str:
    """Return the one text of a placard, e.g. `TJ0001-3-` and 16 signature characters.

    :param merchant_id: two capitals and 4 to 8 digits
    :param serial: 1 … 9999; a re-issued placard takes the next one
    :param key: at least 16 bytes
    At most 32 characters of `[0-9A-Za-z_-]`, so the same text also serves as a WeChat scene.
    Raises ValueError for anything outside these bounds.
    """
    if not re.fullmatch(_MERCHANT_ID, merchant_id):
        raise ValueError("a merchant id is two capitals and 4 to 8 digits")
    if not 1 <= serial <= MAX_SERIAL:
        raise ValueError(f"a placard's serial is 1 to {MAX_SERIAL}")
    named = f"{merchant_id}-{serial:d}"
    return f"{named}-{_mac(_PLACARD_DOMAIN, named, key)}"


def read_placard_code(code: str, *, key: bytes) -> PlacardCode:
    """Return what a code names, or raise ForgedPlacard.

    Only the exact text `placard_code` makes is accepted: a second spelling of one placard would
    slip past a list of revoked codes.
    """
    form = _CODE_FORM.fullmatch(code)
    if form is None:
        raise ForgedPlacard("not in the form of a placard code")
    merchant_id, serial, mac = form.groups()
    if not hmac.compare_digest(mac, _mac(_PLACARD_DOMAIN, f"{merchant_id}-{serial}", key)):
        raise ForgedPlacard("the signature does not fit the placard")
    return PlacardCode(merchant_id=merchant_id, serial=int(serial))


def amount_code(said: AmountCode, *, key: bytes) -> str:
    """Return the one text of an amount code: `TJ0003-12800-7-1682647500-` and 16 characters.

    At most 61 characters. Raises ValueError for what the form does not hold.
    """
    named = f"{said.merchant_id}-{said.order_amount_fen}-{said.number}-{said.expires_s}"
    code = f"{named}-{_mac(_AMOUNT_DOMAIN, named, key)}"
    if not is_amount_code(code):
        raise ValueError("an amount code names a merchant, 1 to 999,999,999 fen, a number, a time")
    return code


def is_amount_code(code: str) -> bool:
    """Tell whether a text has the form of an amount code; whether we signed it is not judged."""
    return _AMOUNT_FORM.fullmatch(code) is not None


def read_amount_code(code: str, *, key: bytes) -> AmountCode:
    """Return what an amount code says, or raise ForgedAmountCode. Its time is not judged."""
    form = _AMOUNT_FORM.fullmatch(code)
    if form is None:
        raise ForgedAmountCode("not in the form of an amount code")
    named, _, mac = code.rpartition("-")
    if not hmac.compare_digest(mac, _mac(_AMOUNT_DOMAIN, named, key)):
        raise ForgedAmountCode("the signature does not fit what the code says")
    merchant_id, amount, number, expires, _ = form.groups()
    return AmountCode(
        merchant_id=merchant_id,
        order_amount_fen=int(amount),
        number=int(number),
        expires_s=int(expires),
    )


def amount_url(base_url: str, code: str) -> str:
    """Return the link that an amount code's QR carries: `{base_url}/m/{code}`."""
    if not is_amount_code(code):
        raise ValueError("not in the form of an amount code")
    return f"{_link_prefix(base_url)}{code}"


def placard_url(base_url: str, code: str) -> str:
    """Return the link to print: `{base_url}/m/{code}`; base_url as `https://DOMAIN`."""
    if not _CODE_CHARSET.fullmatch(code):
        raise ValueError("a placard code is 1 to 32 characters of [0-9A-Za-z_-]")
    return f"{_link_prefix(base_url)}{code}"


def code_from_url(text: str, *, base_url: str) -> str:
    """Return the code segment of a scanned link, or raise ForeignLink. Judges form, not signature.

    The link is compared as text with the prefix we print, never parsed: WeChat's link rules match
    that way too, and no difference between URL parsers can then move the host. A query is ignored.
    """
    prefix = _link_prefix(base_url)
    if not text.startswith(prefix):
        raise ForeignLink("the link does not begin with our address")
    tail = _LINK_TAIL.fullmatch(text[len(prefix) :])
    if tail is None or not (_CODE_CHARSET.fullmatch(tail[1]) or is_amount_code(tail[1])):
        raise ForeignLink("the link does not end in one code")
    return tail.group(1)


def decode_q(q: str, *, base_url: str) -> str:
    """Return the code in the `q` a mini-program page receives, or raise ForeignLink.

    `q` is the whole link, percent-encoded; it is decoded exactly once, because a second time would
    turn `%2500` into a NUL that the first look did not show. `+` stays a plus, as on the phone.
    """
    return code_from_url(unquote(q), base_url=base_url)


def scheme_link(
    *,
    appid: str,
    path: str,
    query: Mapping[str, str],
    env_version: Literal["release", "trial", "develop"] = "release",
) -> str:
    """Return the plain-text scheme that opens a mini-program page from a browser.

    :param path: a page of the released version, without a leading slash
    :param query: what the page receives; at most 512 characters once encoded
    Source: WeChat's developer documentation on url-scheme. Raises ValueError outside its bounds.
    """
    if not re.fullmatch(r"[0-9A-Za-z_-]+", appid):
        raise ValueError("an appid is letters and digits")
    if not _PAGE_PATH.fullmatch(path):
        raise ValueError("a page path has no leading slash and no query")
    encoded = quote(urlencode(query, quote_via=quote, safe=""), safe="")
    if len(encoded) > MAX_SCHEME_QUERY_CHARS:
        raise ValueError(f"a scheme's query is at most {MAX_SCHEME_QUERY_CHARS} characters encoded")
    parts = f"appid={appid}&path={path}&query={encoded}&env_version={env_version}"
    return f"weixin://dl/business/?{parts}"


def is_scene(text: str) -> bool:
    """Tell whether WeChat takes the text as the scene of a mini-program code."""
    return _SCENE.fullmatch(text) is not None


def _link_prefix(base_url: str) -> str:
    return f"{base_url.rstrip('/')}/m/"


def _mac(domain: bytes, named: str, key: bytes) -> str:
    """80 bits of HMAC-SHA256: exactly 16 base32 characters, so none carries a spare bit."""
    if len(key) < MIN_KEY_BYTES:
        raise ValueError(f"the placard key needs at least {MIN_KEY_BYTES} bytes")
    digest = hmac.digest(key, domain + named.encode("ascii"), hashlib.sha256)
    return base64.b32encode(digest[:10]).decode("ascii")
