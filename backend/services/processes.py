"""Which of our processes live (进程): each says so in Valkey, all pages of the console can ask."""

import os
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import redis
import structlog

from backend import clock
from backend.extensions import redis_handle
from backend.storage.redis import beats

log = structlog.get_logger()
Kind = Literal["web", "console", "claim_writer", "jobs"]
KINDS: tuple[Kind, ...] = ("web", "console", "claim_writer", "jobs")
EVERY_S = 10.0
MISSED_AFTER_S = 60


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A kind of process: how many were heard in the last minute, and when the last of all."""

    kind: Kind
    alive: int
    last_at: datetime | None


def beat(kind: Kind) -> None:
    """Say that this process lives; without an answer of Valkey nobody hears it."""
    name = f"{kind}:{socket.gethostname()}:{os.getpid()}"
    try:
        beats.beat(redis_handle.client, name, now_ms=clock.now_ms())
    except redis.RedisError as error:
        log.warning("beat_dropped", error=type(error).__name__)


def start_beating(kind: Kind) -> threading.Event:
    """Say so in a thread of its own, until the event returned is set; after a fork."""
    stopping = threading.Event()

    def work() -> None:
        beat(kind)
        while not stopping.wait(EVERY_S):
            beat(kind)

    threading.Thread(target=work, name="beats", daemon=True).start()
    return stopping


def seen() -> Sequence[Seen]:
    """Return each kind of process. Raises redis.RedisError when Valkey cannot be asked."""
    now_ms = clock.now_ms()
    heard: dict[str, list[int]] = {kind: [] for kind in KINDS}
    for name, at_ms in beats.read(redis_handle.client).items():
        heard.setdefault(name.partition(":")[0], []).append(at_ms)
    return [
        Seen(
            kind=kind,
            alive=sum(now_ms - at_ms <= MISSED_AFTER_S * 1000 for at_ms in heard[kind]),
            last_at=clock.from_ms(max(heard[kind])) if heard[kind] else None,
        )
        for kind in KINDS
    ]
