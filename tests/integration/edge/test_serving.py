"""What the server and the workers do about a Valkey that is unsafe, or down, when they start."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from backend.devstack.children import end, spawn
from backend.devstack.http_calls import Caller
from backend.devstack.paths import PROJECT_ROOT
from backend.devstack.processes import answers, free_port
from backend.devstack.valkey import PrivateValkey
from tests.integration.devstack.survivors import wait_until

GUNICORN = ("gunicorn", "-c", "deploy/gunicorn.conf.py", "wsgi:app")
LANE = GUNICORN[:-1]  # what the configuration chooses by itself: the claim lane before Flask
WORKERS = (("flask", "worker", "claim-writer"), ("flask", "worker", "jobs"))


def environment(folder: Path, redis_url: str, port: int) -> dict[str, str]:
    keys = dict.fromkeys(("TOKEN_KEY", "PLACARD_KEY", "PERSONAL_DATA_KEY"), "ab" * 32)
    return {
        **os.environ,
        **keys,
        "HUIQUAN_ENV": "test",
        "HUIQUAN_BIND": f"127.0.0.1:{port}",
        "DATABASE_URL": f"sqlite:///{folder}/serving.sqlite3",
        "REDIS_URL": redis_url,
        "PUBLIC_BASE_URL": "https://xfq.example.gov.cn",
        "WECHAT_APPID": "wx8888888888888888",
        "WECHAT_SECRET": "0123456789abcdef0123456789abcdef",
        "FLASK_APP": "wsgi",
    }


@pytest.fixture
def valkey(workspace: Path) -> PrivateValkey:
    return PrivateValkey(workspace / "serving")


@pytest.mark.parametrize(
    "command", [GUNICORN, LANE, *WORKERS], ids=["web", "lane", "claim-writer", "jobs"]
)
def test_a_valkey_that_could_lose_claims_is_refused_with_its_fault(
    valkey: PrivateValkey, tmp_path: Path, command: tuple[str, ...]
) -> None:
    with valkey, redis.Redis.from_url(valkey.url) as client:
        client.config_set("appendfsync", "everysec")
        refused = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=PROJECT_ROOT,
            env=environment(tmp_path, valkey.url, free_port()),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert refused.returncode == 1
    assert "valkey_unsafe: Valkey 的设置可能丢失已领的消费券" in refused.stderr
    assert "appendfsync is 'everysec', wants 'always'" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("command", [GUNICORN, LANE], ids=["web", "lane"])
def test_a_valkey_that_is_down_keeps_the_server_up_and_readiness_names_it(
    valkey: PrivateValkey, tmp_path: Path, command: tuple[str, ...]
) -> None:
    port = free_port()
    web_url = f"http://127.0.0.1:{port}"
    env = environment(tmp_path, valkey.url, port)
    migrate = [sys.executable, "-m", "flask", "db", "upgrade"]
    subprocess.run(migrate, cwd=PROJECT_ROOT, env=env, capture_output=True, check=True)
    web = spawn(
        [sys.executable, "-m", *command], log_file=tmp_path / "log", env=env, cwd=PROJECT_ROOT
    )
    try:
        assert wait_until(lambda: answers(f"{web_url}/healthz"), within_s=20)
        down = Caller(web_url).get("/readyz")
        assert down.status == 503
        assert down.body["faults"] == ["valkey does not answer: ConnectionError"]
        with valkey:
            assert Caller(web_url).get("/readyz").body["ready"]
    finally:
        end(web, signal.SIGTERM, within_s=10)
