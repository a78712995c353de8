"""The writer: moves claims from Valkey's streams into SQL, in batches, exactly once.

Read → commit → acknowledge, in this order. A writer that dies before the commit loses nothing: the
entries stay its own in Valkey until another reclaims them. One that dies after the commit doubles
nothing: the rows are there by unique number, and the second writing finds them.
"""

import signal
import threading
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import redis
import structlog
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from backend import redis_clients
from backend.domain.campaigns import MODES_WITH_QUOTA
from backend.extensions import redis_handle
from backend.services import campaigns, claims
from backend.storage.redis import keys, stream
from backend.storage.redis.stream import StreamEntry

log = structlog.get_logger()
BATCH = 2000
BATCHES_A_TURN = 20  # of one campaign, before the next campaign has its turn
IDLE_S = 0.25  # between two looks at empty streams: nobody waits for the writer
RECLAIM_AFTER_MS = 5_000  # longer than a batch takes; a dead writer's entries wait this long
RECLAIM_EVERY_S = 2.0
RETRY_S = 1.0


def run(app: Flask, *, stop: threading.Event | None = None) -> None:
    """Write until told to stop; a fault of SQL or Valkey is logged and tried again."""
    stopping = stop or _on_signals()
    consumer = f"writer-{uuid.uuid4().hex[:8]}"
    next_reclaim_s = 0.0
    log.info("claim_writer_started", consumer=consumer)
    while not stopping.is_set():
        try:
            with app.app_context():
                reclaim = time.monotonic() >= next_reclaim_s
                if reclaim:
                    next_reclaim_s = time.monotonic() + RECLAIM_EVERY_S
                written = drain_once(consumer, reclaim=reclaim)
        except (redis.RedisError, SQLAlchemyError) as error:
            log.error("claim_writer_failed", error=type(error).__name__)
            stopping.wait(RETRY_S)
        else:
            if not written:
                stopping.wait(IDLE_S)
    log.info("claim_writer_stopped", consumer=consumer)


def drain_once(consumer: str, *, reclaim: bool = False) -> int:
    """Take some batches from each campaign's stream; return how many entries were settled.

    A node of a cluster that is down keeps its own campaigns' entries alone. Raises its
    redis.RedisError when nothing else was there to do.
    """
    names = [
        c.id for c in campaigns.list_all(claims.STATES_WITH_CLAIMS) if c.mode in MODES_WITH_QUOTA
    ]
    client, settled = redis_handle.client, 0
    fault: redis.RedisError | None = None
    for group in redis_clients.by_node(client, names, keys.claims):
        try:
            for campaign_id in group:
                settled += _drain_campaign(campaign_id, consumer, reclaim=reclaim)
        except redis.RedisError as error:
            log.error("claims_not_drained", error=type(error).__name__, campaigns=group)
            fault = error
    if fault is not None and not settled:
        raise fault
    return settled


def _drain_campaign(campaign_id: str, consumer: str, *, reclaim: bool) -> int:
    client = redis_handle.client
    try:
        settled = _drain_new(campaign_id, consumer)
        if reclaim:
            pages = stream.reclaim(
                client, campaign_id, consumer=consumer, count=BATCH, idle_ms=RECLAIM_AFTER_MS
            )
            settled += sum(_record(campaign_id, entries) for entries in pages)
    except redis.ResponseError as error:
        if "NOGROUP" not in str(error):
            raise
        stream.prepare(client, campaign_id)  # the stream was lost with Valkey
        return 0
    return settled


def _drain_new(campaign_id: str, consumer: str) -> int:
    """Write what no writer has taken yet; return how many entries were settled.

    While SQL writes a batch, a thread waits for Valkey: it reads the next, and forgets the one
    before. What was read and is not written when something fails stays pending, to be reclaimed.
    """
    client = redis_handle.client
    entries = stream.read(client, campaign_id, consumer=consumer, count=BATCH)
    settled, forgotten = 0, list[Future[None]]()
    if not entries:
        return 0
    with ThreadPoolExecutor(1, thread_name_prefix="valkey") as beside:
        for turn in range(1, BATCHES_A_TURN + 1):
            following = None
            if len(entries) == BATCH and turn < BATCHES_A_TURN:
                following = beside.submit(
                    stream.read, client, campaign_id, consumer=consumer, count=BATCH
                )
            written = _write(campaign_id, entries)
            settled += len(written)
            forgotten.append(beside.submit(stream.acknowledge, client, campaign_id, written))
            entries = following.result() if following else []
            if not entries:
                break
    for one in forgotten:
        one.result()
    return settled


def _record(campaign_id: str, entries: Sequence[StreamEntry]) -> int:
    written = _write(campaign_id, entries)
    stream.acknowledge(redis_handle.client, campaign_id, written)
    return len(written)


def _write(campaign_id: str, entries: Sequence[StreamEntry]) -> Sequence[str]:
    recorded = claims.record(entries)
    count = len(recorded.settled)
    log.info("claims_written", campaign_id=campaign_id, entries=count, new=recorded.new)
    return recorded.settled


def _on_signals() -> threading.Event:
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    return stopping
