"""What operators' programs read, who may read it, and that it is added up over processes."""

import dataclasses
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from backend import metrics
from backend.devstack.children import end, spawn
from backend.devstack.paths import PROJECT_ROOT
from backend.devstack.processes import answers, free_port
from backend.devstack.valkey import PrivateValkey
from backend.domain.refusals import NoEligibleVoucher
from backend.extensions import redis_handle
from backend.services import cancellations, live, partners
from tests.bank_details import BANK
from tests.factories import MAY, City, MovableClock
from tests.integration.devstack.survivors import wait_until
from tests.integration.edge.callers import ask, error_of
from tests.integration.edge.test_serving import GUNICORN, environment
from tests.integration.services.instant_city import ICE, buy, run_instant
from tests.integration.services.instant_city import buyer as instant_buyer
from tests.integration.services.reconciling import at_the_banks_till, redeemed

TOKEN = "metrics-token-of-the-test"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
PATHS = ("/metrics", f"/api/v1/campaigns/{MAY}/live")


@pytest.fixture
def watched(city: City) -> Iterator[City]:
    """A city whose figures may be read with the token."""
    kept = city.app.extensions["settings"]
    city.app.extensions["settings"] = dataclasses.replace(kept, metrics_token=TOKEN)
    metrics.flush()
    live.forget()
    yield city
    city.app.extensions["settings"] = kept


@pytest.mark.parametrize("path", PATHS)
def test_without_the_setting_there_are_no_figures(city: City, path: str) -> None:
    response = ask(city, "GET", path, headers=BEARER)
    assert (response.status_code, error_of(response)["code"]) == (404, "not_found")


def test_days_whose_file_never_came_are_counted_by_who_owes_it(
    watched: City, moment: MovableClock
) -> None:
    partners.add(BANK, name="示例银行", actor="王")
    at_the_banks_till(redeemed(watched))
    line = f'huiquan_outside_files_missing{{kind="bank_detail",party="{BANK}"}}'
    assert f"{line} 0.0" in ask(watched, "GET", "/metrics", headers=BEARER).text
    moment.move(days=4)
    assert f"{line} 1.0" in ask(watched, "GET", "/metrics", headers=BEARER).text


@pytest.mark.parametrize("path", PATHS)
def test_figures_are_for_the_holder_of_the_token_alone(watched: City, path: str) -> None:
    resident = watched.resident()
    basic = {"Authorization": f"Basic {TOKEN}"}
    for headers in ({}, resident.headers, basic, {"Authorization": f"Bearer {TOKEN}x"}):
        assert ask(watched, "GET", path, headers=headers).status_code == 401
    assert ask(watched, "GET", path, headers=BEARER).status_code == 200


def test_a_scrape_tells_requests_claims_quota_and_backlog_and_nothing_of_a_person(
    watched: City,
) -> None:
    resident = watched.resident()
    path = f"/api/v1/resident/campaigns/{MAY}/claims"
    body = {"tier_position": 1, "request_id": "metrics-claim-1"}
    for _ in range(2):
        ask(watched, "POST", path, headers=resident.headers, json=body)
    ask(watched, "GET", "/r/13812345678")
    text = ask(watched, "GET", "/metrics", headers=BEARER).text
    route = "/api/v1/resident/campaigns/<campaign_id:campaign_id>/claims"
    labels = f'method="POST",route="{route}",status="201"'
    assert re.search(rf"huiquan_requests_total\{{{re.escape(labels)}\}} [1-9]", text)
    assert re.search(rf'huiquan_request_seconds_bucket\{{le="0.05",route="{route}"\}}', text)
    assert re.search(rf'huiquan_claims_total\{{campaign="{MAY}",outcome="taken"\}} [1-9]', text)
    assert re.search(rf'huiquan_claims_total\{{campaign="{MAY}",outcome="replayed"\}} [1-9]', text)
    assert f'huiquan_quota_claimed{{campaign="{MAY}",tier="1"}} 1.0' in text
    assert f'huiquan_quota_left{{campaign="{MAY}",tier="1"}} 2499.0' in text
    assert f'huiquan_claims_backlog{{campaign="{MAY}"}} 1.0' in text
    assert "huiquan_quota_answered 1.0" in text
    assert "huiquan_sql_connections_in_use" in text
    assert resident.phone not in text
    assert "13812345678" not in text


