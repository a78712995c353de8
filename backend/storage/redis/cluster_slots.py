"""Which node of a cluster serves which key, as an event loop needs to know it."""

import asyncio
import bisect
import time
from typing import Any

from redis.crc import key_slot
from redis.exceptions import RedisError

from backend import redis_clients
from backend.redis_clients import ClusterUnavailable

Host = tuple[str, int]
ANSWERS_WITHIN_S = 0.5  # one of several nodes: the next is asked
EVERY_S = 0.5  # while a node is down, its claims ask again no more often than this


class ClusterSlots:
    """The cluster's own table of slots, learned from whichever node answers.

    What was learned stays in use until something newer is known: while a node is down the others
    are found as before.
    """

    def __init__(self, redis_url: str, hosts: tuple[Host, ...]) -> None:
        self._url = redis_url
        self._known: list[Host] = list(hosts)
        self._ends: list[int] = []  # last slot of each range, ascending
        self._ranges: list[tuple[int, Host]] = []  # (first slot, node) of the same ranges
        self._by_key: dict[str, Host | None] = {}
        self._stale = True
        self._learned_s = 0.0

    def host_of(self, key: str) -> Host | None:
        """Return the node that serves a key, or None when nobody said so yet."""
        if key not in self._by_key:
            self._by_key[key] = self._find(key_slot(key.encode()))
        return self._by_key[key]

    def forget(self, *, also: Host | None = None) -> None:
        """Want a newer table; `also` names the node that a MOVED answer named."""
        self._stale = True
        if also is not None:
            self._learned_s = 0.0
            self._known = [also, *(host for host in self._known if host != also)]

    async def learn(self) -> None:
        """Ask the known nodes in turn. Raises redis.RedisError when none answers."""
        if not self._stale or time.monotonic() - self._learned_s < EVERY_S:
            return
        for host in list(self._known):
            try:
                answer = await asyncio.wait_for(self._ask(host), ANSWERS_WITHIN_S)
            except (RedisError, OSError, TimeoutError):
                self._known.remove(host)  # asked last from here on
                self._known.append(host)
                continue
            self._keep(host, answer)
            return
        raise ClusterUnavailable("no node of the cluster answers")

    async def _ask(self, host: Host) -> Any:
        connection = redis_clients.make_node_connection(self._url, *host)
        try:
            await connection.connect()
            await connection.send_command("CLUSTER", "SLOTS")
            return await connection.read_response()
        finally:
            await connection.disconnect()

    def _keep(self, asked: Host, answer: Any) -> None:
        """Keep CLUSTER SLOTS: [first, last, [host, port, …] of the primary, …] for each range."""
        ranges = sorted(
            (int(last), int(first), (primary[0] or asked[0], int(primary[1])))
            for first, last, primary, *_replicas in answer
        )
        self._ends = [last for last, _, _ in ranges]
        self._ranges = [(first, host) for _, first, host in ranges]
        others = {host for _, host in self._ranges} - set(self._known)
        self._known += sorted(others)
        self._by_key.clear()
        self._stale, self._learned_s = False, time.monotonic()

    def _find(self, slot: int) -> Host | None:
        at = bisect.bisect_left(self._ends, slot)
        if at == len(self._ends) or self._ranges[at][0] > slot:
            return None
        return self._ranges[at][1]
