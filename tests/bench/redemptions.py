"""Redemptions a second, beside the transaction most would write: a budget row that all lock.

Both end a purchase that was begun: ours by the service behind the clerk's button, the rival by SQL
alone through the driver, which is its gain: no ORM, no rules, no checks of who may. As many
processes and threads for both, on the same server in the same run, in turn; every commit is on disk
when it is counted.
"""

import multiprocessing
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Barrier
from typing import NamedTuple

import psycopg
from sqlalchemy import insert

from backend import clock
from backend.extensions import db
from backend.services import campaigns, clerks, ledger, redemptions
from backend.storage.models.campaigns import Tier
from backend.storage.sql import transaction
from tests.bench.lane import Figures
from tests.bench.pressing import median, ratio
from tests.bench.settlement import begun
from tests.factories import MAY, SUPERMARKET
from tests.load.stack import Stack, city

EACH = 1_500  # redemptions of one turn
WARM_UP = 10  # of each thread
WITHIN_S = 600.0
FORK = multiprocessing.get_context("fork")


class Way(NamedTuple):
    """How many do it at once, ours and the rival alike."""

    processes: int
    threads: int  # of each


# Two servers' processes, as deployed on two cores: threads of one share Python's lock, which would
# hold back whichever side does more in Python. SQLite has one writer at a time, whoever asks.
WAYS = {"postgresql": Way(2, 4), "sqlite": Way(1, 1)}
NAMES = {"postgresql": "postgres", "sqlite": "sqlite"}
RIVAL = """
    CREATE TABLE rival_budget (id INTEGER PRIMARY KEY, left_fen BIGINT NOT NULL);
    CREATE TABLE rival_voucher (id INTEGER PRIMARY KEY, used INTEGER NOT NULL);
    CREATE TABLE rival_redemption (
        id TEXT PRIMARY KEY, voucher_id INTEGER NOT NULL UNIQUE, fen BIGINT NOT NULL);
    INSERT INTO rival_budget VALUES (1, 1000000000000);
"""


def redeemed(rounds: int) -> Figures:
    """Measure on both databases."""
    for database in ("postgresql", "sqlite"):
        people = rounds * EACH
        with city(database=database, units={1: people}, residents=people) as stack:
            yield from _compared(stack, database, rounds)


def _compared(stack: Stack, database: str, rounds: int) -> Figures:
    clerk = clerks.add_clerk(
        merchant_id=SUPERMARKET, name="王店员", phone="13900000000", actor="bench"
    )
    with _rival(stack, database, rounds * EACH) as rival:
        ours, theirs = [], []
        for turn in range(rounds):
            people = range(turn * EACH + 1, (turn + 1) * EACH + 1)
            _begin(people)
            theirs.append(_per_s(rival, people, WAYS[database]))
            ours.append(_per_s(lambda n: _confirm(stack, n, clerk.id), people, WAYS[database]))
            name = f" round {turn + 1}/{rounds}, {database}"
            print(f"{name}: {ours[-1]:.0f}/s, by hand {theirs[-1]:.0f}/s", flush=True)
    name = NAMES[database]
    yield f"figure redemptions_per_s_{name}", median(ours)
    yield f"figure handwritten_per_s_{name}", median(theirs)
    yield f"figure redemptions_vs_handwritten_{name}", ratio(ours, theirs)
    # Valkey knows nothing of these vouchers: the books are what is compared.
    yield "differences", len(ledger.check().differences)


def _confirm(stack: Stack, n: int, clerk_id: int) -> None:
    assert stack.app is not None
    with stack.app.app_context():
        redemptions.confirm_paid(order_id=f"{n:032x}", merchant_id=SUPERMARKET, clerk_id=clerk_id)


def _begin(people: range) -> None:
    """Write an open order for each resident, as the application writes one."""
    at, tier = clock.now(), campaigns.terms(MAY).tiers[0]
    with transaction() as session:
        for model, rows in begun(people, tier, at):
            session.execute(insert(model), rows)
        session.query(Tier).filter(Tier.id == tier.id).update(
            {Tier.claimed_count: Tier.claimed_count + len(people)}
        )
    db.session.close()


