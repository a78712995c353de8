"""A partner's daily detail file, brought by its interface instead of by staff."""

import hashlib
from collections.abc import Sequence
from io import BytesIO

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from backend import clock
from backend.domain.errors import HuiquanError
from backend.domain.partners import PartnerFileOfAnother
from backend.extensions import db
from backend.gateways import bank_files
from backend.services import outside_files
from backend.services.outside_files import Coming, Taken
from backend.storage.models.partners import PartnerFileRefusal
from backend.storage.sql import transaction

CORRECTED = "合作银行提交的更正文件"
KEPT_FAULTS = 20  # of a refused file; the bank was told all of them


def take(*, partner_id: str, name: str, content: bytes, replaces: int | None = None) -> Taken:
    """Keep a detail file whole or not at all; the same bytes again are the same file.

    What was refused is written down with its faults, once for the same bytes.

    Raises PartnerFileOfAnother for a file that is named after another party, and what
    outside_files.take raises.
    :param name: PARTNER_YYYYMMDD.csv or .xlsx
    :param replaces: the number of the file that this one corrects
    """
    try:
        return _take(partner_id, name, content, replaces)
    except HuiquanError as error:
        if error.category != "unavailable":  # ours is the fault, and the bank sends it again
            _note_refused(partner_id, name, content, error)
        raise


def refused(partner_id: str, *, limit: int = 20) -> Sequence[PartnerFileRefusal]:
    """Return a partner's files that were refused, the newest first."""
    query = select(PartnerFileRefusal).where(PartnerFileRefusal.partner_id == partner_id)
    return db.session.scalars(query.order_by(PartnerFileRefusal.id.desc()).limit(limit)).all()


def _take(partner_id: str, name: str, content: bytes, replaces: int | None) -> Taken:
    said = bank_files.read_name(name)
    if said.party != partner_id:
        raise PartnerFileOfAnother(f"{said.party} by {partner_id}")
    coming = Coming(
        kind="bank_detail",
        party=partner_id,
        day=said.day,
        name=name,
        replaces=replaces,
        reason=None if replaces is None else CORRECTED,
    )
    return outside_files.take(BytesIO(content), coming, actor=f"partner:{partner_id}")


def _note_refused(partner_id: str, name: str, content: bytes, error: HuiquanError) -> None:
    found = error.details.get("faults")
    try:
        with transaction() as session:
            session.add(
                PartnerFileRefusal(
                    partner_id=partner_id,
                    name=name,
                    digest=hashlib.sha256(content).hexdigest(),
                    code=error.code,
                    faults=found[:KEPT_FAULTS] if isinstance(found, list) else [],
                    refused_at=clock.now(),
                )
            )
    except IntegrityError:  # the same bytes were refused before
        return