def taken_at(city: City) -> float:
    """Return how many units of 冰雪季 this process has counted as taken."""
    name = f'huiquan_claims_total{{campaign="{ICE}",outcome="taken"}} '
    lines = ask(city, "GET", "/metrics", headers=BEARER).text.splitlines()
    return sum(float(line.removeprefix(name)) for line in lines if line.startswith(name))


def test_units_of_instant_discounts_count_with_claims(watched: City, moment: MovableClock) -> None:
    before = taken_at(watched)  # counters of a process only grow
    run_instant(per_person_per_day=1)
    person = instant_buyer(watched)
    cancellations.cancel_by_resident(
        order_id=buy(watched, person, 20_000).id, resident_id=person.id
    )
    buy(watched, person, 20_000)
    with pytest.raises(NoEligibleVoucher):
        buy(watched, person, 50_000)
    text = ask(watched, "GET", "/metrics", headers=BEARER).text
    assert taken_at(watched) - before == 2.0
    assert f'huiquan_quota_claimed{{campaign="{ICE}",tier="1"}} 1.0' in text
    assert f'huiquan_quota_left{{campaign="{ICE}",tier="1"}} 599.0' in text
    assert "huiquan_paybacks_open" in text
    moment.move(seconds=live.SETTLED_AFTER_S)
    feed = ask(watched, "GET", f"/api/v1/campaigns/{ICE}/live", headers=BEARER).get_json()
    assert (feed["tiers"][0]["claimed"], feed["claims_per_s"]["last_5_s"]) == (1, 0.4)


def test_without_valkey_the_counters_are_still_told(watched: City) -> None:
    kept = watched.app.config["REDIS_URL"]
    watched.app.config["REDIS_URL"] = "redis://127.0.0.1:9/0"
    redis_handle.init_app(watched.app)
    try:
        text = ask(watched, "GET", "/metrics", headers=BEARER).text
        feed = ask(watched, "GET", PATHS[1], headers=BEARER)
    finally:
        watched.app.config["REDIS_URL"] = kept
        redis_handle.init_app(watched.app)
    assert "huiquan_quota_answered 0.0" in text
    assert "huiquan_requests_total" in text
    assert feed.status_code == 503


def test_the_feed_has_the_documented_fields(watched: City) -> None:
    feed = ask(watched, "GET", PATHS[1], headers=BEARER).get_json()
    assert list(feed) == [
        "now_ms",
        "state",
        "opens_at",
        "tiers",
        "claims_per_s",
        "refusals",
        "latency_ms",
        "backlog",
        "by_second",
    ]
    assert feed["tiers"][0] == {
        "position": 1,
        "threshold_fen": 5_000,
        "face_value_fen": 1_000,
        "count": 2500,
        "claimed": 0,
        "left": 2500,
        "reserved": 0,
        "left_today": 2500,
    }


def test_a_scrape_adds_up_what_all_processes_counted(workspace: Path, tmp_path: Path) -> None:
    port = free_port()
    web_url = f"http://127.0.0.1:{port}"
    folder = tmp_path / "counted"
    folder.mkdir()
    (folder / "counter_1.db").write_bytes(b"of an earlier start")
    with PrivateValkey(workspace / "counting") as valkey:
        env = environment(tmp_path, valkey.url, port) | {
            "METRICS_TOKEN": TOKEN,
            "PROMETHEUS_MULTIPROC_DIR": str(folder),
            "WEB_CONCURRENCY": "2",
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        migrate = [sys.executable, "-m", "flask", "db", "upgrade"]
        subprocess.run(migrate, cwd=PROJECT_ROOT, env=env, capture_output=True, check=True)
        command = [sys.executable, "-m", *GUNICORN]
        web = spawn(command, log_file=tmp_path / "log", env=env, cwd=PROJECT_ROOT)
        try:
            assert wait_until(lambda: answers(f"{web_url}/api/v1/time"), within_s=20)
            for _ in range(40):  # each on a connection of its own
                requests.get(f"{web_url}/api/v1/time", timeout=5)
            # Each process tells once a second what it counted.
            assert wait_until(lambda: counted(web_url) >= 41, within_s=5), counted(web_url)
        finally:
            end(web, signal.SIGTERM, within_s=10)
    assert not (folder / "counter_1.db").exists()


def counted(web_url: str) -> int:
    """Return how often the time was asked for, as a scrape tells it."""
    text = requests.get(f"{web_url}/metrics", headers=BEARER, timeout=5).text
    labels = r'method="GET",route="/api/v1/time",status="200"'
    found = re.search(rf"requests_total\{{{labels}\}} (\d+)", text)
    return int(found[1]) if found else 0
