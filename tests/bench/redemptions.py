"""Redemptions a second, beside the transaction most would write: a budget row that all lock.

Both end a purchase that was begun: ours by the service behind the clerk's button, the rival by SQL
alone through the driver, which is its gain: no ORM, no rules, no checks of who may. As many
threads for both, on the same server in the same run, in turn; every commit is on disk when it is
counted.
"""

import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

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
THREADS = {"postgresql": 8, "sqlite": 1}  # SQLite has one writer at a time, whoever asks
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
            theirs.append(_per_s(rival, people, THREADS[database]))
            ours.append(_per_s(lambda n: _confirm(stack, n, clerk.id), people, THREADS[database]))
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


def _per_s(act: Callable[[int], None], people: range, threads: int) -> float:
    """Do it for each of them, so many at a time; return how many a second."""
    waiting, lock = iter(people), threading.Lock()
    failed: list[BaseException] = []

    def work() -> None:
        try:
            while True:
                with lock:
                    n = next(waiting, None)
                if n is None:
                    return
                act(n)
        except BaseException as error:
            failed.append(error)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    began_s = time.monotonic()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if failed:
        raise failed[0]
    return len(people) / (time.monotonic() - began_s)


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
