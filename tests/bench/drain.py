"""From the stream to SQL: the writer's pace beside the lane's, what stays behind, what is kept."""

import time

from backend.extensions import redis_handle
from backend.storage.redis import keys, stream
from tests.bench.lane import UNITS, Figures
from tests.bench.pressing import Pressed, median, press, ratio, tell, write_tokens
from tests.factories import MAY
from tests.load.proofs import differences
from tests.load.stack import Stack, Web, city

PEOPLE = 100_000  # for each round
RUSH_PEOPLE = 300_000
RUSH_S = 10.0
LEFT_BEHIND_AFTER_S = 2.0


def drain_sqlite(rounds: int) -> Figures:
    """Drain into SQLite, then a rush with the writer beside it."""
    people = rounds * PEOPLE
    with city(units={1: UNITS}, residents=people + RUSH_PEOPLE) as stack:
        with stack.web() as web:
            before = _memory()
            yield from _drained("sqlite", stack, web, rounds)
            kept = int(redis_handle.client.hget(keys.quota(MAY), "next:1")) - 1
            yield "figure bytes_per_claim", (_memory() - before) / kept
            yield from _rush(stack, web, range(people + 1, people + RUSH_PEOPLE + 1))
        yield "differences", differences()


def drain_postgres(rounds: int) -> Figures:
    """Drain into PostgreSQL, which keeps what it acknowledged."""
    with city(database="postgresql", units={1: UNITS}, residents=rounds * PEOPLE) as stack:
        with stack.web() as web:
            yield from _drained("postgres", stack, web, rounds)
        yield "differences", differences()


def _drained(name: str, stack: Stack, web: Web, rounds: int) -> Figures:
    lane, writer = [], []
    for n in range(rounds):
        people = range(n * PEOPLE + 1, (n + 1) * PEOPLE + 1)
        tokens = write_tokens(stack, stack.folder / "tokens", people)
        claimed = press(web, tokens, seconds=3)
        waiting = stream.backlog(redis_handle.client, MAY)
        drained_s = stack.drain()
        lane.append(claimed.per_s)
        writer.append(waiting / drained_s)
        print(f" round {n + 1}/{rounds}, {name}", flush=True)
        tell("lane", claimed)
        print(f"  {'writer':24s} {writer[-1]:8.0f}/s  of {waiting}", flush=True)
    yield f"claim_per_s_{name}", median(lane)
    yield f"drain_per_s_{name}", median(writer)
    yield f"figure drain_vs_claim_{name}", ratio(writer, lane)


def _rush(stack: Stack, web: Web, people: range) -> Figures:
    tokens = write_tokens(stack, stack.folder / "tokens", people)
    with stack.writer():
        rushed: Pressed = press(web, tokens, seconds=RUSH_S)
        at_end = stream.backlog(redis_handle.client, MAY)
        time.sleep(LEFT_BEHIND_AFTER_S)
        left_behind = stream.backlog(redis_handle.client, MAY)
        stack.await_drained()
    tell("lane beside the writer", rushed)
    yield "claim_per_s_beside_writer", rushed.per_s
    yield "backlog_at_end_of_rush", at_end
    yield "figure backlog_after_rush", left_behind


def _memory() -> int:
    """Return the bytes that Valkey uses."""
    return int(redis_handle.client.info("memory")["used_memory"])
