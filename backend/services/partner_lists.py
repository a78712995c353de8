"""The bureau's list to the partner, and the partner's answer to it (名单反馈给金融合作单位)."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO

from backend import clock
from backend.domain.errors import HuiquanError, NotFound
from backend.domain.merchant_steps import Step
from backend.extensions import db
from backend.services import audit, merchant_steps, pledges, workbooks
from backend.services.listings import Listing
from backend.services.merchant_steps import Act
from backend.storage.models.merchants import Merchant
from backend.storage.models.onboarding import MerchantStep, PartnerList
from backend.storage.queries import onboarding as queries
from backend.storage.sql import transaction


class NothingToSend(HuiquanError):
    code = "nothing_to_send"
    message = "没有已列入名单而未送出的商户"
    category = "conflict"


class NotOnPartnerList(HuiquanError):
    """`details["merchant_ids"]` names them."""

    code = "not_on_partner_list"
    message = "退回的商户不在这份名单中，未作任何更改，请核对商户编号"
    category = "invalid"


class PartnerListAnswered(HuiquanError):
    code = "partner_list_answered"
    message = "这份名单已经答复，没有待答复的商户"
    category = "conflict"


@dataclass(frozen=True, kw_only=True)
class SentList:
    """A list in the list of all: how many it names, and how many the partner has answered."""

    sent: PartnerList
    merchants: int
    passed: int
    returned: int


@dataclass(frozen=True, kw_only=True)
class SentMerchant:
    """A merchant of a list, and the partner's word; it may wait no more, vetoed meanwhile."""

    merchant: Merchant
    answer: MerchantStep | None
    waits: bool


def sent_lists() -> Listing[SentList]:
    """Return all lists, the newest first."""
    return Listing(
        queries.partner_lists_counted(),
        lambda row: SentList(
            sent=row.PartnerList,
            merchants=row.sent,
            passed=row.partner_passed,
            returned=row.partner_returned,
        ),
    )


def ready() -> list[Merchant]:
    """Return whom the next list would name."""
    return queries.list_by_status(db.session(), ("listed",))


def merchants_of(number: int) -> list[SentMerchant]:
    """Return whom a list names, by number. Raises NotFound."""
    session = db.session()
    if session.get(PartnerList, number) is None:
        raise NotFound(f"partner list {number}")
    newest, answers = queries.sent_last_with(session, number), queries.answers_to(session, number)
    named = [session.get_one(Merchant, id_) for id_ in queries.sent_with(session, number)]
    return [
        SentMerchant(
            merchant=m, answer=answers.get(m.id), waits=m.status == "sent" and m.id in newest
        )
        for m in named
    ]


def send(*, actor: str) -> PartnerList:
    """Send all listed merchants to the partner as the next numbered list.

    Raises NothingToSend.
    """
    with transaction() as session:
        pledges.programme_held(session)  # one list after the other
        merchants = queries.lock_by_status(session, ("listed",))
        if not merchants:
            raise NothingToSend("none is listed")
        said = [[m.id, m.name, m.uscc, m.merchant_number, m.domain_id] for m in merchants]
        made = PartnerList(
            number=queries.newest_partner_list(session) + 1,
            digest=hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest(),
            sent_by=actor,
            sent_at=clock.now(),
        )
        session.add(made)
        session.flush()
        act = Act(step=Step.SENT, actor=actor, office="bureau", partner_list=made.number)
        for merchant in merchants:
            merchant_steps.take(session, merchant, act)
        audit.record(
            session,
            actor=actor,
            action="partner_list.send",
            subject=str(made.number),
            merchants=len(merchants),
            digest=made.digest,
        )
    return made


def answer(number: int, *, returned: Mapping[str, str], actor: str) -> tuple[int, int]:
    """Take the partner's answer to a list: who is returned with his reason; all others pass.

    A merchant that was vetoed or disqualified since is not touched. Returns how many passed and
    how many were returned. Raises NotOnPartnerList, PartnerListAnswered.
    """
    with transaction() as session:
        pledges.programme_held(session)
        named = queries.sent_with(session, number)
        if not named:
            raise NotFound(f"partner list {number}")
        if strangers := sorted(returned.keys() - set(named)):
            raise NotOnPartnerList(f"list {number}", details={"merchant_ids": strangers})
        newest = queries.sent_last_with(session, number)
        waiting = [m for m in queries.lock_by_status(session, ("sent",)) if m.id in newest]
        if not waiting:
            raise PartnerListAnswered(f"list {number}")
        for merchant in waiting:
            reason = returned.get(merchant.id)
            step = Step.PARTNER_PASSED if reason is None else Step.PARTNER_RETURNED
            act = Act(step=step, actor=actor, office="partner", reason=reason, partner_list=number)
            merchant_steps.take(session, merchant, act)
        back = sum(merchant.id in returned for merchant in waiting)
    return len(waiting) - back, back


def write(number: int, file: IO[bytes]) -> None:
    """Write a list as Excel for the partner. Raises NotFound."""
    session = db.session()
    sent = session.get(PartnerList, number)
    if sent is None:
        raise NotFound(f"partner list {number}")
    with workbooks.workbook(file, title=f"参与商户名单（送审第 {number} 份）") as book:
        page = workbooks.Page(book, "名单", (10, 30, 30, 22, 18, 14, 14))
        page.row("商户编号", "商户名称", "营业执照名称", "统一社会信用代码", "商户号", bold=True)
        for merchant_id in queries.sent_with(session, number):
            m = session.get_one(Merchant, merchant_id)
            page.row(m.id, m.name, m.legal_name, m.uscc, m.merchant_number)
