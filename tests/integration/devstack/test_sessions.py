"""A drill that runs too long, or that somebody interrupts, leaves no server behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from backend.devstack.children import processes_in
from backend.devstack.paths import PROJECT_ROOT
from tests.load.session import _members, session

# As a drill does: a Valkey with a group of its own, then work without an end.
CITY = """
import signal, sys, time
from pathlib import Path
from backend.devstack.valkey import PrivateValkey
if sys.argv[2] == "deaf":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
with PrivateValkey(Path(sys.argv[1])):
    Path(sys.argv[1], "up").touch()
    time.sleep(600)
"""

# As the one who plays the drills in turn, told to stop.
LEADER = """
import signal, sys
from pathlib import Path
from tests.load.session import session
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
with session(sys.argv[1:], cwd=Path.cwd()) as drill:
    drill.wait(600)
"""


def started(folder: Path, kind: str) -> list[str]:
    return [sys.executable, "-c", CITY, str(folder), kind]


def await_file(file: Path) -> None:
    deadline_s = time.monotonic() + 60
    while not file.exists():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


@pytest.mark.parametrize("kind", ["listens", "deaf"])
def test_what_a_session_started_ends_with_it_whether_it_listens_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr("tests.load.session.ORDERLY_S", 20.0 if kind == "listens" else 0.2)
    with session(started(tmp_path, kind), cwd=PROJECT_ROOT) as first:
        await_file(tmp_path / "up")
        assert len(_members(first.pid)) == 2
        (server,) = processes_in(tmp_path, "valkey-server")
        assert os.getpgid(server) != os.getpgid(first.pid)
    assert processes_in(tmp_path, "valkey-server") == []
    assert first.returncode == -(signal.SIGINT if kind == "listens" else signal.SIGKILL)


def test_who_leads_the_drills_and_is_told_to_stop_takes_them_along(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LEADER, *started(tmp_path, "listens")]
    leader = subprocess.Popen(command, cwd=PROJECT_ROOT)
    await_file(tmp_path / "up")
    leader.terminate()
    assert leader.wait(30) == 1
    assert processes_in(tmp_path, "valkey-server") == []
