"""Drill: `make run` is killed (-9) at any moment and started again at once, on the same state.

There are never two Valkey servers on one directory, and whoever owns it has all that was written.
"""

import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backend.devstack.children import processes_in
from backend.devstack.paths import PROJECT_ROOT
from backend.devstack.valkey import PROGRAM
from tests.drills import Outcome, options, play
from tests.e2e.conftest import SERVING, DevStack, environment, nothing_left, processes_of

READY_EVERY = 5  # of so many starts one is let come up whole; the others die on their way
ON_THE_WAY_S = 4.0
LOOK_EVERY_S = 0.02
CLOCK = "2023-04-28T10:00:30+08:00"


class Watch:
    """Looks again and again how many servers work on one directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.most = 0
        self.looks = 0

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Look until the block ends."""
        self._thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(LOOK_EVERY_S):
            self.most = max(self.most, len(processes_in(self._directory, PROGRAM)))
            self.looks += 1


def drill() -> Iterator[Outcome]:
    """Kill and start; at the end nothing may be left."""
    rounds, chance = options().rounds, random.Random(20230428)
    folder = Path(tempfile.mkdtemp(prefix="hq-drill-"))
    state, whole, failed = folder / "state", 0, 0
    watch = Watch(state / "valkey")
    try:
        with watch.looking():
            for n in range(rounds):
                stack = start(state, folder / "output")
                if n % READY_EVERY == 0 or n == rounds - 1:
                    stack.wait_for(SERVING)
                    whole += 1
                    failed += stack.get("/readyz").status != 200
                else:
                    time.sleep(chance.uniform(0.2, ON_THE_WAY_S))
                stack.end(signal.SIGKILL)
        clean = nothing_left(state, within_s=5.0)
    finally:
        for pid in processes_of(state):
            subprocess.run(["kill", "-9", str(pid)], check=False)
        shutil.rmtree(folder, ignore_errors=True)
    yield (
        watch.most == 1 and failed == 0 and clean,
        {
            "kills": rounds,
            "came_up_whole": whole,
            "not_ready": failed,
            "most_servers_on_one_directory": watch.most,
            "looks": watch.looks,
            "left_running": int(not clean),
        },
    )


def start(state: Path, output_file: Path) -> DevStack:
    """Start the stack without its journey; what it says begins anew."""
    with output_file.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "backend.devstack", "--no-journey"],
            cwd=PROJECT_ROOT,
            env=environment(state, HUIQUAN_DEV_CLOCK_START=CLOCK),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    return DevStack(process, state, output_file)


if __name__ == "__main__":
    play("devstack_killed", drill)
