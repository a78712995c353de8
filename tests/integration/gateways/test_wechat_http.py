"""Answers that a well-behaved WeChat never gives: the client stays bounded and calm."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from backend.gateways.wechat_errors import WeChatUnavailable
from backend.gateways.wechat_http import MAX_ANSWER_BYTES, WeChatHttp
from tests.contracts.wechat_parts import Canned, CannedServer


@contextmanager
def http_to(base_url: str, timeout_s: tuple[float, float] = (1.0, 1.0)) -> Iterator[WeChatHttp]:
    http = WeChatHttp(base_url=base_url, timeout_s=timeout_s)
    yield http
    http.close()


def test_an_answer_of_one_megabyte_is_read_and_one_byte_more_is_not() -> None:
    answers = {
        "/fits": [Canned(b"x" * MAX_ANSWER_BYTES)],
        "/over": [Canned(b"x" * (MAX_ANSWER_BYTES + 1))],
    }
    with CannedServer(answers) as server, http_to(server.base_url) as http:
        assert len(http.call("GET", "/fits")) == MAX_ANSWER_BYTES
        with pytest.raises(WeChatUnavailable, match="answer_too_large"):
            http.call("GET", "/over")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed_with_our_secret(status: int) -> None:
    answers = {"/from": [Canned(b"", status, headers={"Location": "/to"})], "/to": [Canned(b"{}")]}
    with CannedServer(answers) as server, http_to(server.base_url) as http:
        with pytest.raises(WeChatUnavailable, match=f"http_{status}"):
            http.call("GET", "/from", query={"secret": "s"})
        assert [said.path for said in server.said] == ["/from"]


@pytest.mark.parametrize("status", [204, 400, 404, 500, 502, 503])
def test_any_status_but_200_is_unavailable(status: int) -> None:
    with CannedServer({"/": [Canned(b"", status)]}) as server, http_to(server.base_url) as http:
        with pytest.raises(WeChatUnavailable, match=f"http_{status}"):
            http.call("GET", "/")


def test_an_answer_cut_short_is_not_taken_for_a_whole_one() -> None:
    cut = Canned(b"\xff\xd8\xff half", headers={"Content-Length": "100", "Connection": "close"})
    with CannedServer({"/": [cut]}) as server, http_to(server.base_url) as http:
        with pytest.raises(WeChatUnavailable):
            http.call("GET", "/")


def test_a_dripping_server_is_given_up_though_each_byte_comes_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
                for _ in range(30):
                    try:
                        connection.sendall(b"x")
                    except OSError:
                        return
                    time.sleep(0.1)

        thread = threading.Thread(target=drip)
        thread.start()
        began_s = time.monotonic()
        port = listener.getsockname()[1]
        with http_to(f"http://127.0.0.1:{port}", timeout_s=(0.3, 0.3)) as http:
            with pytest.raises(WeChatUnavailable, match="answer_too_slow"):
                http.call("GET", "/")
        assert time.monotonic() - began_s < 1.5
        thread.join()


def test_a_proxy_named_in_the_environment_never_sees_the_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with CannedServer({}) as proxy, CannedServer({"/": [Canned(b"{}")]}) as server:
        monkeypatch.setenv("http_proxy", proxy.base_url)
        monkeypatch.setenv("no_proxy", "")
        with http_to(server.base_url) as http:
            assert http.call("GET", "/", query={"secret": "s"}) == b"{}"
        assert proxy.said == []


def test_chinese_goes_out_unescaped() -> None:
    with CannedServer({"/": [Canned(b"{}")]}) as server, http_to(server.base_url) as http:
        http.call("POST", "/", body={"thing": "消费券"})
        assert server.said[0].body == {"thing": "消费券"}
