"""The shared handles. This module imports nothing of ours, so everything may import it."""

from typing import TYPE_CHECKING

import redis
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """Every key and constraint gets a predictable name, so that migrations can speak of it."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class RedisHandle:
    """One client for the process, made when the application is."""

    def __init__(self) -> None:
        self._client: redis.Redis | None = None

    def init_app(self, app: Flask) -> None:
        """Connect lazily to `REDIS_URL`; a slow server is an error after two seconds."""
        self._client = redis.Redis.from_url(
            app.config["REDIS_URL"],
            decode_responses=True,
            protocol=2,  # one form of answers, whatever the server is
            socket_timeout=2.0,
            socket_connect_timeout=2.0,
            health_check_interval=30,
            # Once more after a broken connection, at once: every script is safe to repeat, and a
            # resident should not wait for a server that is down. Never after a time-out: a server
            # that is slow would be asked twice, and the resident wait twice as long.
            retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
        )

    @property
    def client(self) -> redis.Redis:
        """The client; an application must exist."""
        if self._client is None:
            raise RuntimeError("redis is not set up: create the application first")
        return self._client


# Rows stay readable after the commit: services hand them to the presenters.
db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})
migrate = Migrate()
redis_handle = RedisHandle()

if TYPE_CHECKING:
    Model = Base  # mypy cannot follow the class that Flask-SQLAlchemy builds
else:
    Model = db.Model
