"""What the tests of this folder ask the system about processes."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path


def wait_until(check: Callable[[], bool], *, within_s: float = 5.0) -> bool:
    """Whether `check` comes true within the limit."""
    deadline_s = time.monotonic() + within_s
    while not check():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.01)
    return True


def next_line(process: subprocess.Popen[str]) -> str:
    """Wait for the next line the process prints."""
    assert process.stdout
    return process.stdout.readline()


def live_in_groups(groups: set[int]) -> list[int]:
    """Return the pids of live processes in these process groups; the dead but unreaped are not."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _parent, group = entry.read_text().rsplit(") ", 1)[1].split()[:3]
        except OSError:
            continue
        if int(group) in groups and state not in "ZX":
            found.append(int(entry.parent.name))
    return found
