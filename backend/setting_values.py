"""How the text of a setting becomes its value: each returns it, or raises ValueError with what is
wanted."""

import math
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from backend import redis_address

Parser = Callable[[str], object]


def key(text: str) -> bytes:
    if not re.fullmatch(r"[0-9A-Fa-f]{64}", text):
        raise ValueError("wants 64 hex digits")
    return bytes.fromhex(text)


def environment(text: str) -> str:
    if text not in ("production", "development", "test"):
        raise ValueError("wants production, development or test")
    return text


def database_url(text: str) -> str:
    """PostgreSQL is spoken through psycopg 3, whatever short form the address takes."""
    for short in ("postgresql://", "postgres://"):
        if text.startswith(short):
            return "postgresql+psycopg://" + text.removeprefix(short)
    if not text.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise ValueError("wants sqlite:/// or postgresql://")
    return text


def redis_url(text: str) -> str:
    redis_address.parse(text)
    return text


def base_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError("wants http(s)://HOST")
    return text.rstrip("/")


def positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise ValueError("wants a whole number above 0")
    return int(text)


def up_to(limit: int) -> Parser:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) > limit:
            raise ValueError(f"wants a whole number from 0 to {limit}")
        return int(text)

    return parse


def offset(text: str) -> float:
    try:
        offset_s = float(text)
    except ValueError:
        offset_s = math.nan
    if not math.isfinite(offset_s):
        raise ValueError("wants a number of seconds")
    return offset_s


def prefix(text: str) -> str:
    """Two digits that no wallet's payment code begins with."""
    taken = {"01", "18", "51", "62", "81", "83", "91"}
    taken |= {str(n) for n in (*range(10, 16), *range(25, 31))}  # WeChat, Alipay
    if len(text) != 2 or not text.isascii() or not text.isdigit() or text in taken:
        raise ValueError("wants two digits that no wallet uses")
    return text


def bearer(text: str) -> str:
    if not re.fullmatch(r"[!-~]{16,200}", text):
        raise ValueError("wants 16 to 200 printable characters")
    return text


def switch(text: str) -> str:
    if text not in ("on", "off"):
        raise ValueError("wants on or off")
    return text


def rate(text: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]{0,8}/(second|minute|hour)", text):
        raise ValueError("wants NUMBER/second, /minute or /hour")
    return text


def file_content(text: str) -> bytes:
    try:
        return Path(text).read_bytes()
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from error


def folder(text: str) -> Path:
    """A relative folder would be another one for each process that was started elsewhere."""
    if not (folder := Path(text)).is_absolute():
        raise ValueError("wants an absolute path")
    return folder


def verify_file(text: str) -> tuple[str, str]:
    """The file by which WeChat verifies who owns the address of the placards."""
    match = re.fullmatch(r"([0-9A-Za-z_-]{1,60}\.txt):([!-~]{1,200})", text)
    if match is None:
        raise ValueError("wants NAME.txt:CONTENT")
    return match[1], match[2]


def matching(pattern: str, wants: str) -> Parser:
    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"wants {wants}")
        return text

    return parse
