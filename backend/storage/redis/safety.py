"""Whether a Valkey or Redis may hold public money's quota. Unsafe settings are refused, not logged.

Each rule stands for a measured loss: an append-only file that is not fsynced before the answer
loses acknowledged claims on a power cut, an evicting server forgets who holds a voucher, and a
replica accepts claims that its primary never sees.
"""

import redis

from backend.domain.errors import HuiquanError


class ValkeyUnsafe(HuiquanError):
    """The server's settings could lose a voucher that was promised; `str()` names each."""

    code = "valkey_unsafe"
    message = "Valkey 的设置可能丢失已领的消费券，服务不能启动，请按括号中的提示修改后重试"


def refuse_unsafe(client: redis.Redis) -> None:
    """Raise ValkeyUnsafe, all faults named, unless the server may be used."""
    if found := faults(client):
        raise ValkeyUnsafe("; ".join(found))


def faults(client: redis.Redis) -> list[str]:
    """Return what is unsafe about the server, in words; empty when it may be used.

    Raises redis.RedisError when it cannot be asked.
    """
    found = []
    for setting, wanted in (
        ("appendonly", "yes"),
        ("appendfsync", "always"),
        ("maxmemory-policy", "noeviction"),
    ):
        config = client.config_get(setting)
        if config.get(setting) != wanted:
            found.append(f"{setting} is {config.get(setting)!r}, wants {wanted!r}")
    role = client.info("replication").get("role")
    if role != "master":
        found.append(f"role is {role!r}, wants the primary")
    persistence = client.info("persistence")
    if persistence.get("aof_last_write_status") not in (None, "ok"):
        found.append("the last write of the append-only file failed")
    return found
