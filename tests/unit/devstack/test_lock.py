import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.devstack.lock import OwnerLock, StateInUse

HOLD = """
import sys, time
from pathlib import Path
from backend.devstack.lock import OwnerLock
OwnerLock(Path(sys.argv[1])).acquire()
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def lock_file(tmp_path: Path) -> Path:
    return tmp_path / "owner.lock"


@pytest.fixture
def holder(lock_file: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock_file)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_owner_is_told_who_the_first_one_is(
    lock_file: Path, holder: subprocess.Popen[str]
) -> None:
    with pytest.raises(StateInUse) as refused:
        OwnerLock(lock_file).acquire()
    assert refused.value.pid == holder.pid
    assert f"{lock_file.parent} is in use by process {holder.pid} (" in str(refused.value)
    assert str(refused.value).endswith("stop that one first")
    assert "请先停止它" in refused.value.message


def test_the_lock_dies_with_its_process_even_by_sigkill(
    lock_file: Path, holder: subprocess.Popen[str]
) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert lock_file.read_text() == f"{holder.pid}\n"  # left behind, and binding nobody
    with OwnerLock(lock_file) as lock:
        assert lock.held
        assert lock_file.read_text() == f"{os.getpid()}\n"


def test_one_process_cannot_own_a_directory_twice(lock_file: Path) -> None:
    with OwnerLock(lock_file), pytest.raises(StateInUse):
        OwnerLock(lock_file).acquire()
    with OwnerLock(lock_file):
        pass


def test_a_lock_on_a_removed_file_is_no_lock(
    lock_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reset may remove the file between another start's open and its lock."""
    opened = os.open

    def open_then_lose_the_file(*args: Any) -> int:
        fd = opened(*args)
        monkeypatch.undo()
        lock_file.unlink()
        return fd

    monkeypatch.setattr(os, "open", open_then_lose_the_file)
    with OwnerLock(lock_file), pytest.raises(StateInUse):
        OwnerLock(lock_file).acquire()


def test_a_child_process_does_not_keep_its_parents_lock(lock_file: Path) -> None:
    with OwnerLock(lock_file):
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        with OwnerLock(lock_file) as lock:
            assert lock.held
    finally:
        child.kill()
        child.wait()