def _per_s(act: Callable[[int], None], people: range, way: Way) -> float:
    """Do it for each of them in so many processes and threads; return how many a second.

    The first few of each thread are not counted: connections are opened, statements prepared.
    """
    threads = way.processes * way.threads
    gate = FORK.Barrier(threads + 1, timeout=WITHIN_S)
    parts = [people[n::threads] for n in range(threads)]
    start = threading.Thread if way.processes == 1 else FORK.Process
    workers = [
        start(target=_work, args=(act, parts[n :: way.processes], gate))
        for n in range(way.processes)
    ]
    for worker in workers:
        worker.start()
    gate.wait()
    began_s = time.monotonic()
    gate.wait()
    took_s = time.monotonic() - began_s
    for worker in workers:
        worker.join()
    return (len(people) - WARM_UP * threads) / took_s


def _work(act: Callable[[int], None], parts: list[range], gate: Barrier) -> None:
    """Be one of the processes, with a thread for each part."""
    if multiprocessing.parent_process() is not None:
        db.engine.dispose(close=False)  # those connections are the parent's
    threads = [threading.Thread(target=_each, args=(act, part, gate)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _each(act: Callable[[int], None], people: range, gate: Barrier) -> None:
    """Do it for some, wait for everybody, do it for the rest, and wait again."""
    try:
        for counted in (people[:WARM_UP], people[WARM_UP:]):
            for n in counted:
                act(n)
            gate.wait()
    except BaseException:
        gate.abort()
        raise


@contextmanager
def _rival(stack: Stack, database: str, vouchers: int) -> Iterator[Callable[[int], None]]:
    """Make the rival's tables beside ours, with its own vouchers; yield its transaction."""
    if database == "sqlite":
        yield from _rival_sqlite(stack, vouchers)
    else:
        yield from _rival_postgres(stack, vouchers)


def _rival_sqlite(stack: Stack, vouchers: int) -> Iterator[Callable[[int], None]]:
    file = stack.folder / "rival.sqlite3"
    connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.executescript(RIVAL)
    connection.execute("BEGIN")
    rows = ((n,) for n in range(1, vouchers + 1))
    connection.executemany("INSERT INTO rival_voucher VALUES (?, 0)", rows)
    connection.execute("COMMIT")

    def redeem(n: int) -> None:
        connection.execute("BEGIN IMMEDIATE")
        (left_fen,) = connection.execute("SELECT left_fen FROM rival_budget").fetchone()
        assert left_fen >= 1000
        connection.execute("UPDATE rival_budget SET left_fen = left_fen - 1000")
        connection.execute("UPDATE rival_voucher SET used = 1 WHERE id = ? AND used = 0", (n,))
        row = (uuid.uuid4().hex, n, 1000)
        connection.execute("INSERT INTO rival_redemption VALUES (?, ?, ?)", row)
        connection.execute("COMMIT")

    yield redeem
    connection.close()


def _rival_postgres(stack: Stack, vouchers: int) -> Iterator[Callable[[int], None]]:
    url = stack.database_url.replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        connection.execute(RIVAL)
        rows = "INSERT INTO rival_voucher SELECT n, 0 FROM generate_series(1, %s) AS n"
        connection.execute(rows, (vouchers,))
    own = threading.local()
    opened: list[psycopg.Connection] = []

    def redeem(n: int) -> None:
        if not hasattr(own, "connection"):
            own.connection = psycopg.connect(url)
            opened.append(own.connection)
        with own.connection.transaction():
            cursor = own.connection.execute("SELECT left_fen FROM rival_budget FOR UPDATE")
            assert cursor.fetchone()[0] >= 1000
            own.connection.execute("UPDATE rival_budget SET left_fen = left_fen - 1000")
            used = "UPDATE rival_voucher SET used = 1 WHERE id = %s AND used = 0"
            own.connection.execute(used, (n,))
            row = (uuid.uuid4().hex, n, 1000)
            own.connection.execute("INSERT INTO rival_redemption VALUES (%s, %s, %s)", row)

    yield redeem
    for connection in opened:
        connection.close()
