"""The daily proofs (每日核对): the ledger's and the audit log's, run by a job and written down."""

from datetime import date
from typing import Literal

import structlog
from sqlalchemy import select

from backend import clock
from backend.extensions import db
from backend.services import audit_proofs, ledger
from backend.storage.models.health import CheckRun
from backend.storage.sql import exclusively, transaction

log = structlog.get_logger()
Kind = Literal["ledger", "audit"]
KINDS: tuple[Kind, ...] = ("ledger", "audit")


def run_due() -> int:
    """Job: run what has not run today, China's day, on one machine; return how many ran."""
    done = 0
    with exclusively("checks") as mine:
        for kind in KINDS if mine else ():
            if _last_day(kind) != clock.today():
                run(kind)
                done += 1
    return done


def run(kind: Kind) -> CheckRun:
    """Prove the ledger, or the audit log, and write down what was found."""
    looked_at, faults = _ledger() if kind == "ledger" else _audit()
    made = CheckRun(
        kind=kind,
        at=clock.now(),
        looked_at=looked_at,
        faults=len(faults),
        first_fault=faults[0] if faults else None,
    )
    with transaction() as session:
        session.add(made)
    if faults:
        log.error("check_found_faults", kind=kind, faults=len(faults))
    return made


def last(kind: Kind) -> CheckRun | None:
    """Return the last proof of a kind, or None before the first."""
    return db.session.scalar(
        select(CheckRun)
        .where(CheckRun.kind == kind)
        .order_by(CheckRun.at.desc(), CheckRun.id.desc())
        .limit(1)
    )


def _last_day(kind: Kind) -> date | None:
    found = last(kind)
    db.session.close()
    return found.at.date() if found else None


def _ledger() -> tuple[int, list[str]]:
    check = ledger.check()
    return check.transfers, [f"{found.where}: {found.what}" for found in check.differences]


def _audit() -> tuple[int, list[str]]:
    proof = audit_proofs.verify()
    db.session.close()
    return proof.sealed, [fault.what for fault in proof.faults]
