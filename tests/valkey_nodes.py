"""Several real Valkeys: a primary with a replica and sentinels, and a cluster of three."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from backend.devstack.children import end, spawn
from backend.devstack.processes import free_port
from backend.devstack.valkey import SETTINGS, get_binary_path

SERVICE = "hq"
START_LIMIT_S = 30
SLOTS = 16_384
MIN_REPLICAS = {"min-replicas-to-write": "1", "min-replicas-max-lag": "1"}


@dataclass
class Node:
    """One server process on a TCP port of 127.0.0.1."""

    directory: Path
    port: int
    options: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def client(self) -> redis.Redis:
        """A client that waits for nothing."""
        return redis.Redis(
            port=self.port,
            decode_responses=True,
            protocol=2,
            socket_timeout=1,
            retry=Retry(NoBackoff(), 0),
        )

    def start(self) -> None:
        """Start on the data that is there; return once it answers."""
        self.directory.mkdir(parents=True, exist_ok=True)
        chosen = {k: v for k, v in SETTINGS.items() if k != "unixsocketperm"}
        chosen |= {"dir": str(self.directory), "port": str(self.port), **self.options}
        self._spawn([word for name, value in chosen.items() for word in (f"--{name}", value)])
        wait_until(self.answers)

    def start_sentinel(self, primary_port: int) -> None:
        """Start as a sentinel of `SERVICE`."""
        self.directory.mkdir(parents=True, exist_ok=True)
        conf = self.directory / "sentinel.conf"
        conf.write_text(
            f"port {self.port}\nbind 127.0.0.1\ndir {self.directory}\n"
            f"sentinel monitor {SERVICE} 127.0.0.1 {primary_port} 2\n"
            f"sentinel down-after-milliseconds {SERVICE} 500\n"
            f"sentinel failover-timeout {SERVICE} 3000\n"
        )
        self._spawn([str(conf), "--sentinel"])
        wait_until(self.answers)

    def answers(self) -> bool:
        """Whether it answers now."""
        with self.client as client, suppress(redis.RedisError):
            return bool(client.ping())
        return False

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, such as SIGSTOP: cut off, as its callers see it."""
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it as a crash would."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGCONT)
            end(self.process, signal.SIGKILL, within_s=10)
            self.process = None

    def _spawn(self, options: list[str]) -> None:
        self.process = spawn(
            [str(get_binary_path()), *options],
            log_file=self.directory / "valkey.log",
            cwd=self.directory,
        )


@dataclass
class Sentinels:
    """A primary, its replicas and three sentinels."""

    primary: Node
    replicas: list[Node]
    sentinels: list[Node]

    @property
    def replica(self) -> Node:
        """The only one, or the first."""
        return self.replicas[0]

    @property
    def url(self) -> str:
        """What REDIS_URL says."""
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.sentinels)
        return f"redis+sentinel://{hosts}/{SERVICE}?db=0"


@contextmanager
def sentinels(folder: Path, *, replicas: int = 1) -> Iterator[Sentinels]:
    """Run one until the end of the block."""
    primary = Node(folder / "primary", free_port(), {"repl-diskless-sync-delay": "0"})
    # A replica may become the primary, so both have the whole configuration.
    as_replica = {**primary.options, "replicaof": f"127.0.0.1 {primary.port}"}
    others = [Node(folder / f"replica{n}", free_port(), dict(as_replica)) for n in range(replicas)]
    watchers = [Node(folder / f"sentinel{n}", free_port()) for n in range(3)]
    try:
        primary.start()
        for other in others:
            other.start()
        wait_until(lambda: follows(primary, replicas))
        for node in (primary, *others):
            node.options |= MIN_REPLICAS
            for name, value in MIN_REPLICAS.items():
                node.client.config_set(name, value)
        for watcher in watchers:
            watcher.start_sentinel(primary.port)
        wait_until(lambda: all(_sees_all(watcher, replicas) for watcher in watchers))
        yield Sentinels(primary, others, watchers)
    finally:
        for node in (*watchers, *others, primary):
            node.kill()


def follows(primary: Node, replicas: int = 1) -> bool:
    """Whether so many replicas follow it."""
    said = primary.client.info("replication")
    return all(said.get(f"slave{n}", {}).get("state") == "online" for n in range(replicas))


def _sees_all(watcher: Node, replicas: int) -> bool:
    state = watcher.client.execute_command("SENTINEL MASTER", SERVICE)
    return state["num-other-sentinels"] == 2 and state["num-slaves"] >= replicas


@contextmanager
def cluster(folder: Path, size: int = 3) -> Iterator[list[Node]]:
    """Run a cluster of primaries without replicas until the end of the block."""
    nodes = [
        Node(
            folder / f"node{n}",
            free_port(),
            {
                "cluster-enabled": "yes",
                "cluster-port": str(free_port()),
                "cluster-node-timeout": "1000",
                "cluster-require-full-coverage": "no",
            },
        )
        for n in range(size)
    ]
    try:
        for n, node in enumerate(nodes):
            node.start()
            node.client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", n + 1)
            first, last = n * SLOTS // size, (n + 1) * SLOTS // size - 1
            node.client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
        for node in nodes[1:]:
            port = nodes[0].options["cluster-port"]
            node.client.execute_command("CLUSTER", "MEET", "127.0.0.1", nodes[0].port, port)
        wait_until(lambda: all(_serves_all(node) for node in nodes))
        yield nodes
    finally:
        for node in nodes:
            node.kill()


def cluster_url(nodes: list[Node]) -> str:
    """Return what REDIS_URL says."""
    return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in nodes)


def _serves_all(node: Node) -> bool:
    state = node.client.execute_command("CLUSTER INFO")
    return state["cluster_state"] == "ok" and int(state["cluster_slots_ok"]) == SLOTS


def wait_until(holds: Callable[[], bool], within_s: float = START_LIMIT_S) -> None:
    """Return once it holds."""
    deadline_s = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline_s, "did not come to hold"
        time.sleep(0.05)
