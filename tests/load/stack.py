"""A city on real processes: a private Valkey, a database, web servers and writers as deployed.

The caller's own process has the application too, to set the city up and to prove figures by its
services; what is under test answers over HTTP.
"""

import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import flask_migrate
from apiflask import APIFlask
from sqlalchemy import bindparam, text

from backend import clock
from backend.devstack.children import end, spawn
from backend.devstack.paths import PROJECT_ROOT
from backend.devstack.postgres import PrivatePostgres
from backend.devstack.processes import answers, free_port
from backend.devstack.valkey import PrivateValkey
from backend.domain import tokens
from backend.extensions import db, redis_handle
from backend.factory import create_app
from backend.services import campaigns, programmes
from backend.storage.redis import stream
from backend.storage.sql import ChinaTime, transaction
from miniprogram_api.edges import EDGES
from tests.conftest import OPENING, make_settings
from tests.factories import MAY, approve
from tests.load.programme import sample

CLAIMS = f"/api/v1/resident/campaigns/{MAY}/claims"
START_WITHIN_S = 20.0
DRAIN_WITHIN_S = 120.0
RESIDENTS = text("""
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count)
    INSERT INTO residents (id, phone_encrypted, phone_last4, created_at)
    SELECT n, :phone, '0000', :at FROM numbers
""").bindparams(bindparam("at", type_=ChinaTime))
GUNICORN = ("-m", "gunicorn", "-c", "deploy/gunicorn.conf.py")
WRITER = ("-m", "flask", "worker", "claim-writer")
JOBS = ("-m", "flask", "worker", "jobs")


class NotReady(Exception):
    """A process did not start, or not in time; the text ends with its log."""


@dataclass(frozen=True)
class Web:
    """A web server that answers."""

    url: str
    process: subprocess.Popen[bytes]
    log_file: Path


class Stack:
    """One city. Use `city()` to get one that runs.

    :param opened_s: how many seconds before the start 五一乐购券 opened; below 0 it will open
    :param units: the counts of its tiers by position; the others keep the sample's
    """

    def __init__(
        self,
        folder: Path,
        database_url: str,
        *,
        opened_s: float = 60.0,
        units: Mapping[int, int] | None = None,
    ) -> None:
        self.folder = folder
        self.database_url = database_url
        self.valkey = PrivateValkey(folder / "valkey")
        self.offset_s = OPENING.timestamp() + opened_s - time.time()
        self.settings = make_settings(
            database_url=database_url,
            redis_url=self.valkey.url,
            clock_offset_s=self.offset_s,
            files_dir=folder / "files",
        )
        self._units = dict(units or {})
        self._token_ends_s = int(OPENING.timestamp()) + 86_400
        self.app: APIFlask | None = None

    def env(self, **changes: str) -> dict[str, str]:
        """Return the environment of this city's processes."""
        settings = self.settings
        return {
            **os.environ,
            "HUIQUAN_ENV": "test",
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.valkey.url,
            "PUBLIC_BASE_URL": settings.public_base_url,
            "TOKEN_KEY": settings.token_key.hex(),
            "PLACARD_KEY": settings.placard_key.hex(),
            "PERSONAL_DATA_KEY": settings.personal_data_key.hex(),
            "WECHAT_APPID": settings.wechat_appid,
            "WECHAT_SECRET": settings.wechat_secret,
            "RATE_LIMITS": settings.rate_limits,
            "RECEIPT_GRACE_S": str(settings.receipt_grace_s),
            "CLOCK_OFFSET_S": str(self.offset_s),
            "FILES_DIR": str(settings.files_dir),
            "WEB_CONCURRENCY": "2",
            "FLASK_APP": "wsgi",
            **changes,
        }

    def open(self) -> APIFlask:
        """Make the schema, load the sample and run its campaign; the caller enters the context."""
        app = create_app(self.settings, EDGES)
        logging.disable(logging.CRITICAL)  # a drill says one line
        with app.app_context():
            flask_migrate.upgrade()
            programmes.load(sample(self._units), actor="load")
            approve(MAY, actor="load")
            campaigns.run(MAY, actor="load")
            campaigns.forget_snapshots()
        self.app = app
        return app

    def add_residents(self, count: int) -> range:
        """Write residents 1 to `count` and return their ids."""
        with transaction() as session:
            session.execute(RESIDENTS, {"count": count, "at": clock.now(), "phone": b"-"})
        return range(1, count + 1)

    def token(self, resident_id: int) -> str:
        """Return an access token of a resident."""
        claims = tokens.Claims(
            role="resident",
            sign_in_id=resident_id,
            wechat_user_id=resident_id,
            subject_id=resident_id,
            expires_s=self._token_ends_s,
        )
        return tokens.issue(claims, key=self.settings.token_key)

    @contextmanager
    def web(
        self,
        name: str = "web",
        *,
        words: tuple[str, ...] = GUNICORN,
        ready: bool = True,
        port: int | None = None,
        **env: str,
    ) -> Iterator[Web]:
        """Serve as deployed; `env` changes settings. Main thread only, as for every process.

        :param words: what Python runs; it binds to HUIQUAN_BIND
        :param port: where, when somebody must know it before
        """
        port = port or free_port()
        log_file = self.folder / f"{name}.log"
        process = spawn(
            [sys.executable, *words],
            log_file=log_file,
            env=self.env(HUIQUAN_BIND=f"127.0.0.1:{port}", **env),
            cwd=PROJECT_ROOT,
        )
        served = Web(f"http://127.0.0.1:{port}", process, log_file)
        try:
            if ready:
                await_answer(served, "/healthz")
            yield served
        finally:
            end(process, signal.SIGINT, within_s=10)

    def writer(self, name: str = "writer") -> AbstractContextManager[subprocess.Popen[bytes]]:
        """Run a claim writer."""
        return self._worker(WRITER, name)

    def jobs(self, **env: str) -> AbstractContextManager[subprocess.Popen[bytes]]:
        """Run the periodic jobs; `env` changes settings."""
        return self._worker(JOBS, "jobs", **env)

    @contextmanager
    def _worker(
        self, words: tuple[str, ...], name: str, **env: str
    ) -> Iterator[subprocess.Popen[bytes]]:
        process = spawn(
            [sys.executable, *words],
            log_file=self.folder / f"{name}.log",
            env=self.env(**env),
            cwd=PROJECT_ROOT,
        )
        try:
            yield process
        finally:
            end(process, signal.SIGTERM, within_s=10)

    def drain(self) -> float:
        """Let a writer's process write all that waits; return the seconds it took."""
        with self.writer("draining"):
            return self.await_drained()

    def await_drained(self) -> float:
        """Wait until nothing waits in the stream; return the seconds from the first writing on."""
        client, began_s = redis_handle.client, time.monotonic()
        first, first_s = stream.backlog(client, MAY), began_s
        while (now := stream.backlog(client, MAY)) > 0:
            if now >= first:  # the process is still starting, or a last claim came
                first, first_s = now, time.monotonic()
            if time.monotonic() - began_s > DRAIN_WITHIN_S:
                raise NotReady(f"{now} of {first} claims still wait")
            time.sleep(0.02)
        return time.monotonic() - first_s if first else 0.0

    def kill(self) -> None:
        """Kill Valkey (-9) and start it again on what it wrote."""
        self.valkey.kill()
        self.valkey.start()


