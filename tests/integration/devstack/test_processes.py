import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from backend.devstack.children import ProcessFailed, end, spawn
from backend.devstack.processes import Program, Supervisor, answers, free_port
from tests.integration.devstack.survivors import live_in_groups, next_line, wait_until

# Three programs with children of their own: one obeys SIGTERM at once, one cleans up first and
# one is deaf to it, as its child is too.
STACK = """
import sys
from pathlib import Path
from backend.devstack.processes import Program, Supervisor
here, mode = Path(sys.argv[1]), sys.argv[2]
scripts = {
    "obedient": "sleep 1000 & wait",
    "tidy": "trap 'sleep 0.2; echo tidied; exit' TERM; sleep 1000 & wait",
    "deaf": "trap '' TERM; sleep 1000 & wait; sleep 1000",
}
with Supervisor(stop_within_s=1.5, pids_dir=here) as supervisor:
    for name, script in scripts.items():
        log = here / f"{name}.log"
        supervisor.start(Program(name=name, command=["sh", "-c", script], log_file=log))
    print(*supervisor.pids.values(), supervisor._guard.pid, flush=True)
    if mode == "starting":
        never = here / "never"
        supervisor.start(Program(name="slow", command=["sleep", "1000"], log_file=never,
                                 ready=never.is_dir))
    if mode == "between":
        input()
    print("stopped by", supervisor.run(), flush=True)
"""


class Stack:
    """The script above, running; `pids` of obedient, tidy and deaf, in this order."""

    def __init__(self, here: Path, mode: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", STACK, str(here), mode],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        *self.pids, self.guard_pid = map(int, next_line(self.process).split())

    def everything(self) -> list[int]:
        return live_in_groups({*self.pids, self.guard_pid})

    def output(self) -> str:
        return "".join(self.process.communicate(timeout=10))


@pytest.fixture
def stack(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Stack]:
    running = Stack(tmp_path, getattr(request, "param", "running"))
    # each shell and its sleep, and the guard
    assert wait_until(lambda: len(running.everything()) == 7), running.everything()
    yield running
    for pid in running.everything():
        os.kill(pid, signal.SIGKILL)
    running.process.kill()
    running.process.communicate()


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., Program]:
    def build(*command: str, **options: Any) -> Program:
        name = options.pop("name", "one")
        return Program(name=name, command=command, log_file=tmp_path / f"{name}.log", **options)

    return build


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_stop_signal_stops_all_within_the_limit_and_leaves_none(
    stack: Stack, tmp_path: Path, number: signal.Signals
) -> None:
    began_s = time.monotonic()
    stack.process.send_signal(number)
    assert f"stopped by {int(number)}" in stack.output()
    assert stack.process.returncode == 0
    assert stack.everything() == []
    assert time.monotonic() - began_s < 3.0
    assert "tidied" in (tmp_path / "tidy.log").read_text()  # the deaf one left it its time
    assert list(tmp_path.glob("*.pid")) == []


@pytest.mark.parametrize("stack", ["starting", "between"], indirect=True)
def test_a_stop_signal_during_the_start_stops_what_runs_already(stack: Stack) -> None:
    time.sleep(0.1)
    stack.process.send_signal(signal.SIGTERM)
    stack.output()
    assert stack.process.returncode == 128 + signal.SIGTERM
    assert stack.everything() == []


def test_kill_9_of_the_supervisor_leaves_no_process_and_no_grandchild(stack: Stack) -> None:
    stack.process.kill()
    stack.process.wait()
    assert wait_until(lambda: stack.everything() == []), stack.everything()


def test_kill_9_of_guard_and_supervisor_still_ends_every_direct_child(stack: Stack) -> None:
    os.kill(stack.guard_pid, signal.SIGKILL)
    stack.process.kill()
    stack.process.wait()
    assert wait_until(lambda: not set(stack.pids) & set(stack.everything()))


def test_without_its_guard_a_supervisor_still_stops_in_order(stack: Stack) -> None:
    os.kill(stack.guard_pid, signal.SIGKILL)
    stack.process.send_signal(signal.SIGTERM)
    assert "stopped by 15" in stack.output()
    assert stack.everything() == []


def test_a_child_that_dies_stops_the_stack_and_is_named(stack: Stack) -> None:
    os.kill(stack.pids[1], signal.SIGKILL)
    output = stack.output()
    assert "tidy 意外退出（signal SIGKILL），不再重启" in output
    assert "ProcessFailed: tidy died unexpectedly (signal SIGKILL)" in output
    assert stack.process.returncode == 1
    assert stack.everything() == []


def test_ctrl_c_in_a_terminal_reaches_the_supervisor_only(stack: Stack) -> None:
    groups = {pid: os.getpgid(pid) for pid in (*stack.pids, stack.guard_pid)}
    assert groups == {pid: pid for pid in groups}
    assert os.getpgid(stack.process.pid) not in groups


def test_programs_stop_in_the_reverse_order_of_their_start(
    tmp_path: Path, program: Callable[..., Program]
) -> None:
    order = tmp_path / "order"
    script = 'trap "echo $0 >> $1; exit" TERM; touch $1.$0; while :; do sleep 0.02; done'
    with Supervisor() as supervisor:
        for name in ("first", "second", "third"):
            ready = (tmp_path / f"order.{name}").exists
            supervisor.start(program("sh", "-c", script, name, str(order), name=name, ready=ready))
        assert list(supervisor.pids) == ["first", "second", "third"]
    assert order.read_text().split() == ["third", "second", "first"]
    assert supervisor.pids == {}


