"""One owner per directory: a lock file that holds the owner's pid and dies with the owner.

The kernel's lock is the truth and the pid in the file only names the holder, so a file left behind
by `kill -9` locks nothing. The descriptor closes on exec: a child process never inherits the lock.
"""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from backend.domain.errors import HuiquanError


class StateInUse(HuiquanError):
    """Another live process owns the directory; `str()` says which one, `pid` may be unknown."""

    code = "dev_state_in_use"
    message = "这个目录正由另一套开发环境使用，请先停止它，或换一个目录再启动"
    category = "conflict"

    def __init__(self, directory: Path, pid: int | None) -> None:
        who = f"process {pid}{_command_of(pid)}" if pid else "a process that is just starting"
        super().__init__(f"{directory} is in use by {who}: stop that one first")
        self.directory = directory
        self.pid = pid


class OwnerLock:
    """An exclusive lock on `path`; a context manager, also within one process not re-entrant."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._fd is not None

    def acquire(self) -> None:
        """Take the lock at once or raise StateInUse. The folder of `path` must exist."""
        while True:
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pid = _read_pid(fd)
                os.close(fd)
                raise StateInUse(self.path.parent, pid) from None
            if _is_file_at(fd, self.path):
                break
            os.close(fd)  # a reset removed the file between open and lock: lock the new one
        os.ftruncate(fd, 0)
        os.pwrite(fd, b"%d\n" % os.getpid(), 0)
        self._fd = fd

    def release(self) -> None:
        """Give the lock back; the file stays, empty, because removing it could free two owners."""
        if self._fd is not None:
            os.ftruncate(self._fd, 0)
            os.close(self._fd)
            self._fd = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def _read_pid(fd: int) -> int | None:
    text = os.pread(fd, 32, 0).strip()
    return int(text) if text.isdigit() else None


def _is_file_at(fd: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except FileNotFoundError:
        return False


def _command_of(pid: int) -> str:
    """Return " (command line)" where the system shows it, else an empty text."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
    except OSError:
        return ""
    return f" ({command.decode(errors='replace').strip()[:80]})"
