"""`make run`, as a stranger lives through it: the journey, the end, the second start, the crash."""

import re
import signal
import socket
from pathlib import Path

import pytest

from backend.devstack.http_calls import Caller
from tests.e2e.conftest import (
    DevStack,
    Start,
    ask_raw,
    nothing_left,
    processes_of,
    run_briefly,
)

BEFORE_OPENING = "2023-04-28T09:59:00+08:00"  # so long may the start take beside other tests
AFTER_OPENING = "2023-04-28T10:00:30+08:00"
SIGN_IN = b"POST /api/v1/sessions/resident HTTP/1.1\r\nHost: test\r\n"
TEN_MB = 10 * 1024 * 1024


@pytest.fixture(scope="module")
def stack(start: Start, tmp_path_factory: pytest.TempPathFactory) -> DevStack:
    """A stack that has played its journey and serves."""
    return start(tmp_path_factory.mktemp("stack") / "state", clock_start=BEFORE_OPENING)


def valkeys(state: Path) -> list[int]:
    return [pid for pid, command in processes_of(state).items() if "valkey-server" in command]


def test_the_journey_waits_for_the_opening_and_ends_with_every_fen_accounted_for(
    stack: DevStack,
) -> None:
    for line in (
        "被拒：活动还没有开始",
        "等待开抢",
        "五一乐购券 满300减90",
        "消费 320.00，优惠 90.00，应付 230.00 元，自动用 满300减90",
        "未用 满100减30：",
        "消费 128.00，优惠 30.00，应付 98.00 元",
        "被拒：请先在合作银行的手机 App 中绑定银联卡",
        "示例银行绑卡专享券 满50减10",
        "消费 300.00，优惠 40.00，应付 260.00 元",
        "被拒：付款码无效",
        "今日 2 笔，消费 448.00，优惠 120.00，应付 328.00 元",
        "0 differences: every fen accounted for",
        "旅程通过",
    ):
        assert line in stack.output, stack.output


def test_every_address_that_is_printed_answers(stack: DevStack) -> None:
    addresses = [line.split()[-1] for line in stack.output.splitlines() if "  http://127." in line]
    assert len(addresses) == 9
    console = next(a for a in addresses if a.endswith("/console/"))
    assert Caller(console.removesuffix("/console/")).get("/console/").status in (200, 302, 303)
    addresses.remove(console)
    for path in ("/", "/merchants", "/m/", "/openapi.json", "/readyz"):
        printed = next(a for a in addresses if a.startswith(stack.web_url + path))
        assert stack.get(printed.removeprefix(stack.web_url)).status == 200
    standins = [a for a in addresses if not a.startswith(stack.web_url)]
    assert [a.rpartition("/_standin/")[2] for a in standins] == ["requests", "orders", "requests"]
    for printed in standins:
        base_url, _, path = printed.partition("/_standin")
        assert Caller(base_url).get(f"/_standin{path}").status == 200


def test_a_second_stack_and_a_reset_are_refused_while_one_runs(stack: DevStack) -> None:
    for words in (("--no-journey",), ("reset",)):
        refused = run_briefly(stack.state, *words)
        assert refused.returncode == 1
        assert "正由另一套开发环境使用" in refused.stderr
        assert str(stack.process.pid) in refused.stderr
    assert stack.get("/readyz").status == 200


def test_a_flask_command_runs_beside_the_stack_on_its_data(stack: DevStack) -> None:
    listed = run_briefly(stack.state, "flask", "campaign", "list")
    assert listed.returncode == 0, listed.stderr
    assert "五一乐购券" in listed.stdout


def test_a_chunked_body_of_10_mb_is_refused_and_the_answer_can_be_read(stack: DevStack) -> None:
    chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    head = SIGN_IN + b"Transfer-Encoding: chunked\r\n\r\n"
    chunks = [chunk] * (TEN_MB // 65_536)
    status, body, closed = ask_raw(stack.web_address, head, *chunks, b"0\r\n\r\n")
    assert (status, closed) == (411, True)
    assert body["error"]["code"] == "length_required"  # type: ignore[index]  # read as JSON


def test_a_body_of_10_mb_by_length_is_refused_and_the_answer_can_be_read(stack: DevStack) -> None:
    head = SIGN_IN + b"Content-Length: %d\r\n\r\n" % TEN_MB
    status, body, closed = ask_raw(stack.web_address, head, b"x" * TEN_MB)
    assert (status, closed) == (413, True)
    assert body["error"]["code"] == "body_too_large"  # type: ignore[index]  # read as JSON


def test_what_is_no_http_is_refused_and_the_server_goes_on(stack: DevStack) -> None:
    for sent in (
        b"\x00\x01\r\n\r\n",
        b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: t\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"a" * 9000 + b"\r\n\r\n",
    ):
        with socket.create_connection(stack.web_address, timeout=10) as connection:
            connection.sendall(sent)
            assert re.match(rb"HTTP/1\.1 4[0-9][0-9] ", connection.recv(65_536))
        assert stack.get("/healthz").status == 200


def test_requests_sent_in_one_go_are_answered_in_their_order(stack: DevStack) -> None:
    with socket.create_connection(stack.web_address, timeout=10) as connection:
        keep = b"GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n"
        connection.sendall(keep + keep + b"GET /api/v1/time HTTP/1.1\r\nConnection: close\r\n\r\n")
        received = b""
        while data := connection.recv(65_536):
            received += data
    assert received.count(b"HTTP/1.1 200 OK") == 3
    assert received.index(b'"status"') < received.index(b'"now_ms"')


def test_data_and_clock_survive_an_orderly_end_and_a_kill_and_nothing_is_left_running(
    start: Start, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    first = start(state, clock_start=AFTER_OPENING)
    vouchers = first.row("SELECT count(*) FROM vouchers")
    assert vouchers == (5,)  # four claimed, one taken at the bank's till
    first_ms = first.get("/api/v1/time").body["now_ms"]
    assert len(processes_of(state)) >= 8, "the test sees the processes it speaks of"
    assert first.end(signal.SIGINT) == 0
    assert "已全部停止" in first.output
    assert processes_of(state) == {}

    second = start(state, "--no-journey", clock_start=BEFORE_OPENING)
    assert second.row("SELECT count(*) FROM vouchers") == vouchers
    assert second.row("SELECT count(*) FROM placards") == (12,)
    assert second.row("SELECT count(*) FROM clerks") == (2,)
    second_ms = second.get("/api/v1/time").body["now_ms"]
    assert first_ms <= second_ms < first_ms + 60_000, "neither back nor far ahead"
    assert len(valkeys(state)) == 1
    second.end(signal.SIGKILL)
    assert nothing_left(state, within_s=3.0), processes_of(state)

    third = start(state, "--no-journey", clock_start=BEFORE_OPENING)
    assert third.get("/api/v1/time").body["now_ms"] >= second_ms
    assert third.get("/readyz").body == {"ready": True, "faults": [], "claims_backlog": 0}
    assert third.row("SELECT count(*) FROM vouchers") == vouchers
    assert len(valkeys(state)) == 1
    assert third.end(signal.SIGTERM) == 0
    assert processes_of(state) == {}

    assert run_briefly(state, "reset").returncode == 0
    assert not state.exists()


def test_a_journey_that_fails_stops_everything_and_says_which_step(
    start: Start, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    stack = start(state, "--journey-only", clock_start="2023-05-11T00:00:10+08:00", until="旅程")
    assert stack.process.wait(timeout=30) == 1
    assert "第 4 步：五一乐购券已不在发放中" in stack.output
    assert processes_of(state) == {}
