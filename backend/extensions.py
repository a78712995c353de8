"""The shared handles. This module imports nothing of ours but what makes clients of Valkey."""

import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import redis
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase

from backend import redis_clients


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
    """One client for the process, of the server that the application's settings name."""

    def __init__(self) -> None:
        self._make: Callable[[], redis.Redis] | None = None
        self._client: redis.Redis | None = None
        self._lock = threading.Lock()

    def init_app(self, app: Flask) -> None:
        """Connect lazily to `REDIS_URL`, a cluster too: an application starts without Valkey."""
        self._make = partial(
            redis_clients.make,
            app.config["REDIS_URL"],
            wait_replicas=app.config.get("REDIS_WAIT_REPLICAS", 0),
        )
        self._client = None

    @property
    def client(self) -> redis.Redis:
        """The client; an application must exist.

        Raises redis.RedisError while no node of a cluster answers.
        """
        if self._make is None:
            raise RuntimeError("redis is not set up: create the application first")
        if self._client is None:
            with self._lock:
                if self._client is None:
                    self._client = self._make()
        return self._client

    def disconnect(self) -> None:
        """Close all connections: a process that forks later shares none."""
        if self._client is not None:
            redis_clients.disconnect(self._client)
            self._client = None


# Rows stay readable after the commit: services hand them to the presenters.
db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})
migrate = Migrate()
redis_handle = RedisHandle()

if TYPE_CHECKING:
    Model = Base  # mypy cannot follow the class that Flask-SQLAlchemy builds
else:
    Model = db.Model
