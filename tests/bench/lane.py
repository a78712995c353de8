"""The lane against its rivals: all servers are up at once, and each is loaded for a short time."""

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack

from backend.devstack.postgres import PrivatePostgres
from backend.extensions import redis_handle
from backend.storage.redis import keys, rebuild
from tests.bench.pressing import Pressed, median, press, ratio, tell, write_tokens
from tests.factories import MAY
from tests.load.stack import Stack, Web, city

UNITS = 2_000_000
PEOPLE = 150_000
MANY = 2000
RIVALS = ("-m", "gunicorn", "-c", "tests/bench/rivals.conf.py")

Figures = Iterator[tuple[str, float]]
Found = Mapping[str, Sequence[Pressed]]


class Bench:
    """Servers by name on one city; a run leaves the quota as it was."""

    def __init__(self, stack: Stack, servers: Mapping[str, Web]) -> None:
        self._servers = servers
        self._tokens = write_tokens(stack, stack.folder / "tokens", range(1, PEOPLE + 1))

    def rounds(
        self, count: int, order: Sequence[str], *, seconds: float, connections: int
    ) -> dict[str, list[Pressed]]:
        """Load the servers in this order, again and again; return each one's runs."""
        for name in set(order):
            self._press(name, 1.0, 64)  # connections, terms, the script
        found = defaultdict(list)
        for n in range(1, count + 1):
            print(f" round {n}/{count}, {connections} connections", flush=True)
            for place, name in enumerate(order):
                pressed = self._press(name, seconds, connections)
                tell(name, pressed)
                found[f"{place}:{name}"].append(pressed)
        return found

    def _press(self, name: str, seconds: float, connections: int) -> Pressed:
        sold_out = name == "soldout"
        _fresh_quota(0 if sold_out else UNITS)
        server = self._servers["lane" if sold_out else name]
        return press(
            server, self._tokens, seconds=seconds, connections=connections, refused=sold_out
        )


def _fresh_quota(left: int) -> None:
    client = redis_handle.client
    held = [keys.held(MAY, bucket) for bucket in rebuild.buckets(client, MAY)]
    client.delete(*held, keys.buckets(MAY), keys.claims(MAY))
    client.hset(keys.quota(MAY), "left:1", left)


def against_flask(rounds: int) -> Figures:
    """The lane against a bare endpoint, against our own view, sold out, and with 2,000 people."""
    with city(units={1: UNITS}) as stack, ExitStack() as up:
        servers = {
            "bare": up.enter_context(stack.web("bare", words=(*RIVALS, "tests.bench.bare:app"))),
            "view": up.enter_context(stack.web("view", HUIQUAN_LANE="off")),
            "lane": up.enter_context(stack.web("lane")),
        }
        bench = Bench(stack, servers)
        order = ("bare", "lane", "view", "bare", "soldout")
        usual = bench.rounds(rounds + 2, order, seconds=2, connections=256)
        many = bench.rounds(rounds + 2, ("bare", "lane"), seconds=4, connections=MANY)
    bare, lane, view, bare_again, sold_out = (
        [pressed.per_s for pressed in runs] for runs in usual.values()
    )
    yield from _wrong(usual, many)
    yield "bare_flask_per_s", median(bare)
    yield "claim_per_s", median(lane)
    yield "plain_view_per_s", median(view)
    yield "soldout_per_s", median(sold_out)
    for name, runs in usual.items():
        yield f"{name[2:]}_cpu_us", median(pressed.cpu_us for pressed in runs)
    p99_bare, p99_lane = ([pressed.p99_ms for pressed in runs] for runs in many.values())
    yield "bare_flask_p99_ms_at_2000_conns", median(p99_bare)
    yield "claim_p99_ms_at_2000_conns", median(p99_lane)
    yield "figure claim_vs_bare_flask", ratio(lane, bare)
    yield "figure claim_vs_plain_view", ratio(lane, view)
    yield "figure soldout_vs_bare_flask", ratio(sold_out, bare_again)
    yield "figure claim_p99_vs_bare_at_2000_conns", ratio(p99_lane, p99_bare)


def against_locking(rounds: int) -> Figures:
    """The lane against SELECT … FOR UPDATE on a PostgreSQL that keeps what it acknowledged."""
    with PrivatePostgres() as postgres, city(units={1: UNITS}) as stack, ExitStack() as up:
        url = postgres.create_database("rival")
        _prepare_rival(url)
        words = (*RIVALS, "tests.bench.locked:app")
        servers = {
            "locked": up.enter_context(stack.web("locked", words=words, RIVAL_URL=url)),
            "lane": up.enter_context(stack.web("lane")),
        }
        bench = Bench(stack, servers)
        found = bench.rounds(rounds, ("locked", "lane"), seconds=3, connections=256)
    locked, lane = ([pressed.per_s for pressed in runs] for runs in found.values())
    yield from _wrong(found)
    yield "select_for_update_per_s", median(locked)
    yield "figure claim_vs_select_for_update", ratio(lane, locked)


def _prepare_rival(url: str) -> None:
    os.environ["RIVAL_URL"] = url
    from tests.bench import locked

    locked.reset(MAY)


def _wrong(*found: Found) -> Figures:
    runs = [pressed for each in found for of_one in each.values() for pressed in of_one]
    yield "wrong_answers", sum(pressed.wrong for pressed in runs)
