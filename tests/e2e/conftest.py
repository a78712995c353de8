"""The development stack as its users start it: one command, its own state directory."""

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from backend.devstack.http_calls import Answer, Caller
from backend.devstack.paths import PROJECT_ROOT
from backend.devstack.processes import free_port

START_WITHIN_S = 120.0  # the machine may be under load, and the journey waits a minute itself
SERVING = "按 Ctrl-C 停止"


@dataclass
class DevStack:
    """One run of `python -m backend.devstack`; its output goes to a file."""

    process: subprocess.Popen[bytes]
    state: Path
    output_file: Path

    @property
    def output(self) -> str:
        return self.output_file.read_text(encoding="utf-8")

    @property
    def web_url(self) -> str:
        found = re.search(r"首页 +(http://\S+)/\n", self.output)
        assert found, self.output
        return found[1]

    @property
    def web_address(self) -> tuple[str, int]:
        parts = urlsplit(self.web_url)
        assert parts.hostname
        assert parts.port
        return parts.hostname, parts.port

    def get(self, path: str) -> Answer:
        return Caller(self.web_url).get(path)

    def wait_for(self, text: str) -> None:
        deadline_s = time.monotonic() + START_WITHIN_S
        while text not in self.output:
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline_s, self.output
            time.sleep(0.05)

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=30)

    def row(self, query: str) -> tuple:
        with sqlite3.connect(f"file:{self.state}/huiquan.sqlite3?mode=ro", uri=True) as connection:
            found: tuple = connection.execute(query).fetchone()
        connection.close()
        return found


Start = Callable[..., DevStack]


def environment(state: Path, **more: str) -> dict[str, str]:
    """Return our environment without servers of one's own, for a stack on this directory."""
    ours = {k: v for k, v in os.environ.items() if k not in ("REDIS_URL", "DATABASE_URL")}
    return {**ours, "HUIQUAN_STATE": str(state), "HUIQUAN_PORT": str(free_port()), **more}


def processes_of(state: Path) -> dict[int, str]:
    """Return the live processes that were started for a state directory, with their commands.

    Known by their environment, or (Valkey writes its title over that) by where they work.
    """
    found = {}
    mark = f"HUIQUAN_STATE={state}".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            dead = (entry / "stat").read_text().rsplit(") ", 1)[1][0] in "ZX"
            ours = mark in (entry / "environ").read_bytes().split(b"\0")
            if not dead and (ours or Path(os.readlink(entry / "cwd")).is_relative_to(state)):
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                found[int(entry.name)] = command
        except OSError:  # gone meanwhile
            continue
    return found


def nothing_left(state: Path, *, within_s: float) -> bool:
    """Whether all processes of a state directory are gone within the limit."""
    deadline_s = time.monotonic() + within_s
    while processes_of(state):
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.05)
    return True


def run_briefly(state: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the stack that ends by itself."""
    return subprocess.run(
        [sys.executable, "-m", "backend.devstack", *words],
        cwd=PROJECT_ROOT,
        env=environment(state),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def ask_raw(address: tuple[str, int], *parts: bytes) -> tuple[int, dict[str, object], bool]:
    """Send bytes as they are; return status, JSON and whether the server then closed."""
    with socket.create_connection(address, timeout=10) as connection:
        for part in parts:
            connection.sendall(part)
        received = b""
        while data := connection.recv(65_536):
            received += data
        closed = True  # recv ended by the server's end, not by our time-out
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), json.loads(body), closed


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start stacks; whatever is left of them at the end is killed."""
    running: list[DevStack] = []

    def start_one(state: Path, *words: str, clock_start: str, until: str = SERVING) -> DevStack:
        output_file = tmp_path_factory.mktemp("output") / "output"
        with output_file.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "backend.devstack", *words],
                cwd=PROJECT_ROOT,
                env=environment(state, HUIQUAN_DEV_CLOCK_START=clock_start),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        stack = DevStack(process, state, output_file)
        running.append(stack)
        stack.wait_for(until)
        return stack

    yield start_one
    for stack in running:
        stack.process.kill()
        stack.process.wait()
        for pid in processes_of(stack.state):
            os.kill(pid, signal.SIGKILL)
