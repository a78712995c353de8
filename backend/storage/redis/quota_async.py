"""The quota for an event loop: each claim goes to the server that has its campaign."""

import asyncio

from redis.exceptions import MovedError, RedisError

from backend import redis_clients
from backend.redis_clients import ClusterUnavailable
from backend.storage.redis.cluster_slots import ClusterSlots, Host
from backend.storage.redis.quota import TakeCall
from backend.storage.redis.quota_link import QuotaLink, Told, Waiting

BATCH_MAX = 128  # claims in one call: keeps Valkey's other callers waiting for about a millisecond
WAITING_MAX = 5_000  # a queue longer than this answers nobody in time


class Overloaded(RedisError):
    """More claims wait than can be answered in time."""


class AsyncQuota:
    """The claim script for one event loop: one connection, in a cluster one to each node.

    A node that is down delays and refuses its own campaigns' claims alone.
    """

    def __init__(self, redis_url: str, *, wait_replicas: int = 0) -> None:
        self._url = redis_url
        self._wait_replicas = wait_replicas
        self._slots: ClusterSlots | None = None
        self._links: dict[Host, QuotaLink] = {}
        self._unplaced: list[Waiting] = []
        self._learning: asyncio.Task[None] | None = None
        self._only: QuotaLink | None = None
        if hosts := redis_clients.cluster_hosts(redis_url):
            self._slots = ClusterSlots(redis_url, hosts)
        else:
            self._only = QuotaLink(
                redis_clients.make_connection(redis_url),
                batch_max=BATCH_MAX,
                wait_replicas=wait_replicas,
            )

    def take(self, call: TakeCall, told: Told) -> None:
        """Put the call to those that leave next; `told` gets the answer, never before this returns.

        Raises Overloaded at once.
        """
        link = self._only or self._link_of(call)
        waiting_count = len(self._unplaced) if link is None else link.waiting_count
        if waiting_count >= WAITING_MAX:
            raise Overloaded(f"{waiting_count} claims wait")
        if link is None:
            self._place_later([(call, told, False)])
        else:
            link.put((call, told, False))

    async def close(self) -> None:
        """Answer what waits, then leave."""
        while self._learning is not None:
            await asyncio.wait([self._learning])
        for link in [self._only, *self._links.values()]:
            if link is not None:
                await link.close()

    def _link_of(self, call: TakeCall) -> QuotaLink | None:
        """Return the link to the node of a call's keys; None while nobody has said which."""
        host = self._slots.host_of(call.keys[0]) if self._slots else None
        if host is None:
            return None
        link = self._links.get(host)
        if link is None:
            link = self._links[host] = QuotaLink(
                redis_clients.make_node_connection(self._url, *host),
                batch_max=BATCH_MAX,
                wait_replicas=self._wait_replicas,
                on_fault=self._on_fault,
            )
        return link

    def _on_fault(self, moved: MovedError | None, again: list[Waiting]) -> None:
        """Ask the nodes anew who serves what, then send on what came to the wrong one."""
        if self._slots is not None:
            self._slots.forget(also=(moved.host, moved.port) if moved else None)
        self._place_later(again)

    def _place_later(self, waiting: list[Waiting]) -> None:
        self._unplaced += waiting
        if self._learning is None:
            self._learning = asyncio.get_running_loop().create_task(self._learn())

    async def _learn(self) -> None:
        fault: RedisError = ClusterUnavailable("no node serves this slot")
        try:
            if self._slots is not None:
                await self._slots.learn()
        except RedisError as error:
            fault = error
        finally:
            self._learning = None
        unplaced, self._unplaced = self._unplaced, []
        for waiting in unplaced:
            if link := self._link_of(waiting[0]):
                link.put(waiting)
            else:
                waiting[1](fault)
