"""Readiness names what is wrong."""

import pytest
from flask import Flask
from sqlalchemy import text

from backend.extensions import db, redis_handle
from backend.services import health
from tests.factories import MAY, City


def test_a_city_at_work_is_ready_and_tells_its_backlog(city: City) -> None:
    city.claim(city.resident())
    state = health.readiness()
    assert (state.faults, state.claims_backlog) == ((), 1)
    answer = city.get("/readyz")
    assert answer.status_code == 200
    assert answer.json == {"ready": True, "faults": [], "claims_backlog": 1}


def test_a_lost_quota_is_named(city: City) -> None:
    redis_handle.client.flushall()
    assert health.readiness().faults == (f"campaign {MAY} has no quota loaded",)
    answer = city.get("/readyz")
    assert answer.status_code == 503
    assert not answer.json["ready"]


def test_an_old_schema_is_named(city: City) -> None:
    head = db.session.scalar(text("SELECT version_num FROM alembic_version"))
    db.session.execute(text("UPDATE alembic_version SET version_num = '0001_initial'"))
    db.session.commit()
    try:
        (fault,) = health.readiness().faults
        assert fault.startswith("the schema is at 0001_initial")
    finally:
        db.session.execute(text("UPDATE alembic_version SET version_num = :head"), {"head": head})
        db.session.commit()


@pytest.mark.parametrize(
    ("setting", "unsafe"),
    [("appendonly", "no"), ("appendfsync", "everysec"), ("maxmemory-policy", "allkeys-lru")],
)
def test_each_unsafe_setting_of_valkey_is_named(city: City, setting: str, unsafe: str) -> None:
    safe = redis_handle.client.config_get(setting)[setting]
    redis_handle.client.config_set(setting, unsafe)
    try:
        (fault,) = health.readiness().faults
        assert fault.startswith(f"{setting} is '{unsafe}'")
    finally:
        redis_handle.client.config_set(setting, safe)
    assert health.readiness().faults == ()


def test_a_valkey_that_is_down_is_named_and_the_process_still_lives(city: City, app: Flask) -> None:
    app.config["REDIS_URL"], kept = "redis://127.0.0.1:9/0", app.config["REDIS_URL"]
    redis_handle.init_app(app)
    try:
        (fault,) = health.readiness().faults
        assert city.get("/healthz").status_code == 200
    finally:
        app.config["REDIS_URL"] = kept
        redis_handle.init_app(app)
    assert fault.startswith("valkey does not answer")
