"""The supervisor that runs the dev stack's processes and leaves none of them behind.

Three ties hold a process, one for each way to die:
- an orderly end: `Supervisor.stop()`, in reverse order, SIGTERM first;
- `kill -9` of the supervisor: the kernel ends every direct child (see `children`);
- and what those had started, workers for example: a guard process sees its pipe close and kills
  their process groups.
"""

import http.client
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from backend.devstack.children import ProcessFailed, end, kill_group, spawn

POLL_S = 0.05
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# Reads "+group" and "-group" lines; at the end of its input the supervisor is gone, however it
# went, and so must the groups be that are still on the list.
_GUARD = """
import os, signal, sys
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
groups = set()
for line in sys.stdin:
    (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
for group in groups:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass
"""


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(url: str) -> bool:
    """Whether an http:// address answers GET with a status below 400, within a second.

    Spoken directly, so that a proxy named in the environment is never asked about this machine.
    """
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=1.0)
    try:
        connection.request("GET", f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}")
        return connection.getresponse().status < 400
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@dataclass(frozen=True, kw_only=True)
class Program:
    """One process of the stack.

    :param env: the whole environment; None hands down the supervisor's
    :param ready: a URL that must answer below 400, or a check that returns True (an OSError
        counts as not yet); None: ready as soon as it runs
    :param restarts: how often it is started anew after an unexpected death; the death after
        that stops the stack
    """

    name: str
    command: Sequence[str]
    log_file: Path
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    ready: str | Callable[[], bool] | None = None
    ready_within_s: float = 20.0
    restarts: int = 0


@dataclass
class _Child:
    program: Program
    process: subprocess.Popen[bytes]
    restarts_left: int


def _say(line: str) -> None:
    print(line, flush=True)


