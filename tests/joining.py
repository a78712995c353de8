"""Builders of what tests of the onboarding chain need: shops, their offices, files of a bank."""

import csv
import io
import itertools
from datetime import date
from typing import Any

from backend.domain.applicants import Applicant, Signature, Tills
from backend.domain.identifiers import is_uscc
from backend.gateways.merchant_reports import COLUMNS
from backend.services import approvals, merchant_reports, partner_lists, placements, pledges

BANK, SUPERIOR, BUREAU, TAX, MARKET, PARTNER = (
    "赵银行",
    "钱上级",
    "孙经办",
    "李税务",
    "周市监",
    "吴合作",
)
APPROVER = "郑审批"
TEXT = "本商户承诺：诚信经营，不套取消费券，不参与作弊，不开展虚假交易。"


def uscc(number: int) -> str:
    """Return the n-th valid unified social credit code of a made-up shop."""
    stem = f"92230881MA{number:06d}"
    digits = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    pairs = itertools.product(digits, digits)
    return next(code for one, two in pairs if is_uscc(code := f"{stem}{one}{two}"))


def applicant(number: int = 1, **changed: Any) -> Applicant:
    given = {
        "name": f"江边小馆{number}",
        "legal_name": f"同江市江边小馆{number}有限公司",
        "uscc": uscc(number),
        "licence_number": f"23088160000{number:04d}",
        "domain_id": "FOOD",
        "area": None,
        "address": "通江街1号",
        "contact": "王店主",
        "phone": "13800138000",
    }
    return Applicant(**given | changed)


def signature(**changed: Any) -> Signature:
    given = {"text_version": 1, "signed_by": "王店主", "signed_on": date(2023, 4, 20)}
    return Signature(**given | changed)


def tills(number: int = 1, **changed: Any) -> Tills:
    given = {
        "merchant_number": f"8982610{number:08d}",
        "terminal_numbers": (f"{number:08d}", f"T{number:07d}"),
    }
    return Tills(**given | changed)


def pledged(number: int = 1, **changed: Any) -> str:
    """Enter a shop that has signed; return its number."""
    pledges.issue_text(TEXT, actor=BUREAU)
    return pledges.sign(applicant(number, **changed), signature(), actor=BANK).id


def reported(number: int = 1, **changed: Any) -> str:
    """Take a new shop to the review of all offices; return its number."""
    merchant_id = pledged(number, **changed)
    pledges.apply(merchant_id, "placard", actor=BANK)
    merchant_reports.report(merchant_id, tills(number), actor=BANK)
    return merchant_id


def agreed(merchant_id: str) -> None:
    """Let all four offices say yes to a reported merchant."""
    approvals.confirm(merchant_id, office="superior_bank", actor=SUPERIOR)
    approvals.confirm(merchant_id, office="bureau", actor=BUREAU)
    approvals.screen(merchant_id, "passed", office="tax", actor=TAX)
    approvals.screen(merchant_id, "passed", office="market_regulator", actor=MARKET)


def passed(merchant_id: str) -> None:
    """Take a reported merchant on until the partner has passed it."""
    agreed(merchant_id)
    approvals.put_on_list(merchant_id, actor=BUREAU)
    sent = partner_lists.send(actor=BUREAU)
    partner_lists.answer(sent.number, returned={}, actor=PARTNER)


def row_of(number: int, **changed: str) -> dict[str, str]:
    """Return a line of a bank's file by its columns."""
    shop, sold = applicant(number), tills(number)
    given = {
        "商户名称": shop.name,
        "营业执照名称": shop.legal_name,
        "统一社会信用代码": shop.uscc,
        "营业执照编号": shop.licence_number or "",
        "商户号": sold.merchant_number,
        "终端号": " ".join(sold.terminal_numbers),
        "领域": shop.domain_id,
        "区域": "",
        "地址": shop.address,
        "联系人": shop.contact,
        "联系电话": shop.phone,
        "申请": "码牌",
        "承诺书版本": "1",
        "签订人": "王店主",
        "签订日期": "2023-04-20",
    }
    return given | changed


def csv_file(*rows: dict[str, str], encoding: str = "utf-8") -> io.BytesIO:
    """Return a bank's file."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    return io.BytesIO(text.getvalue().encode(encoding))


def join_one() -> None:
    """Let a bank's file bring a shop, send it to the partner, and look at its poster."""
    pledges.issue_text(TEXT, actor=BUREAU)
    taken = merchant_reports.take_file(csv_file(row_of(1)), file_name="shops.csv", actor=BANK)
    passed(taken.merchant_ids)
    placements.record(
        check_id="check-1",
        merchant_id=taken.merchant_ids,
        material="poster",
        found=True,
        place="正门",
        actor=BUREAU,
    )
