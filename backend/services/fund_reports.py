"""The fund report (资金汇总上报), frozen: the same day always gives the same bytes."""

import hashlib
import json
from dataclasses import dataclass
from datetime import date
from typing import Any

import structlog
from flask import current_app
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend import clock
from backend.domain.errors import NotFound
from backend.domain.fund_reports import FundReportDiffers, differences, refuse_unless_over
from backend.extensions import db
from backend.services import audit, fund_report_pdf, fund_report_sheets
from backend.services.fund_report_figures import compute
from backend.settings import Settings
from backend.storage.models.budgets import FundReport
from backend.storage.queries import fund_reports as queries
from backend.storage.sql import transaction

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Frozen:
    """An edition of a day's report; `figures` as domain/fund_reports.py says them."""

    as_of: date
    edition: int
    digest: str
    figures: dict[str, Any]
    reason: str | None


def freeze(as_of: date, *, actor: str, reason: str | None = None) -> Frozen:
    """Freeze a day's figures once; made again they are the same, or it is refused.

    :param reason: why a new edition may be made, should the books say otherwise by now
    Raises ReportDayNotOver, FundReportDiffers.
    """
    refuse_unless_over(as_of, clock.today())
    try:
        return _freeze(as_of, actor=actor, reason=reason)
    except IntegrityError:  # somebody froze the same day in this moment
        return _freeze(as_of, actor=actor, reason=reason)


def edition(as_of: date, number: int) -> Frozen:
    """Return an edition that was frozen before."""
    row = db.session.get(FundReport, (as_of, number))
    if row is None:
        raise NotFound(f"fund report {as_of} edition {number}")
    return _frozen(row)


def compare(report: Frozen) -> list[dict[str, object]]:
    """Return each figure of an edition that the books say otherwise now: line, where, reason."""
    found = compute(db.session(), report.as_of)
    return [] if found == report.figures else differences(report.figures, found)


def files(report: Frozen) -> dict[str, bytes]:
    """Return the report's files by name: JSON, XLSX and PDF; the same report, the same bytes."""
    settings: Settings = current_app.extensions["settings"]
    stem = f"funds-{report.as_of.isoformat()}-v{report.edition}"
    told = report.figures | {"edition": report.edition, "digest": report.digest}
    if report.reason is not None:
        told |= {"reason": report.reason}
    text = json.dumps(told, ensure_ascii=False, sort_keys=True, indent=1) + "\n"
    return {
        f"{stem}.json": text.encode(),
        f"{stem}.xlsx": fund_report_sheets.workbook(told),
        f"{stem}.pdf": fund_report_pdf.document(told, cjk_font=settings.pdf_cjk_font),
    }


def _freeze(as_of: date, *, actor: str, reason: str | None) -> Frozen:
    with transaction() as session:
        found = compute(session, as_of)
        text = json.dumps(found, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        digest = hashlib.sha256(text.encode()).hexdigest()
        last = queries.last_edition(session, as_of)
        if last is not None and last.digest == digest:
            return _frozen(last)
        if last is not None and reason is None:
            raise FundReportDiffers(
                f"{as_of} edition {last.edition}",
                details={"faults": differences(json.loads(last.figures), found)},
            )
        row = FundReport(
            as_of=as_of,
            edition=1 if last is None else last.edition + 1,
            digest=digest,
            figures=text,
            reason=None if last is None else reason,
            made_by=actor,
            made_at=clock.now(),
        )
        _store(session, row)
    log.info("fund_report_frozen", as_of=as_of.isoformat(), edition=row.edition)
    return _frozen(row)


def _store(session: Session, row: FundReport) -> None:
    session.add(row)
    audit.record(
        session,
        actor=row.made_by,
        action="report.funds",
        subject=row.as_of.isoformat(),
        edition=row.edition,
        digest=row.digest,
        reason=row.reason,
    )
    session.flush()


def _frozen(row: FundReport) -> Frozen:
    return Frozen(
        as_of=row.as_of,
        edition=row.edition,
        digest=row.digest,
        figures=json.loads(row.figures),
        reason=row.reason,
    )
