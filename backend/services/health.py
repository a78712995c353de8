"""Readiness: every part a request needs is asked, and every fault is named."""

from dataclasses import dataclass
from pathlib import Path

import redis
import structlog
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import SQLAlchemyError

from backend import redis_clients
from backend.domain.campaigns import MODES_WITH_QUOTA
from backend.extensions import db, redis_handle
from backend.services import campaigns
from backend.storage import migrations
from backend.storage.queries.campaigns import list_campaigns
from backend.storage.redis import keys, quota, safety, stream

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class ReadinessState:
    """What is wrong, in words, and how many claims wait for SQL (None when nobody can say).

    `ready` in spite of faults: one node of a cluster is down, and refuses its own campaigns alone.
    """

    faults: tuple[str, ...]
    claims_backlog: int | None
    ready: bool


def readiness() -> ReadinessState:
    """Ask SQL, the schema's version, Valkey, its settings, and each running campaign's quota."""
    faults, tolerable = _sql_faults(), []
    backlog = None
    if not faults:
        running = [
            (c.id, c.epoch)
            for c in list_campaigns(db.session(), campaigns.STATES_WITH_QUOTA)
            if c.mode in MODES_WITH_QUOTA
        ]
        db.session.close()
        try:
            asked = safety.ask(redis_handle.client)
            if not asked.answered:
                raise asked.silent[0][1]
            faults += asked.faults
            tolerable += [
                f"valkey node {name} does not answer: {type(error).__name__}"
                for name, error in asked.silent
            ]
            lost, silent, backlog = _quota_faults(running)
            faults += lost
            tolerable += silent
        except redis.RedisError as error:
            faults.append(f"valkey does not answer: {type(error).__name__}")
    return ReadinessState(faults=(*faults, *tolerable), claims_backlog=backlog, ready=not faults)


def refuse_unsafe_valkey() -> None:
    """Raise safety.ValkeyUnsafe when Valkey could lose claims; called before a process serves.

    One that does not answer is no reason to stay down: claims fail closed until it does, and
    `readiness()` names it.
    """
    try:
        safety.refuse_unsafe(redis_handle.client)
    except redis.RedisError as error:
        log.warning("valkey_not_asked", error=type(error).__name__)
    finally:
        redis_handle.disconnect()


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


def _quota_faults(running: list[tuple[str, int]]) -> tuple[list[str], list[str], int | None]:
    """Return the faults of quotas, the campaigns whose node is silent, and the backlog.

    Raises redis.RedisError when no campaign's server answers.
    """
    client = redis_handle.client
    found: list[str] = []
    silent: list[str] = []
    backlog = 0
    for group in redis_clients.by_node(client, running, lambda named: keys.quota(named[0])):
        try:
            for campaign_id, epoch in group:
                backlog += stream.backlog(client, campaign_id)
                found += _quota_fault(campaign_id, epoch)
        except redis.RedisError:
            if not redis_clients.is_cluster(client):
                raise
            silent += [f"campaign {name} takes no claims: its node is down" for name, _ in group]
    return found, silent, None if silent else backlog


def _quota_fault(campaign_id: str, epoch: int) -> list[str]:
    loaded = quota.loaded(redis_handle.client, campaign_id)
    if loaded is None:
        return [f"campaign {campaign_id} has no quota loaded"]
    if loaded[0] != epoch:
        return [f"campaign {campaign_id} has quota of epoch {loaded[0]}, wants {epoch}"]
    return []
