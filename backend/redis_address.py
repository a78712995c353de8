"""`REDIS_URL` read: one server, the primary of a Sentinel service, or a Cluster."""

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

Kind = Literal["single", "sentinel", "cluster"]
_KINDS: dict[str, Kind] = {
    "redis": "single",
    "rediss": "single",
    "unix": "single",
    "redis+sentinel": "sentinel",
    "redis+cluster": "cluster",
}


@dataclass(frozen=True, kw_only=True)
class RedisAddress:
    """Where Valkey is. Of a single server only `url` is set: redis-py reads that form itself."""

    kind: Kind
    url: str
    hosts: tuple[tuple[str, int], ...] = ()  # sentinels, or some nodes of the cluster
    service: str = ""
    username: str | None = None
    password: str | None = None
    db: int = 0


def parse(url: str) -> RedisAddress:
    """Return what an address says. Raises ValueError; its text never quotes the address."""
    scheme, separator, rest = url.partition("://")
    kind = _KINDS.get(scheme)
    if kind is None or not separator or not rest:
        raise ValueError(
            "wants redis://, rediss://, unix://, redis+sentinel:// or redis+cluster://"
        )
    if kind == "single":
        return RedisAddress(kind=kind, url=url)
    parts = urlsplit(url)
    account, _, hosts = parts.netloc.rpartition("@")
    username, _, password = account.partition(":")
    service = parts.path.strip("/")
    if kind == "cluster" and (service or parts.query):
        raise ValueError("wants redis+cluster://[USER:PASSWORD@]HOST:PORT,HOST:PORT and no more")
    if kind == "sentinel" and not re.fullmatch(r"[\w.-]+", service):
        raise ValueError("wants redis+sentinel://[USER:PASSWORD@]HOST:PORT,HOST:PORT/SERVICE?db=0")
    return RedisAddress(
        kind=kind,
        url=url,
        hosts=tuple(map(_host, hosts.split(","))),
        service=service,
        username=unquote(username) or None,
        password=unquote(password) or None,
        db=_db(parts.query),
    )


def _host(text: str) -> tuple[str, int]:
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]@/]+):([0-9]{1,5})", text)
    if match is None or not 0 < int(match[2]) < 65536:
        raise ValueError("wants HOST:PORT, separated by commas")
    return match[1].strip("[]"), int(match[2])


def _db(query: str) -> int:
    values = parse_qs(query, keep_blank_values=True)
    number = values.pop("db", ["0"])[-1]
    if values or not (number.isascii() and number.isdigit()):
        raise ValueError("wants nothing but ?db=NUMBER after the service")
    return int(number)
