"""`make bench`: durable claims through the lane, against the plain view and against bare Flask.

Two web processes each, a Valkey that fsyncs before it answers, on one machine with the load
generator (wrk): ratios count, not rates. Variants take turns within a round; medians of the rounds.
"""

import argparse
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis

from backend.devstack.children import end, spawn
from backend.devstack.paths import PROJECT_ROOT
from backend.devstack.processes import answers, free_port
from backend.devstack.valkey import PrivateValkey
from backend.domain import tokens
from backend.storage.redis import keys, rebuild

HERE = Path(__file__).parent
CAMPAIGN = "Q2-MAY"
PATH = f"/api/v1/resident/campaigns/{CAMPAIGN}/claims"
RESIDENTS = 200_000
KEY = bytes.fromhex("ab" * 32)
OPENED_S = 1682647260  # 2023-04-28 10:01 in China: the sample's campaign has just opened
WRK_THREADS = 1  # a second one would start while the tokens of the first are being read


@dataclass(frozen=True)
class Variant:
    """A server under test: what gunicorn serves, and whether everything is sold out."""

    name: str
    command: tuple[str, ...]
    lane: str = "off"
    sold_out: bool = False


CONF = ("-c", "deploy/gunicorn.conf.py")
BARE = Variant("bare_flask", ("-k", "gthread", "--threads", "8", "-w", "2", "tests.bench.bare:app"))
PLAIN = Variant("plain_view", CONF)
LANE = Variant("claim", CONF, lane="uvicorn")
SOLD_OUT = Variant("soldout", CONF, lane="uvicorn", sold_out=True)


@dataclass(frozen=True)
class Measured:
    """Answers a second, and how long 99 % of them took at most."""

    per_s: float
    p99_ms: float
    wrong: int


