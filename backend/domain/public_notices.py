"""Notices to the public (公告): plain text, and links only to pages of our own.

draft ── submit ──► submitted ── publish, by another person ──► published
  ▲                     │
  └──── send back ──────┘        each of the three ── withdraw ──► withdrawn

Only a draft is edited, and only by whoever wrote it: so whoever releases has written none of it.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Literal

from backend.domain.errors import HuiquanError

NoticeState = Literal["draft", "submitted", "published", "withdrawn"]
STATE_NAMES: dict[NoticeState, str] = {
    "draft": "草稿",
    "submitted": "待发布",
    "published": "已发布",
    "withdrawn": "已撤回",
}
MAX_TITLE_LENGTH = 60  # characters
MAX_BODY_LENGTH = 5000
MAX_REASON_LENGTH = 200
_PARAGRAPH = re.compile(r"\n\s*\n")
_ADDRESS = re.compile(r"https?://[0-9A-Za-z._~:/?#\[\]@!$&'()*+,;=%-]+")


class PublicNoticeInvalid(HuiquanError):
    code = "public_notice_invalid"
    message = (
        "公告标题须为 1 至 60 个字，正文为 1 至 5000 个字，退回、撤回须有原因，不能有看不见的字符"
    )
    category = "invalid"


class PublicNoticeStateRefused(HuiquanError):
    code = "public_notice_state_refused"
    message = "公告当前状态不允许此操作，请先查看公告列表"
    category = "conflict"


class PublicNoticeOfAnother(HuiquanError):
    code = "public_notice_of_another"
    message = "草稿只能由撰写人修改和送审；要改别人的公告，请联系撰写人，或撤回后另写一则"
    category = "forbidden"


class PublicNoticeChanged(HuiquanError):
    code = "public_notice_changed"
    message = "公告文字已有改动，请重新打开，看过现在的文字再办理"
    category = "conflict"


def check(*, title: str, body: str) -> None:
    """Refuse words that cannot be shown: PublicNoticeInvalid. Lengths are in characters."""
    if not _is_line(title, MAX_TITLE_LENGTH):
        raise PublicNoticeInvalid("title")
    if not body.strip() or len(body) > MAX_BODY_LENGTH or not _is_visible(body.replace("\n", "")):
        raise PublicNoticeInvalid("body")


def check_reason(reason: str) -> None:
    """Refuse a withdrawal or a return without a reason: PublicNoticeInvalid."""
    if not _is_line(reason, MAX_REASON_LENGTH):
        raise PublicNoticeInvalid("reason")


def paragraphs(body: str) -> list[str]:
    """Return the paragraphs of a text, which blank lines part."""
    return [part.strip() for part in _PARAGRAPH.split(body) if part.strip()]


def pieces(paragraph: str, *, base_url: str) -> Iterator[tuple[str, bool]]:
    """Yield a paragraph's pieces and whether each is an address of our own host, to be a link.

    An address of any other host stays text: a notice leads nobody away.
    """
    rest = 0
    for found in _ADDRESS.finditer(paragraph):
        address = found[0].rstrip(".,;:!?)")
        if address != base_url and not address.startswith(f"{base_url}/"):
            continue
        if found.start() > rest:
            yield paragraph[rest : found.start()], False
        yield address, True
        rest = found.start() + len(address)
    if rest < len(paragraph):
        yield paragraph[rest:], False


def _is_line(text: str, max_length: int) -> bool:
    return bool(text.strip()) and len(text) <= max_length and _is_visible(text)


def _is_visible(text: str) -> bool:
    """Tell whether no character is hidden: control, format (which can turn text round), half."""
    return not any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in text)
