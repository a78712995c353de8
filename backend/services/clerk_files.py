"""Many clerks of a shop from one file: all of them, or none and every fault with its line."""

from collections.abc import Mapping
from typing import IO

from flask import current_app
from sqlalchemy.exc import IntegrityError

from backend.domain.clerk_files import COLUMNS, ClerkFileRefused, faults_of
from backend.domain.reconciliation import Fault
from backend.gateways import text_tables
from backend.services import clerks, merchants
from backend.services.clerks import ClerkExists
from backend.services.personal_data import vault
from backend.settings import Settings
from backend.storage import files
from backend.storage.queries import merchants as queries
from backend.storage.sql import transaction

MAX_FILE_BYTES = 1_000_000
MAX_CLERKS = 500


def take(merchant_id: str, source: IO[bytes], *, file_name: str, actor: str) -> int:
    """Add all clerks that a file names to a shop; return how many.

    Raises NotFound, ClerkFileRefused with every fault, and ClerkExists for a phone that somebody
    gave to a shop at the same moment.
    """
    merchants.get(merchant_id)
    settings: Settings = current_app.extensions["settings"]
    faults: list[Fault] = []
    try:
        with files.receive(settings.files_dir, source, max_bytes=MAX_FILE_BYTES) as received:
            lines = text_tables.read_rows(
                received.path, file_name, faults, columns=COLUMNS, max_lines=MAX_CLERKS
            )
    except files.FileTooLarge as error:
        reason = f"超过 {MAX_FILE_BYTES // 1_000_000} MB"
        raise ClerkFileRefused([Fault(line=0, where="文件", reason=reason)]) from error
    people = [(line, cells["姓名"], cells["手机号"]) for line, cells in lines]
    faults += faults_of(people)
    try:
        with transaction() as session:
            taken: Mapping[str, str] = queries.shops_of_phones(
                session, [vault().hash("phone", phone) for _, _, phone in people]
            )
            for line, _, phone in people:
                if shop := taken.get(vault().hash("phone", phone)):
                    words = "已是本店的收银员" if shop == merchant_id else f"已是 {shop} 的收银员"
                    faults.append(Fault(line=line, where="手机号", reason=words))
            if faults:
                raise ClerkFileRefused(sorted(faults, key=lambda fault: fault.line))
            for _, name, phone in people:
                clerks.insert(session, merchant_id, name=name, phone=phone, actor=actor)
    except IntegrityError as error:
        raise ClerkExists(f"a clerk for {merchant_id}") from error
    return len(people)
