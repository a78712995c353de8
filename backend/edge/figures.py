"""Figures for operators: Prometheus' text, and a campaign's live figures as JSON.

Both want METRICS_TOKEN. Rates, latency and refusals by reason would tell somebody who floods the
opening how well it works; the public reads what is left at `/api/v1/campaigns`.
"""

import hmac
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict

import structlog
from apiflask import APIBlueprint
from flask import Response, current_app, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from backend import metrics
from backend.domain.errors import NotFound
from backend.domain.refusals import SignInRequired
from backend.edge.guards import Guard
from backend.extensions import db
from backend.services import live, missing_files, payment_records
from backend.services.payment_records import OpenMoney
from backend.settings import Settings

log = structlog.get_logger()
# For operators' own programs, not for phones or tills: no part of the document.
blueprint = APIBlueprint("figures", __name__, enable_openapi=False)


def _check() -> None:
    settings: Settings = current_app.extensions["settings"]
    if settings.metrics_token is None:
        raise NotFound("METRICS_TOKEN is not set")
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    same = hmac.compare_digest(token.strip().encode(), settings.metrics_token.encode())
    if scheme.lower() != "bearer" or not same:
        raise SignInRequired("not the metrics token")


metrics_guard = Guard("metrics", _check)


@blueprint.get("/metrics")
def scrape() -> Response:
    """Return what all processes of this machine counted, and what Valkey knows now."""
    live.flush()  # this process's last second; the others have told theirs
    registry = metrics.REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
    now = CollectorRegistry()
    now.register(_Quotas())
    now.register(_Payments())
    now.register(_Files())
    text = generate_latest(registry) + generate_latest(now)
    return Response(text, content_type=CONTENT_TYPE_LATEST)


@blueprint.get("/api/v1/campaigns/<campaign_id:campaign_id>/live")
def live_figures(campaign_id: str) -> Response:
    """Return a campaign's figures of all processes, at most a second old."""
    return jsonify(asdict(live.of_campaign(campaign_id)))


class _Quotas(Collector):
    """Asked at the scrape; without Valkey or SQL the counters are still told."""

    def collect(self) -> Iterator[Metric]:
        labels = ["campaign", "tier"]
        claimed = GaugeMetricFamily("huiquan_quota_claimed", "Units claimed", labels=labels)
        left = GaugeMetricFamily("huiquan_quota_left", "Units left", labels=labels)
        reserved = GaugeMetricFamily(
            "huiquan_quota_reserved", "Units left that wait for receipts", labels=labels
        )
        backlog = GaugeMetricFamily(
            "huiquan_claims_backlog", "Claims promised and not in SQL yet", labels=["campaign"]
        )
        answered = GaugeMetricFamily(
            "huiquan_quota_answered", "1 when SQL and Valkey told the figures of the quota"
        )
        try:
            found = live.quotas()
        except (RedisError, SQLAlchemyError) as error:
            log.warning("quota_not_scraped", error=type(error).__name__)
            answered.add_metric([], 0)
            yield answered
            return
        for campaign in found:
            backlog.add_metric([campaign.campaign_id], campaign.backlog)
            for tier in campaign.tiers:
                where = [campaign.campaign_id, str(tier.position)]
                if tier.claimed is not None and tier.left is not None:
                    claimed.add_metric(where, tier.claimed)
                    left.add_metric(where, tier.left)
                    reserved.add_metric(where, tier.reserved)
        answered.add_metric([], 1)
        yield from (claimed, left, reserved, backlog, answered)


def _open_money(name: str, what: str, found: Iterable[OpenMoney]) -> tuple[Metric, Metric]:
    """Return how many there are and the age of the oldest, by provider and status."""
    labels = ["provider", "status"]
    waiting = GaugeMetricFamily(f"huiquan_{name}_open", what, labels=labels)
    oldest = GaugeMetricFamily(
        f"huiquan_{name}_oldest_seconds", "Age of the oldest of them", labels=labels
    )
    for one in found:
        waiting.add_metric([one.provider, one.status], one.count)
        oldest.add_metric([one.provider, one.status], one.oldest_s)
    return waiting, oldest


class _Payments(Collector):
    """Asked of SQL at the scrape: what has come to no end, and for how long."""

    def collect(self) -> Iterator[Metric]:
        try:
            found = payment_records.open_now()
        except SQLAlchemyError as error:
            log.warning("payments_not_scraped", error=type(error).__name__)
            return
        yield from _open_money("payments", "Payments that are asked about", found.payments)
        yield from _open_money("paybacks", "Customers' money on its way back", found.paybacks)
        yield GaugeMetricFamily(
            "huiquan_payment_notices_left", "Notices stored and not applied", value=found.notices
        )
        yield GaugeMetricFamily(
            "huiquan_payment_cases_open", "Cases of money astray", value=found.cases
        )


class _Files(Collector):
    """Asked of SQL at the scrape: whose files are late, of how many days."""

    def collect(self) -> Iterator[Metric]:
        missing = GaugeMetricFamily(
            "huiquan_outside_files_missing",
            "Days with payments whose file is late, by who owes it",
            labels=["kind", "party"],
        )
        try:
            found = missing_files.sources()
        except SQLAlchemyError as error:
            log.warning("files_not_scraped", error=type(error).__name__)
            return
        finally:
            db.session.close()
        for source in found:
            missing.add_metric([source.kind, source.party], len(source.missing))
        yield missing