class Supervisor:
    """Runs programs and leaves none behind. A context manager, for the main thread only.

    Inside the `with` a stop signal (SIGINT, SIGTERM, SIGHUP) ends `run()`, and ends everything
    else by SystemExit with 128 + its number; leaving the `with`, however, stops all programs.

    :param say: where a line for people goes
    :param stop_within_s: limit for an orderly stop of all programs together; then SIGKILL
    :param pids_dir: where `<name>.pid` of each running program is kept, if anywhere
    """

    def __init__(
        self,
        *,
        say: Callable[[str], None] = _say,
        stop_within_s: float = 10.0,
        pids_dir: Path | None = None,
    ) -> None:
        self._say = say
        self._stop_within_s = stop_within_s
        self._pids_dir = pids_dir
        self._children: list[_Child] = []
        self._guard: subprocess.Popen[str] | None = None
        self._handlers: dict[
            signal.Signals, Callable[[int, FrameType | None], Any] | int | None
        ] = {}
        self._signal = 0  # the stop signal that came, 0 for none
        self._deferring = False

    def __enter__(self) -> Self:
        self._handlers = {number: signal.signal(number, self._on_signal) for number in STOP_SIGNALS}
        self._guard = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _GUARD],
            stdin=subprocess.PIPE,
            text=True,
            cwd="/",
            process_group=0,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._deferred():
            self.stop()
            if self._guard:
                with suppress(BrokenPipeError):
                    self._guard.communicate()
                self._guard = None
            for number, handler in self._handlers.items():
                signal.signal(number, handler)

    @property
    def pids(self) -> dict[str, int]:
        """The process id of each program that was started and not stopped, in order of start."""
        return {child.program.name: child.process.pid for child in self._children}

    def start(self, program: Program) -> int:
        """Start a program, wait until it is ready, and return its pid.

        :raises ProcessFailed: it died or was not ready in time; it is gone then
        :raises SystemExit: a stop signal came meanwhile
        """
        if self._guard is None:
            raise RuntimeError("a supervisor starts programs inside its `with` only")
        with self._deferred():
            child = self._launch(program, restarts_left=program.restarts)
        if self._signal:
            raise SystemExit(128 + self._signal)
        return child.process.pid

    def run(self) -> int:
        """Watch the programs until a stop signal comes; stop all and return the signal's number.

        :raises ProcessFailed: a program died and its restarts are used up; all are stopped
        """
        with self._deferred():
            try:
                while not self._signal:
                    self.check()
                    time.sleep(POLL_S)
                return self._signal
            except SystemExit:  # the signal came while a program was being restarted
                return self._signal
            finally:
                self.stop()

    def check(self) -> None:
        """Look once whether all programs live; restart what died or raise ProcessFailed."""
        with self._deferred():
            for child in [c for c in self._children if c.process.poll() is not None]:
                self._replace(child)

    def stop(self) -> None:
        """Stop all programs, the last started first. Returns when all are gone; may be repeated.

        Each gets its share of the time that is left, so one that hangs cannot eat the others'.
        """
        deadline_s = time.monotonic() + self._stop_within_s
        with self._deferred():
            while self._children:
                child = self._children[-1]
                share_s = max(0.0, deadline_s - time.monotonic()) / len(self._children)
                end(child.process, signal.SIGTERM, within_s=share_s)
                self._forget(child)

    def _replace(self, dead: _Child) -> None:
        program, how = dead.program, _how_it_ended(dead.process.returncode)
        kill_group(dead.process)
        self._forget(dead)
        if dead.restarts_left < 1:
            self._say(f"{program.name} 意外退出（{how}），不再重启")
            raise ProcessFailed(program.name, f"died unexpectedly ({how})", program.log_file)
        self._say(f"{program.name} 意外退出（{how}），正在重新启动")
        self._launch(program, restarts_left=dead.restarts_left - 1)

    def _launch(self, program: Program, *, restarts_left: int) -> _Child:
        process = spawn(
            program.command, log_file=program.log_file, env=program.env, cwd=program.cwd
        )
        child = _Child(program, process, restarts_left)
        self._children.append(child)
        self._tell_guard("+", process.pid)
        if self._pids_dir:
            (self._pids_dir / f"{program.name}.pid").write_text(f"{process.pid}\n")
        try:
            self._await_ready(child)
        except BaseException:
            end(process, signal.SIGTERM, within_s=1.0)
            self._forget(child)
            raise
        return child

    def _await_ready(self, child: _Child) -> None:
        program, process = child.program, child.process
        deadline_s = time.monotonic() + program.ready_within_s
        while not _is_ready(program):
            if process.poll() is not None:
                how = _how_it_ended(process.returncode)
                kill_group(process)
                raise ProcessFailed(program.name, f"died at start ({how})", program.log_file)
            if time.monotonic() > deadline_s:
                limit = f"was not ready within {program.ready_within_s:g} s"
                raise ProcessFailed(program.name, limit, program.log_file)
            if self._signal:
                raise SystemExit(128 + self._signal)
            time.sleep(POLL_S)

    def _forget(self, child: _Child) -> None:
        self._children.remove(child)
        self._tell_guard("-", child.process.pid)
        if self._pids_dir:
            (self._pids_dir / f"{child.program.name}.pid").unlink(missing_ok=True)

    def _tell_guard(self, sign: str, group: int) -> None:
        if self._guard and self._guard.stdin:
            with suppress(BrokenPipeError):  # somebody killed the guard; the kernel's tie remains
                self._guard.stdin.write(f"{sign}{group}\n")
                self._guard.stdin.flush()

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._signal = number
        if not self._deferring:
            raise SystemExit(128 + number)

    @contextmanager
    def _deferred(self) -> Iterator[None]:
        """While starting and stopping, a signal is only noted: it must not tear either in two."""
        before, self._deferring = self._deferring, True
        try:
            yield
        finally:
            self._deferring = before


def _is_ready(program: Program) -> bool:
    if program.ready is None:
        return True
    if isinstance(program.ready, str):
        return answers(program.ready)
    try:
        return program.ready()
    except OSError:
        return False


def _how_it_ended(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
