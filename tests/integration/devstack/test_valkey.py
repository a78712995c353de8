import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from backend.devstack.children import ProcessFailed, processes_in
from backend.devstack.lock import StateInUse
from backend.devstack.processes import free_port
from backend.devstack.valkey import PROGRAM, PrivateValkey, get_binary_path
from tests.integration.devstack.survivors import next_line, wait_until

OWNER = """
import sys
from pathlib import Path
from redis import Redis
from backend.devstack.valkey import PrivateValkey
with PrivateValkey(Path(sys.argv[1])) as valkey, Redis.from_url(valkey.url) as client:
    print(valkey.pid, flush=True)
    while True:
        print(client.incr("counter"), flush=True)
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "valkey"


@pytest.fixture
def valkey(directory: Path) -> Iterator[PrivateValkey]:
    with PrivateValkey(directory) as server:
        yield server


def ask(server: PrivateValkey, *command: str) -> Any:
    with Redis.from_url(server.url, decode_responses=True) as client:
        return client.execute_command(*command)


def test_the_settings_that_vouchers_rest_on_are_in_force(
    valkey: PrivateValkey, directory: Path
) -> None:
    wanted = {
        "appendonly": "yes",
        "appendfsync": "always",
        "aof-use-rdb-preamble": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",
        "hash-max-listpack-value": "256",
        "enable-debug-command": "no",
        "dir": str(directory),
        "port": "0",
    }
    assert ask(valkey, "CONFIG", "GET", *wanted) == wanted
    with pytest.raises(ResponseError, match="DEBUG command not allowed"):
        ask(valkey, "DEBUG", "JMAP")


def test_without_a_port_it_listens_on_its_socket_only_and_with_one_on_loopback_too(
    directory: Path,
) -> None:
    port = free_port()
    with PrivateValkey(directory):
        with socket.socket() as client:
            assert client.connect_ex(("127.0.0.1", port)) != 0
    with PrivateValkey(directory, port=port) as server:
        assert ask(server, "CONFIG", "GET", "port") == {"port": str(port)}
        assert ask(server, "CONFIG", "GET", "bind") == {"bind": "127.0.0.1"}
        with Redis(port=port) as client:
            assert client.ping()


def test_acknowledged_writes_survive_a_stop_and_a_kill(directory: Path) -> None:
    server = PrivateValkey(directory)
    for count, end in enumerate((server.stop, server.kill, server.stop), start=1):
        server.start()
        assert ask(server, "INCR", "counter") == count
        end()
        assert processes_in(directory, PROGRAM) == []


def test_a_server_that_died_by_itself_can_be_started_again(valkey: PrivateValkey) -> None:
    ask(valkey, "SET", "kept", "yes")
    first_pid = valkey.pid
    os.kill(first_pid, signal.SIGKILL)
    assert wait_until(lambda: not valkey.alive)
    valkey.start()
    assert valkey.pid != first_pid
    assert ask(valkey, "GET", "kept") == "yes"


def test_start_returns_when_all_data_is_loaded_and_not_before(valkey: PrivateValkey) -> None:
    keys = 300_000
    script = "for n = 1, ARGV[1] do redis.call('SET', 'k' .. n, n) end"
    ask(valkey, "EVAL", script, "0", str(keys))
    valkey.kill()
    valkey.start()
    assert ask(valkey, "DBSIZE") == keys


def test_a_running_server_is_not_started_twice(valkey: PrivateValkey) -> None:
    with pytest.raises(RuntimeError, match="running already"):
        valkey.start()
    assert ask(valkey, "PING")


def test_a_second_owner_is_refused_and_the_first_goes_on_undisturbed(
    valkey: PrivateValkey, directory: Path
) -> None:
    second = PrivateValkey(directory)
    with pytest.raises(StateInUse, match=f"process {os.getpid()} "):
        second.start()
    second.stop()
    assert processes_in(directory, PROGRAM) == [valkey.pid]
    assert ask(valkey, "PING")


def test_a_directory_too_deep_for_a_socket_works_all_the_same(tmp_path: Path) -> None:
    with PrivateValkey(tmp_path / ("deep" * 25) / "with space") as server:
        assert ask(server, "PING")
        assert len(os.fsencode(server.socket)) <= 107
    server.socket.parent.rmdir()


def test_data_that_cannot_be_read_is_an_error_that_shows_the_log(directory: Path) -> None:
    with PrivateValkey(directory):
        pass
    manifest = directory / "appendonlydir" / "appendonly.aof.manifest"
    whole = manifest.read_text()
    manifest.write_text("not a manifest\n")
    with pytest.raises(ProcessFailed, match=r"valkey died at start(?s:.*)manifest"):
        PrivateValkey(directory).start()
    manifest.write_text(whole)
    with PrivateValkey(directory) as server:  # the directory was given up
        assert ask(server, "PING")


def test_the_server_dies_with_its_owner_by_sigkill_and_no_acknowledged_write_is_lost(
    directory: Path,
) -> None:
    seen = 0
    for _ in range(5):
        with subprocess.Popen(
            [sys.executable, "-c", OWNER, str(directory)], stdout=subprocess.PIPE, text=True
        ) as owner:
            server_pid = int(next_line(owner))
            assert processes_in(directory, PROGRAM) == [server_pid]
            first = int(next_line(owner))
            assert seen < first <= seen + 2  # the owner may die between an INCR and its print
            for _ in range(50):
                seen = int(next_line(owner))
            owner.kill()
            unread = owner.communicate()[0].splitlines(keepends=True)
            seen = max([seen, *(int(line) for line in unread if line.endswith("\n"))])
        with PrivateValkey(directory) as server:  # at once: the old one may still be dying
            assert processes_in(directory, PROGRAM) == [server.pid]
            assert seen <= int(ask(server, "GET", "counter")) <= seen + 1


def test_a_dead_owners_server_ends_without_a_new_start(directory: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(directory)], stdout=subprocess.PIPE, text=True
    ) as owner:
        server_pid = int(next_line(owner))
        assert processes_in(directory, PROGRAM) == [server_pid]
        owner.kill()
    assert wait_until(lambda: not processes_in(directory, PROGRAM))


@pytest.mark.parametrize("stopped", [False, True], ids=["alive", "deaf to SIGTERM"])
def test_a_server_left_behind_is_ended_before_ours_starts(directory: Path, stopped: bool) -> None:
    with PrivateValkey(directory, stop_within_s=0.3) as server:
        options = server._options()
    left = subprocess.Popen(
        [str(get_binary_path()), *options], cwd=directory, stdout=subprocess.DEVNULL
    )
    try:
        assert wait_until(server.socket.exists)
        assert ask(server, "SET", "kept", "yes")
        if stopped:
            left.send_signal(signal.SIGSTOP)
        with server:
            assert processes_in(directory, PROGRAM) == [server.pid]
            assert ask(server, "GET", "kept") == "yes"
        assert left.wait() == (-signal.SIGKILL if stopped else 0)
    finally:
        left.kill()
        left.wait()
