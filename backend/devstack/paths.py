"""Where a dev stack keeps its things: one state directory, one owner, removed in one go."""

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from backend.devstack.lock import OwnerLock
from backend.domain.errors import HuiquanError

PROJECT_ROOT = Path(__file__).resolve().parents[2]
SOCKET_PATH_MAX_BYTES = 107  # Linux keeps 108 for a socket's address, the last one a NUL


class StatePathRefused(HuiquanError):
    """The directory cannot serve: it holds somebody else's files, or is open to others."""

    code = "dev_state_path_refused"
    message = "开发环境的状态目录不可用，请用 HUIQUAN_STATE 另指定一个空目录"
    category = "invalid"


@dataclass(frozen=True)
class StateDir:
    """The state directory of one dev stack; `root` is absolute."""

    root: Path

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Read HUIQUAN_STATE; without it, `.state/run` under the project root."""
        chosen = env.get("HUIQUAN_STATE", "")
        root = Path(chosen).expanduser() if chosen else PROJECT_ROOT / ".state" / "run"
        return cls(Path(os.path.abspath(root)))

    @property
    def lock_file(self) -> Path:
        """Names the owner; also the mark that this directory is ours to remove."""
        return self.root / "owner.lock"

    @property
    def valkey_dir(self) -> Path:
        return self.root / "valkey"

    @property
    def database_file(self) -> Path:
        return self.root / "huiquan.sqlite3"

    @property
    def secrets_file(self) -> Path:
        return self.root / "secrets.env"

    @property
    def wechat_pay_keys_file(self) -> Path:
        """Both sides' keys: the stand-in of WeChat Pay reads them here."""
        return self.root / "wechat_pay_keys.json"

    @property
    def unionpay_dir(self) -> Path:
        """Keys and certificates of UnionPay's stand-in and of us as its merchant."""
        return self.root / "unionpay"

    @property
    def logs_dir(self) -> Path:
        return self.root / "logs"

    @property
    def pids_dir(self) -> Path:
        return self.root / "pids"

    @property
    def clock_file(self) -> Path:
        return self.root / "clock"

    @property
    def environment_file(self) -> Path:
        """What the stack's processes found in their environment, for commands run beside it."""
        return self.root / "environment.json"

    def log_file(self, name: str) -> Path:
        """Where the process of this name writes what it says."""
        return self.logs_dir / f"{name}.log"

    def socket(self, name: str) -> Path:
        """A socket address for this stack that fits the system's limit; see `socket_path`."""
        return socket_path(self.root, f"{name}.sock")

    def lock(self) -> OwnerLock:
        """The lock that makes one process the owner; `create()` comes first."""
        return OwnerLock(self.lock_file)

    def create(self) -> None:
        """Make the directories, private to this user (secrets live here).

        :raises StatePathRefused: the directory holds files and is no state directory of ours
        """
        if _is_foreign(self):
            raise StatePathRefused(f"{self.root} holds files that no dev stack put there")
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.lock_file.touch(mode=0o600)
        for directory in (self.valkey_dir, self.logs_dir, self.pids_dir):
            directory.mkdir(mode=0o700, exist_ok=True)

    def reset(self) -> None:
        """Remove everything the stack kept. Without a state directory there is nothing to do.

        :raises StateInUse: a stack runs on it
        :raises StatePathRefused: no dev stack ever ran there, so a slip of the pen in
            HUIQUAN_STATE removes nobody's home
        """
        if not self.root.exists():
            return
        if _is_foreign(self):
            raise StatePathRefused(f"{self.root} is no dev stack's directory: not removed")
        with self.lock():
            for directory in (self.valkey_dir, self.root):
                shutil.rmtree(_short_dir(directory), ignore_errors=True)
            for entry in self.root.iterdir():
                if entry == self.lock_file:
                    continue
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry)
                else:
                    entry.unlink()
            self.lock_file.unlink()
            self.root.rmdir()


def socket_path(directory: Path, name: str) -> Path:
    """Return where a Unix socket of this directory lives: inside it, if its path fits.

    :param name: the socket's file name; its full path may have 107 bytes
    Else it lives in a short private directory (mode 0700) under the system's temporary one, made
    here and named after `directory`, so that every process finds the same one.
    :raises StatePathRefused: that directory is not ours alone, or its path is too long as well
    """
    path = directory / name
    if _fits(path):
        return path
    short = _short_dir(directory)
    if not _fits(short / name):
        raise StatePathRefused(f"no socket path of {SOCKET_PATH_MAX_BYTES} bytes under {short}")
    short.mkdir(mode=0o700, exist_ok=True)
    found = short.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise StatePathRefused(f"{short} is not a private directory of this user")
    return short / name


def _fits(path: Path) -> bool:
    return len(os.fsencode(path)) <= SOCKET_PATH_MAX_BYTES


def _short_dir(directory: Path) -> Path:
    digest = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"huiquan-{digest}"


def _is_foreign(state: StateDir) -> bool:
    root = state.root
    if root.is_dir():
        return not state.lock_file.exists() and any(root.iterdir())
    return root.exists()
