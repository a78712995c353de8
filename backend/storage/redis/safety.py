"""Whether a Valkey or Redis may hold public money's quota. Unsafe settings are refused, not logged.

Each rule stands for a measured loss: an append-only file that is not fsynced before the answer
loses acknowledged claims on a power cut, an evicting server forgets who holds a voucher, and a
replica accepts claims that its primary never sees. A primary that was cut off from its replicas
goes on taking claims that the failover forgets, unless `min-replicas-to-write` stops it.
"""

from dataclasses import dataclass

import redis

from backend import redis_clients
from backend.domain.errors import HuiquanError

MIN_REPLICAS = "min-replicas-to-write"


class ValkeyUnsafe(HuiquanError):
    """The server's settings could lose a voucher that was promised; `str()` names each."""

    code = "valkey_unsafe"
    message = "Valkey 的设置可能丢失已领的消费券，服务不能启动，请按括号中的提示修改后重试"


def refuse_unsafe(client: redis.Redis) -> None:
    """Raise ValkeyUnsafe, all faults named, unless every server that answers may be used.

    A node of a cluster that is down refuses its own campaigns' claims, and is asked by `readiness`.
    Raises redis.RedisError when none answers.
    """
    asked = ask(client)
    if asked.silent and not asked.answered:
        raise asked.silent[0][1]
    if found := asked.faults:
        raise ValkeyUnsafe("; ".join(found))


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the servers said: what is unsafe, in words, and which of them are silent, and why."""

    answered: int
    faults: list[str]
    silent: list[tuple[str, redis.RedisError]]


def ask(client: redis.Redis) -> Asked:
    """Ask every server that takes claims: one, or each primary of a cluster."""
    try:
        primaries = redis_clients.primaries(client)
    except redis.RedisError as error:
        return Asked(answered=0, faults=[], silent=[("", error)])
    found: list[str] = []
    silent: list[tuple[str, redis.RedisError]] = []
    for name, server in primaries:
        try:
            of_it = faults(server, fails_over=redis_clients.fails_over(client))
        except redis.RedisError as error:
            silent.append((name, error))
        else:
            found += [f"{fault} (node {name})" if name else fault for fault in of_it]
    return Asked(answered=len(primaries) - len(silent), faults=found, silent=silent)


def faults(server: redis.Redis, *, fails_over: bool = False) -> list[str]:
    """Return what is unsafe about one server, in words; empty when it may be used.

    :param fails_over: a replica may take over, so writes must stop when none follows
    Raises redis.RedisError when it cannot be asked.
    """
    found = []
    for setting, wanted in (
        ("appendonly", "yes"),
        ("appendfsync", "always"),
        ("maxmemory-policy", "noeviction"),
    ):
        config = server.config_get(setting)
        if config.get(setting) != wanted:
            found.append(f"{setting} is {config.get(setting)!r}, wants {wanted!r}")
    if fails_over:
        at_least = str(server.config_get(MIN_REPLICAS).get(MIN_REPLICAS, "0"))
        if int(at_least) < 1:
            found.append(f"{MIN_REPLICAS} is {at_least!r}, wants '1' or more")
    role = server.info("replication").get("role")
    if role != "master":
        found.append(f"role is {role!r}, wants the primary")
    persistence = server.info("persistence")
    if persistence.get("aof_last_write_status") not in (None, "ok"):
        found.append("the last write of the append-only file failed")
    return found