def test_a_program_that_dies_at_start_is_named_with_its_last_20_log_lines(
    program: Callable[..., Program],
) -> None:
    with Supervisor() as supervisor:
        with pytest.raises(ProcessFailed) as failed:
            supervisor.start(
                program("sh", "-c", "seq 101 121; exit 3", name="web", ready=lambda: False)
            )
        assert supervisor.pids == {}
    assert str(failed.value).startswith("web died at start (exit status 3); the end of ")
    assert failed.value.log_lines == [str(n) for n in range(102, 122)]
    assert "  | 121" in str(failed.value)
    assert "  | 101" not in str(failed.value)


def test_a_program_that_does_not_exist_is_named(program: Callable[..., Program]) -> None:
    with Supervisor() as supervisor, pytest.raises(ProcessFailed, match="cannot run /no/such"):
        supervisor.start(program("/no/such", ready=lambda: False))


def test_a_program_that_is_not_ready_in_time_is_named_and_gone(
    program: Callable[..., Program],
) -> None:
    with Supervisor() as supervisor:
        with pytest.raises(ProcessFailed, match=r"^slow was not ready within 0\.3 s"):
            supervisor.start(
                program(
                    "sh",
                    "-c",
                    "echo $$; exec sleep 1000",
                    name="slow",
                    ready=lambda: False,
                    ready_within_s=0.3,
                )
            )
        pid = int(program(name="slow").log_file.read_text())
        assert live_in_groups({pid}) == []


def test_ready_means_that_the_address_answers_below_400(program: Callable[..., Program]) -> None:
    statuses = [503, 404, 302, 200]
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(statuses[len(asked) - 1])
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            url = f"http://127.0.0.1:{server.server_port}/readyz?full=1"
            with Supervisor() as supervisor:
                supervisor.start(program("sleep", "1000", ready=url))
        finally:
            server.shutdown()
            serving.join()
    assert asked == ["/readyz?full=1"] * 3
    assert not answers(url)


def test_a_check_that_meets_a_closed_door_is_asked_again(program: Callable[..., Program]) -> None:
    port = free_port()

    def connects() -> bool:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True

    with Supervisor() as supervisor:
        supervisor.start(
            program(
                sys.executable, "-m", "http.server", "-b", "127.0.0.1", str(port), ready=connects
            )
        )
        assert connects()


def test_a_program_is_restarted_as_often_as_allowed_and_then_given_up(
    program: Callable[..., Program], tmp_path: Path
) -> None:
    said: list[str] = []

    def was_restarted() -> bool:
        supervisor.check()
        return supervisor.pids["worker"] != pids[-1]

    with Supervisor(say=said.append, pids_dir=tmp_path) as supervisor:
        pids = [supervisor.start(program("sleep", "1000", name="worker", restarts=2))]
        for _ in range(2):
            os.kill(pids[-1], signal.SIGKILL)
            assert wait_until(was_restarted)
            pids.append(supervisor.pids["worker"])
            assert (tmp_path / "worker.pid").read_text() == f"{pids[-1]}\n"
        os.kill(pids[-1], signal.SIGKILL)
        with pytest.raises(ProcessFailed, match=r"worker died unexpectedly \(signal SIGKILL\)"):
            supervisor.run()
    assert len(set(pids)) == 3
    assert said == ["worker 意外退出（signal SIGKILL），正在重新启动"] * 2 + [
        "worker 意外退出（signal SIGKILL），不再重启"
    ]


def test_children_get_the_given_environment_and_unchanged_signals(
    program: Callable[..., Program],
) -> None:
    show = "echo $HUIQUAN_ENV $HOME; grep SigIgn /proc/self/status"
    one = program("/bin/sh", "-c", f"{show}; exec sleep 1000", env={"HUIQUAN_ENV": "test"})
    with Supervisor() as supervisor:
        supervisor.start(one)
        assert wait_until(lambda: "SigIgn" in one.log_file.read_text())
    own_variable, _name, ignored = one.log_file.read_text().split()
    assert own_variable == "test"
    # Signals 1 to 31: GNU make hands down two of the C library's own above them as ignored. What
    # whoever started the tests ignores stays so; what Python ignores for itself does not.
    of_python = 1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGXFSZ - 1)
    own = re.search(r"^SigIgn:\s*(\w+)$", Path("/proc/self/status").read_text(), re.M)
    assert own is not None
    assert int(ignored, 16) & 0x7FFF_FFFF == int(own[1], 16) & 0x7FFF_FFFF & ~of_python


def test_a_child_is_started_by_the_main_thread_only(tmp_path: Path) -> None:
    caught = []

    def start() -> None:
        try:
            spawn(["sleep", "1000"], log_file=tmp_path / "log")
        except RuntimeError as error:
            caught.append(str(error))

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert caught == ["only the main thread may start a child: it dies with its thread"]


def test_an_end_that_was_seen_before_signals_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = spawn(["true"], log_file=tmp_path / "log")
    end(process, signal.SIGTERM, within_s=5.0)
    monkeypatch.setattr(os, "killpg", lambda *_: pytest.fail("the number may be another's now"))
    end(process, signal.SIGTERM, within_s=5.0)


def test_outside_its_context_a_supervisor_starts_nothing(program: Callable[..., Program]) -> None:
    with pytest.raises(RuntimeError, match="inside its `with`"):
        Supervisor().start(program("sleep", "1000"))


def test_the_signal_handlers_of_before_return(program: Callable[..., Program]) -> None:
    before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with Supervisor():
        assert signal.getsignal(signal.SIGTERM) != before[1]
    after = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    assert after == before