class Bench:
    """One folder, one Valkey, one database; a server at a time."""

    def __init__(self, folder: Path, seconds: int) -> None:
        self._folder = folder
        self._seconds = seconds
        self._tokens = folder / "tokens"
        self.valkey = PrivateValkey(folder / "valkey")
        self._env = {
            **os.environ,
            **dict.fromkeys(("TOKEN_KEY", "PLACARD_KEY", "PERSONAL_DATA_KEY"), KEY.hex()),
            "HUIQUAN_ENV": "test",
            "WEB_CONCURRENCY": "2",
            "DATABASE_URL": f"sqlite:///{folder}/bench.sqlite3",
            "REDIS_URL": self.valkey.url,
            "PUBLIC_BASE_URL": "https://xfq.example.gov.cn",
            "WECHAT_APPID": "wx8888888888888888",
            "WECHAT_SECRET": "0123456789abcdef0123456789abcdef",
            "CLOCK_OFFSET_S": str(OPENED_S - time.time()),
            "FLASK_APP": "wsgi",
        }

    def prepare(self) -> None:
        """Load the sample, open its campaign, and make a token for each resident."""
        sample = "backend/devstack/tongjiang-2023.yaml"
        for words in (
            ("db", "upgrade"), ("programme", "load", sample),
            ("campaign", "approve", CAMPAIGN), ("campaign", "run", CAMPAIGN),
        ):  # fmt: skip
            command = [sys.executable, "-m", "flask", *words]
            subprocess.run(
                command, cwd=PROJECT_ROOT, env=self._env, check=True, capture_output=True
            )
        with self._tokens.open("w") as file:
            for n in range(1, RESIDENTS + 1):
                claims = tokens.Claims(
                    role="resident", sign_in_id=n, wechat_user_id=n, subject_id=n,
                    expires_s=OPENED_S + 86_400,
                )  # fmt: skip
                file.write(tokens.issue(claims, key=KEY) + "\n")

    def measure(self, variant: Variant, connections: int) -> Measured:
        """Serve the variant and load it."""
        self._fresh_quota(0 if variant.sold_out else 10 * RESIDENTS)
        with self._server(variant) as url:
            self._wrk(url, connections, 1)  # warm: connections, terms, the script
            self._fresh_quota(0 if variant.sold_out else 10 * RESIDENTS)
            return self._wrk(url, connections, self._seconds, refused=variant.sold_out)

    def _fresh_quota(self, left: int) -> None:
        with redis.Redis.from_url(self.valkey.url) as client:
            held = [keys.held(CAMPAIGN, bucket) for bucket in rebuild.buckets(client, CAMPAIGN)]
            client.delete(*held, keys.buckets(CAMPAIGN), keys.claims(CAMPAIGN))
            client.hset(keys.quota(CAMPAIGN), "left:1", left)

    @contextmanager
    def _server(self, variant: Variant) -> Iterator[str]:
        port = free_port()
        env = {**self._env, "HUIQUAN_LANE": variant.lane, "HUIQUAN_BIND": f"127.0.0.1:{port}"}
        command = [sys.executable, "-m", "gunicorn", "-b", f"127.0.0.1:{port}", *variant.command]
        log_file = self._folder / f"{variant.name}.log"
        web = spawn(command, log_file=log_file, env=env, cwd=PROJECT_ROOT)
        url = f"http://127.0.0.1:{port}"
        try:
            deadline_s = time.monotonic() + 20
            while not answers(f"{url}/healthz"):
                if web.poll() is not None or time.monotonic() > deadline_s:
                    raise SystemExit(
                        f"{variant.name} did not start:\n{log_file.read_text()[-2000:]}"
                    )
                time.sleep(0.1)
            yield url
        finally:
            end(web, signal.SIGINT, within_s=10)
            log_file.unlink(missing_ok=True)

    def _wrk(self, url: str, connections: int, seconds: int, *, refused: bool = False) -> Measured:
        done = subprocess.run(
            ["wrk", f"-t{WRK_THREADS}", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s",
             "--latency", "-s", str(HERE / "claim.lua"), url,
             "--", str(self._tokens), str(WRK_THREADS), PATH, "1"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        found = json.loads(re.findall(r"^measured (.*)$", done.stdout, re.MULTILINE)[-1])
        good = found["answers"] - found["refused"]
        wrong = found["errors"] + (good if refused else found["refused"])
        return Measured(found["answers"] / found["seconds"], found["p99_us"] / 1000, wrong)


def run(
    bench: Bench, variants: tuple[Variant, ...], connections: int, rounds: int
) -> dict[str, Measured]:
    """Let the variants take turns, and return the median of each."""
    found: dict[str, list[Measured]] = {variant.name: [] for variant in variants}
    for n in range(rounds):
        for variant in variants:
            measured = bench.measure(variant, connections)
            found[variant.name].append(measured)
            print(
                f"round {n + 1}/{rounds}  {connections:4d} connections  {variant.name:10s} "
                f"{measured.per_s:8.0f}/s  p99 {measured.p99_ms:7.1f} ms  wrong {measured.wrong}",
                flush=True,
            )
    return {
        name: Measured(
            statistics.median(m.per_s for m in all_),
            statistics.median(m.p99_ms for m in all_),
            sum(m.wrong for m in all_),
        )
        for name, all_ in found.items()
    }


def main() -> None:
    """Measure, and print a figure a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5, help="load on each variant in a round")
    wanted = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is missing: apt-get install -y wrk")
    with tempfile.TemporaryDirectory(prefix="hq-bench-") as name:
        bench = Bench(Path(name), wanted.seconds)
        with bench.valkey:
            bench.prepare()
            usual = run(bench, (BARE, PLAIN, LANE, SOLD_OUT), 256, wanted.rounds)
            many = run(bench, (BARE, LANE), 2000, wanted.rounds)
    bare, plain, claim = usual["bare_flask"], usual["plain_view"], usual["claim"]
    print(f"figure claim_vs_bare_flask {claim.per_s / bare.per_s:.2f}")
    print(f"figure claim_vs_plain_view {claim.per_s / plain.per_s:.2f}")
    print(f"figure soldout_vs_bare_flask {usual['soldout'].per_s / bare.per_s:.2f}")
    ratio = many["claim"].p99_ms / many["bare_flask"].p99_ms
    print(f"figure claim_p99_vs_bare_at_2000_conns {ratio:.2f}")
    if wrong := sum(m.wrong for m in (*usual.values(), *many.values())):
        raise SystemExit(f"{wrong} answers were errors or not what was asked for")


if __name__ == "__main__":
    main()
