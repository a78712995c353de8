"""The one place that makes clients of Valkey, whatever `REDIS_URL` names."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.connection import ConnectionPool as AsyncPool
from redis.asyncio.retry import Retry as AsyncRetry
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.asyncio.sentinel import SentinelConnectionPool as AsyncSentinelPool
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, ClusterPipeline, RedisCluster
from redis.exceptions import RedisClusterException
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelConnectionPool

from backend import redis_address
from backend.redis_address import RedisAddress

TIMEOUT_S = 2.0  # a slow server is an error after this
SENTINEL_TIMEOUT_S = 0.5  # one of several: the next is asked
WAIT_MS = 1_000  # for replicas to confirm; shorter than TIMEOUT_S, or the answer would be lost

T = TypeVar("T")


class ClusterUnavailable(redis.RedisError):
    """The cluster cannot serve this: no node reached, a slot without a node, keys of two slots."""


class Client(redis.Redis):
    """A client of one server or of a Sentinel service's primary."""

    wait_replicas = 0  # how many replicas must have a script's writes before its answer counts


class Cluster(RedisCluster):
    """A client of a cluster; all that fails is a redis.RedisError, as with one server."""

    wait_replicas = 0

    def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        """Run one command on the node of its key."""
        with _as_redis_errors():
            return super().execute_command(*args, **kwargs)

    def pipeline(self, transaction: Any = None, shard_hint: Any = None) -> ClusterPipeline:
        """Return a pipeline: each command goes to the node of its key."""
        made: ClusterPipeline = super().pipeline(transaction, shard_hint)
        execute: Callable[..., list[Any]] = made.execute

        def translated(raise_on_error: bool = True) -> list[Any]:
            with _as_redis_errors():
                return execute(raise_on_error)

        made.execute = translated  # type: ignore[method-assign]  # redis-py names the class itself
        return made

    def node_of(self, key: str) -> redis.Redis:
        """Return the client of the one node that serves a key."""
        with _as_redis_errors():
            return self.get_redis_connection(self.get_node_from_key(key))

    def learn(self, moved_to: tuple[str, int] | None = None) -> None:
        """Ask the nodes anew who serves what."""
        with _as_redis_errors():
            self.nodes_manager.initialize(
                additional_startup_nodes_info=[moved_to] if moved_to else None
            )

    def _get_command_keys(self, *args: Any) -> Any:
        # redis-py asks a node for this one command's keys, for each call, and always the same
        # node: while that one is down the other nodes' streams could not be read.
        if args[0] == "XREADGROUP":
            return [args[args.index(b"STREAMS") + 1]]
        return super()._get_command_keys(*args)


class _ServicePool(AsyncSentinelPool):
    """Asks the sentinels at a connection alone, and keeps no connection to them open."""

    async def get_master_address(self) -> Any:
        try:
            return await super().get_master_address()
        finally:
            for sentinel in self.sentinel_manager.sentinels:
                await sentinel.aclose()


@contextmanager
def _as_redis_errors() -> Iterator[None]:
    try:
        yield
    except RedisClusterException as error:
        raise ClusterUnavailable(str(error)) from error


def make(url: str, *, wait_replicas: int = 0, timeout_s: float = TIMEOUT_S) -> redis.Redis:
    """Return a client. A cluster is asked for its nodes at once, all others at the first command.

    :param wait_replicas: see `Client.wait_replicas`
    Raises redis.RedisError when no node of a cluster answers.
    """
    address = redis_address.parse(url)
    client: Client | Cluster
    if address.kind == "cluster":
        with _as_redis_errors():
            client = Cluster(
                startup_nodes=[ClusterNode(*host) for host in address.hosts],
                **cluster_options(url, timeout_s=timeout_s),
            )
    elif address.kind == "sentinel":
        sentinel = Sentinel(
            address.hosts,
            sentinel_kwargs=_sentinel_options(Retry(NoBackoff(), 0)),
            **_options(address, timeout_s),
        )
        client = cast(Client, sentinel.master_for(address.service, redis_class=Client))
    else:
        client = cast(Client, Client.from_url(url, **_options(address, timeout_s)))
    client.wait_replicas = wait_replicas
    return cast(redis.Redis, client)  # a cluster has every command that storage uses


