"""Starting and ending one child process so that it never outlives its owner.

The kernel signals a direct child when the owner dies, `kill -9` included (PR_SET_PDEATHSIG, Linux
only). What such a child had started itself is the business of `processes.Supervisor`.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from backend.domain.errors import HuiquanError

LOG_TAIL_LINES = 20
POLL_S = 0.02

# Runs in the child before the real program. A small program and not preexec_fn: Python code
# between fork and exec can deadlock as soon as the owner has a second thread.
# "getppid" catches an owner that died before the kernel knew what to do about it.
_TETHER = """
import ctypes, os, signal, sys
owner, death_signal, uid, gid = map(int, sys.argv[1:5])
command = sys.argv[5:]
if uid >= 0:
    os.setgroups([]); os.setgid(gid); os.setuid(uid)
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, death_signal, 0, 0, 0)
if os.getppid() != owner:
    sys.exit("the owner died before its child started")
for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and exec would keep that
    signal.signal(number, signal.SIG_DFL)
try:
    os.execvp(command[0], command)
except OSError as error:
    sys.exit(f"cannot run {command[0]}: {error.strerror}")
"""


class ProcessFailed(HuiquanError):
    """A process died or was not ready in time; `str()` names it and ends with its log."""

    code = "dev_process_failed"
    message = "开发环境的一个进程没有正常运行，请按下面的日志排查后重新启动"

    def __init__(self, name: str, reason: str, log_file: Path) -> None:
        lines = tail(log_file)
        shown = "\n".join(f"  | {line}" for line in lines) or "  | (empty)"
        super().__init__(f"{name} {reason}; the end of {log_file}:\n{shown}")
        self.name = name
        self.log_lines = lines


def spawn(
    command: Sequence[str],
    *,
    log_file: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    death_signal: signal.Signals = signal.SIGKILL,
    user: tuple[int, int] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program in a process group of its own; what it says is appended to `log_file`.

    :param env: the child's whole environment; None hands down ours
    :param death_signal: what the kernel sends the child when this process dies
    :param user: (uid, gid) to become; needs root
    :raises RuntimeError: called outside the main thread, with whose end the child would die
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("only the main thread may start a child: it dies with its thread")
    uid, gid = user or (-1, -1)
    numbers = (os.getpid(), int(death_signal), uid, gid)
    tether = [sys.executable, "-I", "-S", "-c", _TETHER, *map(str, numbers)]
    with log_file.open("ab") as log:
        return subprocess.Popen(
            [*tether, *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=cwd,
            process_group=0,  # the terminal's Ctrl-C is for the owner alone
        )


def end(process: subprocess.Popen[bytes], first: signal.Signals, *, within_s: float) -> None:
    """Send `first`, after `within_s` seconds SIGKILL; return when the whole group is gone."""
    if process.returncode is not None:  # seen dead before: its group's number may be another's now
        return
    if process.poll() is None:
        process.send_signal(first)
        with suppress(subprocess.TimeoutExpired):
            process.wait(within_s)
    kill_group(process)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL the process and its children, and reap it. Call it as soon as its death is seen."""
    deadline_s = time.monotonic() + 2.0  # SIGKILL needs no longer, unless a disk hangs
    while time.monotonic() < deadline_s:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            break
        process.wait()
        if not _group_lives(process.pid):
            break
        time.sleep(POLL_S)
    process.wait()


def _group_lives(group: int) -> bool:
    """Whether a process of this group still runs; the dead that nobody has reaped do not count."""
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # gone meanwhile
            state, _parent, its_group = entry.read_text().rsplit(") ", 1)[1].split()[:3]
            if int(its_group) == group and state not in "ZX":
                return True
    return False


def processes_in(directory: Path, program: str) -> list[int]:
    """Return the pids of live processes of this program whose working directory is `directory`.

    Needs /proc; elsewhere nothing is found.
    """
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            image = os.readlink(entry / "exe").removesuffix(" (deleted)")
            if Path(image).name == program and (entry / "cwd").samefile(directory):
                found.append(int(entry.name))
        except OSError:  # gone meanwhile, dead but not reaped, or another user's
            continue
    return found


def end_processes_in(
    directory: Path, program: str, first: signal.Signals, *, within_s: float
) -> None:
    """End what an earlier owner left running in `directory`; return when nothing is left.

    `first` is sent once, SIGKILL after `within_s` seconds. Each look asks anew who is there, so a
    pid that the system hands to another program meanwhile is never signalled.
    :raises TimeoutError: something survives SIGKILL for as long again
    """
    asked_s = time.monotonic()
    signalled: set[int] = set()
    while pids := processes_in(directory, program):
        waited_s = time.monotonic() - asked_s
        if waited_s > 2 * within_s + 5.0:
            raise TimeoutError(f"{program} {pids} on {directory} cannot be ended")
        for pid in pids:
            with suppress(ProcessLookupError):
                if waited_s > within_s:
                    os.kill(pid, signal.SIGKILL)
                elif pid not in signalled:
                    os.kill(pid, first)
                    signalled.add(pid)
        time.sleep(POLL_S)


def tail(log_file: Path, lines: int = LOG_TAIL_LINES) -> list[str]:
    """Return the last lines of a log, read from its last 64 KiB only."""
    try:
        with log_file.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 65_536))
            return log.read().decode(errors="replace").splitlines()[-lines:]
    except OSError:
        return []