@contextmanager
def city(
    *,
    database: str = "sqlite",
    opened_s: float = 60.0,
    units: Mapping[int, int] | None = None,
    residents: int = 0,
) -> Iterator[Stack]:
    """Run a city on fresh data, inside the application's context; all of it is gone afterwards.

    :param database: sqlite or postgresql
    """
    with _folder() as folder, _database(database, folder) as url:
        with _served(folder, url, opened_s=opened_s, units=units, residents=residents) as stack:
            yield stack


@contextmanager
def served_city(
    postgres: PrivatePostgres,
    *,
    opened_s: float = 60.0,
    units: Mapping[int, int] | None = None,
    residents: int = 0,
) -> Iterator[Stack]:
    """Run a city, as `city` does, on a server that the caller may kill and start again."""
    url = postgres.create_database("city")
    with _folder() as folder:
        with _served(folder, url, opened_s=opened_s, units=units, residents=residents) as stack:
            yield stack


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="hq-load-"))
    try:
        yield folder
    finally:
        if "HUIQUAN_KEEP_LOAD" not in os.environ:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _served(
    folder: Path,
    url: str,
    *,
    opened_s: float,
    units: Mapping[int, int] | None,
    residents: int,
) -> Iterator[Stack]:
    stack = Stack(folder, url, opened_s=opened_s, units=units)
    with stack.valkey, stack.open().app_context():
        if residents:
            stack.add_residents(residents)
        yield stack
        db.session.remove()
        db.engine.dispose()


@contextmanager
def _database(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{folder}/city.sqlite3"
        return
    with PrivatePostgres() as postgres:
        yield postgres.create_database("city")


def await_answer(web: Web, path: str, *, within_s: float = START_WITHIN_S) -> None:
    """Wait until an address of a server answers with success."""
    deadline_s = time.monotonic() + within_s
    while not answers(f"{web.url}{path}"):
        if web.process.poll() is not None or time.monotonic() > deadline_s:
            raise NotReady(f"{web.url}{path}:\n{web.log_file.read_text()[-2000:]}")
        time.sleep(0.05)
