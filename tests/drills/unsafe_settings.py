"""Drill: Valkey could lose or forget a claim. The start is refused, or /readyz says so with 503.

With settings of the server that are unsafe neither the web server nor the writer starts, and what
runs already is not ready; a quota that is missing or another's makes the city not ready.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator

import redis

from backend.devstack.http_calls import Caller
from backend.devstack.paths import PROJECT_ROOT
from backend.devstack.processes import free_port
from backend.extensions import redis_handle
from backend.storage.redis import keys
from tests.drills import Outcome, play
from tests.factories import MAY
from tests.load.stack import GUNICORN, WRITER, Stack, city

Act = Callable[[redis.Redis], object]

# name: what makes it unsafe, what mends it, whether a start is refused
CASES: dict[str, tuple[Act, Act, bool]] = {
    "appendfsync": (
        lambda client: client.config_set("appendfsync", "everysec"),
        lambda client: client.config_set("appendfsync", "always"),
        True,
    ),
    "appendonly": (
        lambda client: client.config_set("appendonly", "no"),
        lambda client: client.config_set("appendonly", "yes"),
        True,
    ),
    "eviction": (
        lambda client: client.config_set("maxmemory-policy", "allkeys-lru"),
        lambda client: client.config_set("maxmemory-policy", "noeviction"),
        True,
    ),
    "replica": (
        lambda client: client.replicaof("127.0.0.1", str(free_port())),
        lambda client: client.replicaof("NO", "ONE"),
        True,
    ),
    "epoch_absent": (
        lambda client: client.hdel(keys.quota(MAY), "epoch"),
        lambda client: client.hset(keys.quota(MAY), "epoch", "1"),
        False,
    ),
    "epoch_of_another": (
        lambda client: client.hset(keys.quota(MAY), "epoch", "2"),
        lambda client: client.hset(keys.quota(MAY), "epoch", "1"),
        False,
    ),
}


def drill() -> Iterator[Outcome]:
    """Make each unsafe in turn, look, and mend it."""
    held: list[str] = []
    figures: dict[str, object] = {}
    with city() as stack, stack.web() as web:
        caller = Caller(web.url)
        for name, (spoil, mend, refuses) in CASES.items():
            before = caller.get("/readyz").status
            spoil(redis_handle.client)
            not_ready = caller.get("/readyz").status
            refused = [refuses_start(stack, words) for words in (GUNICORN, WRITER) if refuses]
            mend(redis_handle.client)
            figures[name] = f"{not_ready}" + (f",{sum(refused)}_of_2_starts_refused" * refuses)
            if (before, not_ready) == (200, 503) and all(refused):
                held.append(name)
    yield len(held) == len(CASES), {"held": f"{len(held)}_of_{len(CASES)}", **figures}


def refuses_start(stack: Stack, words: tuple[str, ...]) -> bool:
    """Whether a process says why, and ends with an error, instead of serving."""
    env = stack.env(HUIQUAN_BIND=f"127.0.0.1:{free_port()}")
    command = [sys.executable, *words]
    try:
        ended = subprocess.run(
            command,
            check=False,
            cwd=PROJECT_ROOT,
            env=env,
            capture_output=True,
            text=True,
            timeout=15,
        )
    except subprocess.TimeoutExpired:
        return False
    return ended.returncode != 0 and "valkey_unsafe" in ended.stdout + ended.stderr


if __name__ == "__main__":
    play("unsafe_settings", drill)
