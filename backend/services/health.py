"""Readiness: every part a request needs is asked, and every fault is named."""

from dataclasses import dataclass
from pathlib import Path

import redis
import structlog
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import SQLAlchemyError

from backend.extensions import db, redis_handle
from backend.services import campaigns
from backend.storage import migrations
from backend.storage.queries.campaigns import list_campaigns
from backend.storage.redis import quota, safety, stream

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class ReadinessState:
    """What is wrong, in words, and how many claims wait for SQL (None when nobody can say)."""

    faults: tuple[str, ...]
    claims_backlog: int | None


def readiness() -> ReadinessState:
    """Ask SQL, the schema's version, Valkey, its settings, and each running campaign's quota."""
    faults = _sql_faults()
    backlog = None
    if not faults:
        running = [
            (c.id, c.epoch)
            for c in list_campaigns(db.session(), campaigns.STATES_WITH_QUOTA)
            if c.mode == "claim"
        ]
        db.session.close()
        try:
            faults += safety.faults(redis_handle.client)
            faults += _quota_faults(running)
            backlog = sum(stream.backlog(redis_handle.client, name) for name, _ in running)
        except redis.RedisError as error:
            faults.append(f"valkey does not answer: {type(error).__name__}")
    return ReadinessState(faults=tuple(faults), claims_backlog=backlog)


def refuse_unsafe_valkey() -> None:
    """Raise safety.ValkeyUnsafe when Valkey could lose claims; called before a process serves.

    One that does not answer is no reason to stay down: claims fail closed until it does, and
    `readiness()` names it.
    """
    client = redis_handle.client
    try:
        safety.refuse_unsafe(client)
    except redis.RedisError as error:
        log.warning("valkey_not_asked", error=type(error).__name__)
    finally:
        client.connection_pool.disconnect()  # a process that forks later shares no connection


def _sql_faults() -> list[str]:
    try:
        current = MigrationContext.configure(db.session.connection()).get_current_revision()
    except SQLAlchemyError as error:
        return [f"sql does not answer: {type(error).__name__}"]
    finally:
        db.session.close()
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__path__[0])))
    head = ScriptDirectory.from_config(config).get_current_head()
    return [] if current == head else [f"the schema is at {current}, wants {head}"]


def _quota_faults(running: list[tuple[str, int]]) -> list[str]:
    found = []
    for campaign_id, epoch in running:
        loaded = quota.loaded(redis_handle.client, campaign_id)
        if loaded is None:
            found.append(f"campaign {campaign_id} has no quota loaded")
        elif loaded[0] != epoch:
            found.append(f"campaign {campaign_id} has quota of epoch {loaded[0]}, wants {epoch}")
    return found
