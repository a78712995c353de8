"""Real parts for all tests: a private Valkey, SQLite and PostgreSQL, the real migrations."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import flask_migrate
import pytest
import redis
from apiflask import APIFlask
from hypothesis import HealthCheck, settings
from sqlalchemy import text

from backend import clock
from backend.clock import CHINA
from backend.devstack.postgres import PrivatePostgres
from backend.devstack.valkey import PrivateValkey
from backend.extensions import db, redis_handle
from backend.factory import create_app, create_console
from backend.settings import Settings
from miniprogram_api.edges import EDGES
from tests.console import Console
from tests.factories import City, MovableClock
from tests.starts import Start

OPENING = datetime(2023, 4, 28, 10, 0, tzinfo=CHINA)  # 五一乐购券
DATABASES = ("sqlite", "postgresql")
# How long an example takes says nothing on a machine that does other work too.
UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("untimed", UNTIMED)
# For tests/integration/test_money_machine.py, which is bounded without it.
settings.register_profile("long", UNTIMED, max_examples=300, stateful_step_count=60)
settings.load_profile("untimed")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """All tests run in a process per core; those that are named start sooner in this one."""
    named = config.args_source is not pytest.Config.ArgsSource.TESTPATHS
    return 0 if named or given_server("REDIS_URL") or given_server("DATABASE_URL") else None


def given_server(name: str) -> str | None:
    """Return the address of a server to use, from the environment, else None.

    It is emptied before each test, so that no two processes may share it.
    """
    address = os.environ.get(name, "")
    if not address or (name == "DATABASE_URL" and not address.startswith("postgres")):
        return None
    if "PYTEST_XDIST_WORKER" in os.environ:
        raise pytest.UsageError(f"{name} names one server: run with -n 0")
    return address


@pytest.fixture(scope="session")
def workspace() -> Iterator[Path]:
    """A short private folder: Unix socket paths end at 107 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="hq-test-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def redis_url(workspace: Path) -> Iterator[str]:
    """REDIS_URL when it is set (its data will be flushed), else a private Valkey."""
    if given := given_server("REDIS_URL"):
        yield given
        return
    with PrivateValkey(workspace / "valkey") as server:
        yield server.url


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A fresh database in DATABASE_URL's server when it is PostgreSQL, else in a private one."""
    if given := given_server("DATABASE_URL"):
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
            with redis.Redis.from_url(redis_url) as client:
                client.flushall()
            app.extensions["empty"] = Start("empty")
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
def app(
    apps: dict[str, APIFlask], database: str, moment: MovableClock, request: pytest.FixtureRequest
) -> Iterator[APIFlask]:
    """The application inside its context, its stores empty or, beside `city`, the opened city's."""
    found = apps[database]
    with found.app_context():
        redis_handle.init_app(found)
        if "city" in request.fixturenames:
            begin_opened(found, moment)
        else:
            begin_empty(found)
        yield found
        db.session.remove()


def begin_empty(app: APIFlask) -> None:
    """Leave nothing in the application's database and Valkey."""
    app.extensions["empty"].put_back()


def begin_opened(app: APIFlask, moment: MovableClock) -> None:
    """Put the opened city back; the first call opens it, whenever that test plays."""
    if "opened" not in app.extensions:
        clock.use(MovableClock(OPENING + timedelta(minutes=1)))
        begin_empty(app)
        city = City.opened(app)
        app.extensions["opened"] = (city, Start("opened"))
        clock.use(moment)
    app.extensions["opened"][1].put_back()


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
    opened: City = app.extensions["opened"][0]
    return replace(opened, client=app.test_client(), placard=dict(opened.placard))


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
