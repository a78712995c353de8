"""A partner's daily detail file, brought by its interface instead of by staff."""

from io import BytesIO

from backend.domain.partners import PartnerFileOfAnother
from backend.gateways import bank_files
from backend.services import outside_files
from backend.services.outside_files import Coming, Taken

CORRECTED = "合作银行提交的更正文件"


def take(*, partner_id: str, name: str, content: bytes, replaces: int | None = None) -> Taken:
    """Keep a detail file whole or not at all; the same bytes again are the same file.

    Raises PartnerFileOfAnother for a file that is named after another party, and what
    outside_files.take raises.
    :param name: PARTNER_YYYYMMDD.csv or .xlsx
    :param replaces: the number of the file that this one corrects
    """
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
