"""How often somebody may ask: by account, by address, by range of addresses.

The claim is not here: its own rules are in the script, and a second call of Valkey would halve its
pace. When Valkey is down each process counts by itself: a limit may stay open, money may not.
"""

import ipaddress
import logging
import time
from collections.abc import Callable
from typing import Any

import redis
import structlog
from flask import Flask, Response, request
from flask_limiter import ApplicationLimit, Limiter, RateLimitExceeded
from werkzeug.middleware.proxy_fix import ProxyFix

from backend import redis_clients
from backend.domain import addresses
from backend.domain.errors import TooManyRequests
from backend.edge import errors
from backend.settings import Settings

log = structlog.get_logger()

# Whoever checks a token says here, in the request's environ, whose account it is.
ACCOUNT = "huiquan.account"
UNLIMITED = {"vouchers.claim", "health.healthz", "health.readyz", "figures.scrape"}
SIGN_INS = {
    *("sessions.sign_in_resident", "sessions.sign_in_clerk"),
    *("sign_in.password", "sign_in.code", "desk_sign_in.take"),
}
TICKETS = "resident_campaigns.page"
PAYMENTS = {
    "resident_orders",
    "charges",
    "entries",
    "subsidies",
    "desk_sales",
}  # blueprints; what they change or quote
SCANNING = {"charges", "entries", "desk_sales"}  # blueprints that take payment codes
WRONG_CODES = {"payment_code_invalid", "payment_code_misread"}
# Providers and WeChat send all they tell from a few addresses: true ones are never limited.
NOTICES = {"payment_callbacks", "wechat_callbacks"}  # blueprints
COMPLAINTS = "complaints"  # a blueprint
PARTNERS = "bank_"  # so begin the names of the partner bank interface's blueprints
ANSWERS_WITHIN_S = 0.5


def init_app(app: Flask, settings: Settings) -> None:
    """Install the limits; after the guards, which say who is calling."""
    if settings.trusted_proxies:
        proxies = settings.trusted_proxies
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]  # as Flask's documentation says
            app.wsgi_app, x_for=proxies, x_proto=0, x_host=0, x_port=0, x_prefix=0
        )
    # Its lines would hold addresses.
    logging.getLogger("flask-limiter").setLevel(logging.WARNING)
    storage_uri, storage_options = _storage(settings.redis_url)
    limiter = Limiter(
        _range,
        app=app,
        enabled=settings.rate_limits == "on",
        application_limits=[*_limits(settings)],
        storage_uri=storage_uri,
        storage_options=storage_options,
        key_prefix="hq",
        strategy="fixed-window",
        in_memory_fallback_enabled=True,
        swallow_errors=True,
    )
    limiter.request_filter(lambda: request.endpoint in UNLIMITED)

    @app.errorhandler(RateLimitExceeded)
    def refuse(_error: RateLimitExceeded) -> Response:
        limit = limiter.current_limit
        # The library has rounded the end of the window up already.
        wait_s = 1 if limit is None else max(int(limit.reset_at - time.time()), 1)
        return errors.refuse(TooManyRequests(f"{request.endpoint}", retry_after_s=wait_s))


def _limits(settings: Settings) -> list[ApplicationLimit]:
    def limit(
        name: str,
        rate: str,
        who: Callable[[], str],
        counts: Callable[[], bool],
        deduct_when: Callable[[Response], bool] | None = None,
    ) -> ApplicationLimit:
        return ApplicationLimit(
            limit_provider=rate,
            key_function=who,
            scope=name,
            exempt_when=lambda: not counts(),
            deduct_when=deduct_when,
        )

    return [
        limit(
            "addresses",
            settings.rate_limit_addresses,
            _range,
            lambda: _is_from_outside() and request.blueprint not in NOTICES,
        ),
        limit(
            "false-notices",
            settings.rate_limit_false_notices,
            _address,
            lambda: _is_from_outside() and request.blueprint in NOTICES,
            lambda response: response.status_code == 401,
        ),
        limit(
            "sign-ins",
            settings.rate_limit_sign_ins,
            _address,
            lambda: _is_from_outside() and request.endpoint in SIGN_INS,
        ),
        limit(
            "tickets",
            settings.rate_limit_tickets,
            _account,
            lambda: request.endpoint == TICKETS and ACCOUNT in request.environ,
        ),
        limit(
            "partners",
            settings.rate_limit_partners,
            _account,
            lambda: (request.blueprint or "").startswith(PARTNERS) and ACCOUNT in request.environ,
        ),
        limit(
            "complaints",
            settings.rate_limit_complaints,
            _address,
            lambda: (
                _is_from_outside() and request.method == "POST" and request.blueprint == COMPLAINTS
            ),
        ),
        limit("payments", settings.rate_limit_payments, _account, _is_payment),
        limit(
            "wrong-codes",
            settings.rate_limit_wrong_codes,
            _account,
            lambda: _is_payment() and request.blueprint in SCANNING,
            lambda _: request.environ.get(errors.REFUSED) in WRONG_CODES,
        ),
    ]


def _storage(redis_url: str) -> tuple[str, dict[str, Any]]:
    """Return where the library keeps its counts, in its own words.

    Connections apart from the claims', that give up soon: counting is not worth a wait. The library
    asks a cluster while it starts; without an answer each process counts by itself until the next
    start.
    """
    hosts = redis_clients.cluster_hosts(redis_url)
    try:
        client = redis_clients.make(redis_url, timeout_s=ANSWERS_WITHIN_S)
    except redis.RedisError as error:
        log.warning("limits_without_cluster", error=type(error).__name__)
        return "memory://", {}
    if not hosts:
        return "redis://", {"connection_pool": client.connection_pool}  # the pool says where
    client.close()
    named = ",".join(f"{host}:{port}" for host, port in hosts)
    options = redis_clients.cluster_options(redis_url, timeout_s=ANSWERS_WITHIN_S)
    return f"redis+cluster://{named}", options


def _is_payment() -> bool:
    changing = request.method in ("POST", "PUT")
    return changing and request.blueprint in PAYMENTS and ACCOUNT in request.environ


def _account() -> str:
    return str(request.environ[ACCOUNT])


def _ip() -> addresses.Address | None:
    return addresses.parse(request.remote_addr or "")


def _is_from_outside() -> bool:
    """An inner address is a proxy's or our own: to limit it would be to limit the whole city."""
    found = _ip()
    return found is not None and found.is_global


def _address() -> str:
    """One IPv4 address; of IPv6 the /64, which is what one subscriber has."""
    found = _ip()
    return str(found) if isinstance(found, ipaddress.IPv4Address) else _range()


def _range() -> str:
    found = _ip()
    return addresses.range_of(found) if found else "unknown"
