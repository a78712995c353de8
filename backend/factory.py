"""Building the application: settings and edges in, a WSGI application out."""

import os

from apiflask import APIFlask
from flask import Flask

from backend import clock, logs, metrics
from backend.cli import commands
from backend.edge import converters, errors, figures, guards, health, http, limits, openapi
from backend.edge.bank_api import edges as bank_api
from backend.edge.callbacks import payments as payment_callbacks
from backend.edge.callbacks import wechat as wechat_callbacks
from backend.edge.console import edges as console
from backend.edge.console import pages as console_pages
from backend.edge.guards import Edge
from backend.edge.merchant_web import edges as desk
from backend.edge.merchant_web import pages as desk_pages
from backend.edge.public import (
    campaign_pages,
    complaints,
    landing,
    merchant_list,
    notices,
    programme,
)
from backend.extensions import db, migrate, redis_handle
from backend.gateways.payments import registry as payment_registry
from backend.gateways.wechat import WeChat
from backend.gateways.wechat_push import WeChatPush
from backend.services.personal_data import Vault
from backend.settings import Settings
from backend.storage import migrations, sql
from backend.storage.models import all as models
from backend.storage.redis.wechat_tokens import RedisTokenStore

HEALTH = Edge(blueprint=health.blueprint, prefix="", guard=guards.public)
OWN_EDGES = (
    HEALTH,
    Edge(blueprint=figures.blueprint, prefix="", guard=figures.metrics_guard),
    Edge(blueprint=programme.blueprint, prefix="", guard=guards.public),
    Edge(blueprint=campaign_pages.blueprint, prefix="", guard=guards.public),
    Edge(blueprint=landing.blueprint, prefix="", guard=guards.public),
    Edge(blueprint=merchant_list.blueprint, prefix="", guard=guards.public),
    Edge(blueprint=notices.blueprint, prefix="", guard=guards.public),
    Edge(blueprint=complaints.blueprint, prefix="", guard=guards.public),
    *bank_api.EDGES,
    *desk.EDGES,
    Edge(blueprint=payment_callbacks.blueprint, prefix="", guard=guards.public),
    Edge(blueprint=wechat_callbacks.blueprint, prefix="", guard=guards.public),
)


def create_app(settings: Settings, edges: tuple[Edge, ...] = ()) -> APIFlask:
    """Return the application; `edges` are the mini-program's, added to the public ones."""
    app = _base(settings, templates="edge/templates", spec_path="/openapi.json")
    openapi.init_app(app)
    desk_pages.init_app(app, settings)
    guards.init_app(app, OWN_EDGES + edges)
    limits.init_app(app, settings)
    commands.init_app(app)
    return app


def create_console(settings: Settings) -> APIFlask:
    """Return the application of the console: staff's pages, and whether it is well."""
    app = _base(settings, templates="edge/console/templates", spec_path=None)
    console_pages.init_app(app, settings)
    guards.init_app(app, (HEALTH, *console.EDGES))
    limits.init_app(app, settings)
    return app


def _base(settings: Settings, *, templates: str, spec_path: str | None) -> APIFlask:
    """Return what every application of ours begins with."""
    logs.configure()
    app = APIFlask(
        "backend",
        title="惠券 Huiquan",
        version="0.1.0",
        docs_path=None,  # its page would load scripts from elsewhere
        spec_path=spec_path,
        template_folder=templates,
        static_folder=None,  # type: ignore[arg-type]  # APIFlask types it too narrowly
    )
    app.config.update(
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=_engine_options(settings.database_url),
        REDIS_URL=settings.redis_url,
        REDIS_WAIT_REPLICAS=settings.wait_replicas,
        AUTO_OPERATION_ID=True,
        VALIDATION_ERROR_STATUS_CODE=400,
        VALIDATION_ERROR_DESCRIPTION="请求内容有误，请检查后重试",
        SERVERS=[{"url": settings.public_base_url}],
    )
    if settings.clock_offset_s:
        clock.use(clock.Clock(offset_s=settings.clock_offset_s))
    _attach(app, settings)
    http.init_app(app, body_max_bytes=settings.request_body_max_bytes)
    errors.init_app(app)
    converters.init_app(app)
    return app


def _attach(app: Flask, settings: Settings) -> None:
    """Give the application its handles: SQL, Valkey, WeChat, payment providers, the vault."""
    app.extensions["settings"] = settings
    app.extensions["vault"] = Vault(settings.personal_data_key)
    app.extensions["exportable"] = console.TABLES  # for the job that writes large ones
    app.extensions["models"] = models.__all__  # imported for effect: every mapper is known
    db.init_app(app)
    with app.app_context():
        sql.configure(db.engine)
        metrics.watch_pool(db.engine)
    migrate.init_app(app, db, directory=os.fspath(migrations.__path__[0]), render_as_batch=True)
    redis_handle.init_app(app)
    payment_registry.init_app(app, settings)
    app.extensions["wechat"] = WeChat(
        appid=settings.wechat_appid,
        secret=settings.wechat_secret,
        base_url=settings.wechat_base_url,
        tokens=RedisTokenStore(lambda: redis_handle.client),
    )
    app.extensions["wechat_push"] = _push(settings)


def _push(settings: Settings) -> WeChatPush | None:
    if settings.wechat_push_token is None:
        return None
    return WeChatPush(
        token=settings.wechat_push_token,
        aes_key=settings.wechat_push_aes_key,
        appid=settings.wechat_appid,
    )


def _engine_options(database_url: str) -> dict[str, object]:
    hidden: dict[str, object] = {"hide_parameters": True}  # an error's text quotes no phone
    if database_url.startswith("sqlite"):
        return hidden
    pool = {"pool_size": 10, "max_overflow": 10, "pool_pre_ping": True, "pool_timeout": 5}
    return hidden | pool
