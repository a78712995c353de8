"""Merchants that were there before the chain stand on it afterwards, on both databases."""

from pathlib import Path

import flask_migrate
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from backend.devstack.postgres import PrivatePostgres
from backend.extensions import db
from backend.factory import create_app
from backend.storage import migrations
from tests.conftest import make_settings

VERSIONS = Path(migrations.__path__[0]) / "versions"
LINE = sorted(file.stem for file in VERSIONS.glob("[0-9]*.py"))
HERE = next(n for n, name in enumerate(LINE) if name.endswith("_onboarding"))
BEFORE = {
    "TJ0001": "published",
    "TJ0002": "passed",
    "TJ0003": "suspended",
    "TJ0004": "awaiting_superior_bank",
    "TJ0005": "vetoed_by_tax",
    "TJ0006": "disqualified",
}
AFTER = BEFORE | {"TJ0004": "reported", "TJ0005": "vetoed"}


def test_on_sqlite(tmp_path: Path, redis_url: str) -> None:
    moved_onto_the_chain(f"sqlite:///{tmp_path}/old.db", redis_url)


def test_on_postgresql(redis_url: str) -> None:
    with PrivatePostgres(durable=False) as server:
        moved_onto_the_chain(server.create_database("old"), redis_url)


def moved_onto_the_chain(url: str, redis_url: str) -> None:
    app = create_app(make_settings(database_url=url, redis_url=redis_url))
    with app.app_context():
        flask_migrate.upgrade(revision=LINE[HERE - 1])
        with db.engine.begin() as connection:
            connection.execute(
                text(
                    "INSERT INTO programmes VALUES"
                    " ('P', 'p', 'o', 1, 'd', '2023-04-04 00:00:00+00:00')"
                )
            )
            connection.execute(text("INSERT INTO domains VALUES ('FOOD', '餐饮')"))
            for merchant_id, status in BEFORE.items():
                connection.execute(
                    text(
                        "INSERT INTO merchants (id, programme_id, name, domain_id, status)"
                        " VALUES (:id, 'P', :id, 'FOOD', :status)"
                    ),
                    {"id": merchant_id, "status": status},
                )
        flask_migrate.upgrade(revision=LINE[HERE])
        with db.engine.connect() as connection:
            found = connection.execute(
                text(
                    "SELECT m.id, m.status, s.position, s.step, s.outcome FROM merchants m"
                    " JOIN merchant_steps s ON s.merchant_id = m.id ORDER BY m.id"
                )
            ).all()
        assert found == [(id_, now, 1, "imported", now) for id_, now in AFTER.items()]
        with pytest.raises(IntegrityError), db.engine.begin() as connection:
            connection.execute(text("UPDATE merchants SET status = 'passed' WHERE id = 'TJ0004'"))
        db.engine.dispose()
    app.extensions["wechat"].close()
