"""The stand-in of WeChat as a process of its own, and gateways to it."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis
import requests
from argon2 import PasswordHasher

from backend.gateways.wechat import WeChat
from backend.services import staff_passwords
from backend.storage.redis.wechat_tokens import RedisTokenStore

APPID = "wx0123456789abcdef"
SECRET = "f00dfeedf00dfeedf00dfeedf00dfeed"
START_LIMIT_S = 20

MakeWeChat = Callable[..., WeChat]


@contextmanager
def running(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=START_LIMIT_S)


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash with less work: what production's takes is tested with the passwords themselves."""
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(staff_passwords, "_hasher", quick)


@pytest.fixture
def make_valkey(redis_url: str) -> Iterator[Callable[..., redis.Redis]]:
    """Makes clients of a database beside the applications' own."""
    made: list[redis.Redis] = []

    def make(**changed: Any) -> redis.Redis:
        client = redis.Redis.from_url(redis_url, **changed)
        client.connection_pool.connection_kwargs["db"] = 1
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


@pytest.fixture
def valkey(make_valkey: Callable[..., redis.Redis]) -> redis.Redis:
    client = make_valkey()
    client.flushdb()
    return client


class Standin:
    """The stand-in's control routes, and raw calls of its API."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self._http = requests.Session()

    def close(self) -> None:
        self._http.close()

    def api(self, method: str, path: str, **parts: Any) -> requests.Response:
        return self._http.request(method, self.base_url + path, timeout=5, **parts)

    def control(self, name: str, **body: object) -> dict[str, Any]:
        answer = self.api("POST", f"/_standin/{name}", json=body)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def js_code(self, user: str, **more: object) -> str:
        return str(self.control("wx-login", user=user, **more)["js_code"])

    def advance(self, seconds: float) -> float:
        """Move the stand-in's clock; returns its unix time."""
        return float(self.control("clock", advance_s=seconds)["unix_s"])

    def fault(self, path: str, mode: str, value: float = 0, times: int | None = None) -> None:
        self.control("faults", path=path, mode=mode, value=value, times=times)

    def requests(self, path: str | None = None) -> list[dict[str, Any]]:
        """The API requests so far, in order; with a path, those of it alone."""
        seen = self.api("GET", "/_standin/requests").json()
        return [one for one in seen if path in (None, one["path"])]

    def token(self) -> str:
        body = {"grant_type": "client_credential", "appid": APPID, "secret": SECRET}
        answer = self.api("POST", "/cgi-bin/stable_token", json=body)
        return str(answer.json()["access_token"])

    def reset(self) -> None:
        for name in ("faults", "requests"):
            self.api("DELETE", f"/_standin/{name}")
        self.control("revoke-tokens")


@pytest.fixture(scope="session")
def standin_process() -> Iterator[Standin]:
    module = "backend.gateways.standins.wechat_api"
    given = ["--port", "0", "--appid", APPID, "--secret", SECRET]
    with running([sys.executable, "-W", "error", "-m", module, *given]) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("listening on "), "the stand-in did not start"
        client = Standin(line.split()[-1])
        yield client
        client.close()


@pytest.fixture
def standin(standin_process: Standin) -> Standin:
    standin_process.reset()
    return standin_process


@pytest.fixture
def make_wechat(standin: Standin, valkey: redis.Redis) -> Iterator[MakeWeChat]:
    """Makes gateways to the stand-in that share their token in Valkey."""
    made: list[WeChat] = []

    def make(**changed: Any) -> WeChat:
        given: dict[str, Any] = {
            "appid": APPID,
            "secret": SECRET,
            "base_url": standin.base_url,
            "tokens": RedisTokenStore(lambda: valkey),
            "timeout_s": (1.0, 2.0),
        }
        made.append(WeChat(**{**given, **changed}))
        return made[-1]

    yield make
    for wechat in made:
        wechat.close()


@pytest.fixture
def wechat(make_wechat: MakeWeChat) -> WeChat:
    return make_wechat()