def make_connection(url: str) -> AbstractConnection:
    """Return an unopened connection for an event loop, to one server or a service's primary."""
    address = redis_address.parse(url)
    options = _async_options(address)
    if address.kind == "single":
        single: AbstractConnection = AsyncPool.from_url(url, **options).make_connection()
        return single
    no_retry = AsyncRetry(NoBackoff(), 0)
    sentinel = AsyncSentinel(address.hosts, sentinel_kwargs=_sentinel_options(no_retry))
    # The connection refers to its pool weakly: a pool of one that lives as long as it does.
    pool = _ServicePool(address.service, sentinel, **options)
    connection: AbstractConnection = pool.make_connection()
    connection.pool_of_one = pool  # type: ignore[attr-defined]  # keeps it alive
    return connection


def make_node_connection(url: str, host: str, port: int) -> AbstractConnection:
    """Return an unopened connection for an event loop to one node of a cluster."""
    options = _async_options(redis_address.parse(url))
    connection: AbstractConnection = AsyncPool(host=host, port=port, **options).make_connection()
    return connection


def is_cluster(client: object) -> bool:
    """Whether a client is of a cluster, of which a part may be down."""
    return isinstance(client, Cluster)


def primaries(client: redis.Redis) -> list[tuple[str, redis.Redis]]:
    """Return (name, client) of every server that takes claims; the name is '' when it is one.

    Raises redis.RedisError when the cluster cannot say.
    """
    if not isinstance(client, Cluster):
        return [("", client)]
    with _as_redis_errors():
        found = [(node.name, client.get_redis_connection(node)) for node in client.get_primaries()]
    return sorted(found, key=lambda named: str(named[0]))


def by_node(client: redis.Redis, items: Iterable[T], key: Callable[[T], str]) -> list[list[T]]:
    """Return the items in groups that fail together: all in one, of a cluster one a node.

    Asks nobody: a node that is down has its group.
    """
    if not isinstance(client, Cluster):
        whole = list(items)
        return [whole] if whole else []
    groups: dict[Hashable, list[T]] = {}
    for item in items:
        try:
            name = client.get_node_from_key(key(item)).name
        except RedisClusterException:  # nobody serves the slot
            name = ""
        groups.setdefault(name, []).append(item)
    return list(groups.values())


def fails_over(client: redis.Redis) -> bool:
    """Whether a replica may take over, so that its primary must never be without one."""
    by_sentinel = isinstance(getattr(client, "connection_pool", None), SentinelConnectionPool)
    return by_sentinel or getattr(client, "wait_replicas", 0) > 0


def disconnect(client: redis.Redis) -> None:
    """Close all connections; a process that forks later shares none."""
    if isinstance(client, Cluster):
        client.disconnect_connection_pools()
    else:
        client.connection_pool.disconnect()


def _options(address: RedisAddress, timeout_s: float) -> dict[str, Any]:
    return {
        "decode_responses": True,
        "protocol": 2,  # one form of answers, whatever the server is
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "health_check_interval": 30,
        # Once more after a broken connection, at once: every script is safe to repeat, and a
        # resident should not wait for a server that is down. Never after a time-out: a server
        # that is slow would be asked twice, and the resident wait twice as long.
        "retry": Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
        **_account(address),
    }


def _async_options(address: RedisAddress) -> dict[str, Any]:
    return {
        "decode_responses": True,
        "protocol": 2,
        "socket_timeout": TIMEOUT_S,
        "socket_connect_timeout": TIMEOUT_S,
        **_account(address),
    }


def _account(address: RedisAddress) -> dict[str, Any]:
    account: dict[str, Any] = {}
    if address.username:
        account["username"] = address.username
    if address.password:
        account["password"] = address.password
    if address.kind == "sentinel":
        account["db"] = address.db
    return account


def _sentinel_options(retry: object) -> dict[str, Any]:
    return {
        "socket_timeout": SENTINEL_TIMEOUT_S,
        "socket_connect_timeout": SENTINEL_TIMEOUT_S,
        "protocol": 2,
        "retry": retry,
    }


def cluster_options(url: str, *, timeout_s: float) -> dict[str, Any]:
    """Return how to speak to a cluster's nodes, for whoever makes its own client of one."""
    options = _options(redis_address.parse(url), timeout_s)
    return {**options, "require_full_coverage": False}  # the other nodes' campaigns go on


def cluster_hosts(url: str) -> tuple[tuple[str, int], ...]:
    """Return the nodes that an address of a cluster names; none of any other address."""
    address = redis_address.parse(url)
    return address.hosts if address.kind == "cluster" else ()
