"""Real parts for all tests: a private Valkey, SQLite and PostgreSQL, the real migrations."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import flask_migrate
import pytest
from apiflask import APIFlask
from hypothesis import settings
from sqlalchemy import text

from backend import clock
from backend.clock import CHINA
from backend.devstack.postgres import PrivatePostgres
from backend.devstack.valkey import PrivateValkey
from backend.extensions import db, redis_handle
from backend.factory import create_app, create_console
from backend.services import blocks, campaigns, card_holders
from backend.settings import Settings
from miniprogram_api.edges import EDGES
from tests.console import Console
from tests.factories import City, MovableClock

OPENING = datetime(2023, 4, 28, 10, 0, tzinfo=CHINA)  # 五一乐购券
DATABASES = ("sqlite", "postgresql")
# For tests/integration/test_money_machine.py, which is bounded without it.
settings.register_profile("long", max_examples=300, stateful_step_count=60)


@pytest.fixture(scope="session")
def workspace() -> Iterator[Path]:
    """A short private folder: Unix socket paths end at 107 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="hq-test-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def redis_url(workspace: Path) -> Iterator[str]:
    """REDIS_URL when it is set (its data will be flushed), else a private Valkey."""
    if given := os.environ.get("REDIS_URL"):
        yield given
        return
    with PrivateValkey(workspace / "valkey") as server:
        yield server.url


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A fresh database in DATABASE_URL's server when it is PostgreSQL, else in a private one."""
    given = os.environ.get("DATABASE_URL", "")
    if given.startswith("postgres"):
        yield given
        return
    with PrivatePostgres(durable=False) as server:
        yield server.create_database("huiquan_test")


@pytest.fixture(scope="session")
def database_urls(workspace: Path, postgres_url: str) -> dict[str, str]:
    """The two databases every rule is proved on."""
    return {"sqlite": f"sqlite:///{workspace}/test.db", "postgresql": postgres_url}


def make_settings(**changes: object) -> Settings:
    """Return settings of a test; `database_url` and `redis_url` are wanted."""
    values: dict[str, object] = {
        "environment": "test",
        "public_base_url": "https://xfq.example.gov.cn",
        "token_key": bytes(range(32)),
        "placard_key": bytes(range(1, 33)),
        "personal_data_key": bytes(range(2, 34)),
        "wechat_appid": "wx8888888888888888",
        "wechat_secret": "0123456789abcdef0123456789abcdef",
        "wechat_base_url": "http://127.0.0.1:9",
        "receipt_grace_s": 0,  # tests claim right after a rebuild; the wait has tests of its own
        "rate_limits": "off",  # races ask faster than anybody; the limits have tests of their own
    }
    return Settings(**{**values, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def apps(
    database_urls: dict[str, str], redis_url: str, workspace: Path
) -> Iterator[dict[str, APIFlask]]:
    """One application for each database, migrated once."""
    made = {}
    for name, url in database_urls.items():
        settings = make_settings(
            database_url=url, redis_url=redis_url, files_dir=workspace / "files" / name
        )
        app = create_app(settings, EDGES)
        with app.app_context():
            if name == "postgresql":
                with db.engine.begin() as connection:
                    connection.execute(text("DROP SCHEMA public CASCADE"))
                    connection.execute(text("CREATE SCHEMA public"))
            flask_migrate.upgrade()
        made[name] = app
    yield made
    for app in made.values():
        with app.app_context():
            db.engine.dispose()
        app.extensions["wechat"].close()


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest) -> str:
    """Run the test on each database."""
    name: str = request.param
    return name


@pytest.fixture
def app(apps: dict[str, APIFlask], database: str, moment: MovableClock) -> Iterator[APIFlask]:
    """The application on an emptied database and Valkey, inside its context."""
    found = apps[database]
    with found.app_context():
        redis_handle.init_app(found)
        empty()
        campaigns.forget_snapshots()
        blocks.SNAPSHOTS.forget()
        card_holders.forget()
        yield found
        db.session.remove()


def empty() -> None:
    """Empty every table: the triggers that forbid it are switched off for this alone."""
    redis_handle.client.flushall()
    tables = ", ".join(table.name for table in db.metadata.sorted_tables)
    with db.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET session_replication_role = replica"))
            connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
            connection.execute(text("SET session_replication_role = origin"))
            connection.commit()
            return
        triggers = connection.execute(
            text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        ).all()
        connection.execute(text("PRAGMA defer_foreign_keys = ON"))
        for name, _ in triggers:
            connection.execute(text(f"DROP TRIGGER {name}"))
        for table in reversed(db.metadata.sorted_tables):
            connection.execute(table.delete())
        for _, sql in triggers:
            connection.execute(text(sql))
        connection.commit()


@pytest.fixture
def moment() -> Iterator[MovableClock]:
    """The clock of the test: one minute after 五一乐购券 opens, moved by hand."""
    movable = MovableClock(OPENING + timedelta(minutes=1))
    clock.use(movable)
    yield movable
    clock.use(clock.Clock())


@pytest.fixture
def city(app: APIFlask) -> City:
    """The sample programme loaded, its list published, 五一乐购券 running."""
    return City.opened(app)


@pytest.fixture(scope="session")
def consoles(apps: dict[str, APIFlask]) -> Iterator[dict[str, APIFlask]]:
    """One console for each database."""
    made = {name: create_console(app.extensions["settings"]) for name, app in apps.items()}
    yield made
    for console_app in made.values():
        with console_app.app_context():
            db.engine.dispose()
        console_app.extensions["wechat"].close()


@pytest.fixture
def console(app: APIFlask, consoles: dict[str, APIFlask], database: str) -> Console:
    """The console on the emptied database of the test."""
    return Console(consoles[database])
