"""A process in a session of its own, so that all it started is found and ended, however it ends.

Servers have process groups of their own, which a signal to their starter's group does not reach.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

ORDERLY_S = 20.0
POLL_S = 0.05


@contextmanager
def session(command: Sequence[str], *, cwd: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command; at the block's end nothing of its session is left.

    A command that still runs is interrupted, as by Ctrl-C, and has 20 s to put away what it made.
    """
    first = subprocess.Popen(command, cwd=cwd, start_new_session=True)
    try:
        yield first
    finally:
        if first.poll() is None:
            first.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                first.wait(ORDERLY_S)
        while living := _members(first.pid):
            for pid in living:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            first.poll()
            time.sleep(POLL_S)
        first.wait()


def _members(leader: int) -> list[int]:
    """Return the live processes of a session; the dead that nobody has reaped do not count."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # gone meanwhile
            state, _parent, _group, its_session = entry.read_text().rsplit(") ", 1)[1].split()[:4]
            if int(its_session) == leader and state not in "ZX":
                found.append(int(entry.parent.name))
    return found
