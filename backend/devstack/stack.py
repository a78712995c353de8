"""The development stack: everything production has, with embedded parts, on one state directory."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

from redis import Redis
from redis.exceptions import RedisError

from backend.devstack import banner, surroundings
from backend.devstack.bootstrap_facts import partner_secret
from backend.devstack.children import ProcessFailed, end, spawn
from backend.devstack.dev_clock import DevClock
from backend.devstack.journey import Journey
from backend.devstack.paths import PROJECT_ROOT, StateDir
from backend.devstack.processes import POLL_S, Program, Supervisor, answers
from backend.devstack.surroundings import Surroundings
from backend.devstack.valkey import PrivateValkey
from backend.settings import Settings
from backend.storage.redis import safety

Play = Literal["play", "only", "skip"]
READY_WITHIN_S = 60.0
BOOTSTRAP_WITHIN_S = 120.0
RESTARTS = 3
REFUND_WITHIN_S = 3.0


class Stack:
    """One run of the stack; the state directory is locked by the caller."""

    def __init__(self, state: StateDir, given: Mapping[str, str], *, reload: bool = False) -> None:
        self._state = state
        self._given = given
        self._reload = reload
        self._begun_s = time.monotonic()
        self._clock = DevClock(state.clock_file)

    def run(self, play: Play) -> None:
        """Start all, play the journey, serve until a stop signal raises SystemExit.

        Raises HuiquanError for whatever went wrong; everything is stopped then as well.
        """
        with Supervisor(say=self._say, pids_dir=self._state.pids_dir) as supervisor:
            with self._valkey() as (redis_url, check_valkey):
                try:
                    found = self._surroundings(redis_url)
                    placards = self._start(supervisor, found)
                    self._greet(found, placards)

                    def tick() -> None:
                        supervisor.check()
                        check_valkey()
                        self._clock.save()

                    if play != "skip":
                        self._play(found, tick)
                    if play != "only":
                        print("\n服务运行中，按 Ctrl-C 停止", flush=True)
                        while True:
                            tick()
                            time.sleep(POLL_S)
                finally:
                    supervisor.stop()
                    if self._clock.begun:  # nothing runs on it any more
                        self._clock.save(force=True)

    @contextmanager
    def _valkey(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """The caller's server, refused when it is unsafe, or a private one."""
        if given := self._given.get("REDIS_URL"):
            with Redis.from_url(given) as client:
                try:
                    safety.refuse_unsafe(client)
                except RedisError as error:
                    self._say(f"REDIS_URL 暂时连接不上（{type(error).__name__}），就绪检查会说明")
            yield given, lambda: None
            return
        log_file = self._state.log_file("valkey")
        with PrivateValkey(self._state.valkey_dir, log_file=log_file) as server:
            self._say("Valkey 就绪")

            def check() -> None:
                if not server.alive:
                    self._say("Valkey 意外退出，正在重新启动")
                    server.start()

            yield server.url, check

    def _surroundings(self, redis_url: str) -> Surroundings:
        found = surroundings.build(self._state, self._given, redis_url=redis_url)
        settings = Settings.from_env(found.env)
        self._clock.begin(self._given, database_url=settings.database_url)
        found = found.with_clock(self._clock.offset_s, reload=self._reload)
        surroundings.keep(self._state.environment_file, found)
        return found

    def _start(self, supervisor: Supervisor, found: Surroundings) -> dict[str, str]:
        """Start together what can start together; return the placards' links by merchant."""
        result = self._state.root / "bootstrap.json"
        command = [sys.executable, "-m", "backend.devstack.bootstrap", str(result)]
        log_file = self._state.log_file("bootstrap")
        log_file.unlink(missing_ok=True)
        filling = spawn(command, log_file=log_file, env=found.env, cwd=PROJECT_ROOT)
        try:
            for program in self._servers(found):
                supervisor.start(program)
            self._await_filled(supervisor, filling, log_file)
        finally:
            end(filling, signal.SIGTERM, within_s=5.0)
        self._say("数据库与示例方案就绪")
        for name in ("claim-writer", "jobs"):
            supervisor.start(self._program(name, found, "flask", "worker", name))
        for url in (f"{found.web_url}/readyz", *_healths(found)):
            self._await(supervisor, partial(answers, url), what=url)
        placards: dict[str, str] = json.loads(result.read_text(encoding="utf-8"))["placards"]
        return placards

    def _servers(self, found: Surroundings) -> tuple[Program, ...]:
        web = ("gunicorn", "-c", "deploy/gunicorn.conf.py")
        standin = (
            "backend.gateways.standins.wechat_api",
            f"--port={found.standin_url.rpartition(':')[2]}",
            f"--appid={found.env['WECHAT_APPID']}",
            f"--secret={found.env['WECHAT_SECRET']}",
            f"--clock-offset-s={found.env['CLOCK_OFFSET_S']}",
        )
        pay_standin = (
            "backend.gateways.standins.wechat_pay_api",
            f"--port={found.pay_standin_url.rpartition(':')[2]}",
            f"--keys={self._state.wechat_pay_keys_file}",
            f"--refund-within-s={REFUND_WITHIN_S}",
            f"--clock-offset-s={found.env['CLOCK_OFFSET_S']}",
        )
        unionpay = (
            "backend.gateways.standins.unionpay_api",
            f"--port={found.unionpay_url.rpartition(':')[2]}",
            f"--merchant-number={found.env['UNIONPAY_MERCHANT_NUMBER']}",
            f"--keys={self._state.unionpay_dir}",
            f"--clock-offset-s={found.env['CLOCK_OFFSET_S']}",
        )
        console = self._program("console", found, *web, "wsgi:console")
        own = {
            "HUIQUAN_BIND": found.console_url.removeprefix("http://"),
            "WEB_CONCURRENCY": "1",
            # A start empties its folder: the web server's would be gone.
            "PROMETHEUS_MULTIPROC_DIR": str(self._state.root / "metrics-console"),
        }
        return (
            self._program("web", found, *web),
            replace(console, env={**found.env, **own}),
            self._program("wechat", found, *standin),
            self._program("wechat-pay", found, *pay_standin),
            self._program("unionpay", found, *unionpay),
        )

    def _program(self, name: str, found: Surroundings, *module_and_words: str) -> Program:
        return Program(
            name=name,
            command=[sys.executable, "-m", *module_and_words],
            log_file=self._state.log_file(name),
            env=found.env,
            cwd=PROJECT_ROOT,
            restarts=RESTARTS,
        )

    def _await_filled(
        self, supervisor: Supervisor, filling: "subprocess.Popen[bytes]", log_file: Path
    ) -> None:
        self._await(
            supervisor,
            lambda: filling.poll() is not None,
            what="bootstrap",
            within_s=BOOTSTRAP_WITHIN_S,
        )
        if filling.returncode != 0:
            raise ProcessFailed("bootstrap", f"ended with {filling.returncode}", log_file)

    def _await(
        self,
        supervisor: Supervisor,
        ready: Callable[[], bool],
        *,
        what: str,
        within_s: float = READY_WITHIN_S,
    ) -> None:
        deadline_s = time.monotonic() + within_s
        while not ready():
            supervisor.check()
            if time.monotonic() > deadline_s:
                raise ProcessFailed(what, "was not ready in time", self._state.log_file("web"))
            time.sleep(POLL_S)

    def _greet(self, found: Surroundings, placards: Mapping[str, str]) -> None:
        self._say("全部就绪")
        print(f"开发时钟 {self._clock.now():%Y-%m-%d %H:%M:%S}，生产环境拒绝使用", flush=True)
        print(f"\n{banner.addresses(found, placards)}\n\n{banner.sign_in(found)}", flush=True)
        print(banner.partner(found), flush=True)
        print(banner.staff(found), flush=True)
        print(f"数据与日志在 {self._state.root}，make reset 清空\n", flush=True)

    def _play(self, found: Surroundings, tick: Callable[[], None]) -> None:
        def ledger_check() -> tuple[int, str]:
            command = [sys.executable, "-m", "flask", "ledger", "check"]
            done = subprocess.run(
                command,
                env=found.env,
                cwd=PROJECT_ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                check=False,
            )
            return done.returncode, done.stdout

        print("一次完整的旅程（全部经 HTTP）", flush=True)
        journey = Journey(
            base_url=found.web_url,
            standin_url=found.standin_url,
            bank_secret=partner_secret(found.env),
            tick=tick,
            ledger_check=ledger_check,
        )
        journey.play()
        print("旅程通过：领券、两种付款、绑卡与银行立减、核销、账本，每一分都对得上", flush=True)

    def _say(self, text: str) -> None:
        print(f"{time.monotonic() - self._begun_s:6.1f} 秒  {text}", flush=True)


def _healths(found: Surroundings) -> list[str]:
    standins = (found.standin_url, found.pay_standin_url, found.unionpay_url)
    return [f"{found.console_url}/readyz", *(f"{url}/_standin/health" for url in standins)]
