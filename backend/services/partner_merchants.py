"""Merchants between a partner and us: the list in force out, qualified merchants in (提报)."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend import clock
from backend.domain import proposals as rules
from backend.domain.errors import NotFound
from backend.domain.proposals import Known, Line
from backend.extensions import db
from backend.services import audit, merchant_lists, merchant_reports, partner_requests
from backend.services.listings import Listing
from backend.services.merchant_lists import ListedMerchant
from backend.services.partner_requests import Numbered
from backend.storage.models.merchants import Merchant
from backend.storage.models.partners import MerchantProposal
from backend.storage.models.programmes import Domain
from backend.storage.sql import transaction

RETRIES = 3  # each retry met a line that somebody else had just proposed


@dataclass(frozen=True, kw_only=True)
class TillMerchant:
    """A merchant of the list as a bank's tills need it."""

    listed: ListedMerchant
    uscc: str | None
    merchant_number: str | None


@dataclass(frozen=True, kw_only=True)
class ListForTills:
    """The list in force, whole or as what changed since another version."""

    version: int
    published_at: datetime
    digest: str
    since: int | None
    merchants: tuple[TillMerchant, ...]  # all, or those that are new or changed
    removed: tuple[str, ...]  # merchants that are on the list no more


def listed(since: int | None = None) -> ListForTills:
    """Return the list in force; with `since`, its differences from that version.

    NotFound before the first publication, and for a version that never was.
    """
    now = merchant_lists.publication()
    entries = {entry.merchant_id: entry for entry in now.merchants}
    wanted, removed = set(entries), set[str]()
    if since is not None:
        old = {entry.merchant_id: entry for entry in merchant_lists.publication(since).merchants}
        wanted = {number for number, entry in entries.items() if old.get(number) != entry}
        removed = old.keys() - entries.keys()
    numbers = {
        row.id: row
        for row in db.session.execute(
            select(Merchant.id, Merchant.uscc, Merchant.merchant_number).where(
                Merchant.id.in_(entries)
            )
        )
    }
    return ListForTills(
        version=now.number,
        published_at=now.published_at,
        digest=now.digest,
        since=since,
        merchants=tuple(
            TillMerchant(
                listed=entries[number],
                uscc=numbers[number].uscc,
                merchant_number=numbers[number].merchant_number,
            )
            for number in sorted(wanted)
        ),
        removed=tuple(sorted(removed)),
    )


def propose(*, partner_id: str, request_number: str, lines: Sequence[Line]) -> dict[str, Any]:
    """Take the right lines of a partner's list, refuse the others one by one.

    A line that is taken stands as `bank_qualified`: it reports the merchant that has signed the
    pledge and applied, or waits until it has (merchant_reports). It makes no merchant. Lines count
    from 1. The same number again is the same answer.
    """
    asked = Numbered(
        partner_id=partner_id,
        number=request_number,
        act="merchants.propose",
        body={"lines": [asdict(line) for line in lines]},
    )

    def execute() -> dict[str, Any]:
        rows = _written(partner_id, request_number, lines)
        merchant_reports.take_up()
        return _presented(rows)

    return partner_requests.answer(asked, execute)


def list_proposals(partner_id: str | None = None) -> list[MerchantProposal]:
    """Return what partners proposed and was taken, the newest first."""
    query = select(MerchantProposal).where(MerchantProposal.state == "bank_qualified")
    if partner_id is not None:
        query = query.where(MerchantProposal.partner_id == partner_id)
    return list(db.session.scalars(query.order_by(MerchantProposal.id.desc())))


def proposals(*, partner_id: str = "", state: str = "") -> Listing[MerchantProposal]:
    """Return every line that partners proposed, taken or refused, the newest first."""
    wanted = {"partner_id": partner_id, "state": state}
    given = {name: text for name, text in wanted.items() if text}
    query = select(MerchantProposal).filter_by(**given)
    return Listing(query.order_by(MerchantProposal.id.desc()))


def _written(partner_id: str, request_number: str, lines: Sequence[Line]) -> list[MerchantProposal]:
    for _ in range(RETRIES):
        try:
            return _write(partner_id, request_number, lines)
        except IntegrityError:  # the same merchant, proposed at once: looked at again
            continue
    return _write(partner_id, request_number, lines)


def _write(partner_id: str, request_number: str, lines: Sequence[Line]) -> list[MerchantProposal]:
    """Write all lines at once, or return them as they were written before."""
    with transaction() as session:
        before = list(
            session.scalars(
                select(MerchantProposal)
                .where(
                    MerchantProposal.partner_id == partner_id,
                    MerchantProposal.request_number == request_number,
                )
                .order_by(MerchantProposal.line)
            )
        )
        if before:
            return before
        found = rules.check(lines, _known(session, lines))
        rows = [
            MerchantProposal(
                partner_id=partner_id,
                request_number=request_number,
                line=number,
                name=line.name,
                uscc=line.uscc,
                merchant_number=line.merchant_number,
                terminal_numbers=" ".join(line.terminal_numbers),
                domain_id=line.domain_id,
                area=line.area,
                state="refused" if faults else "bank_qualified",
                faults=" ".join(faults),
                proposed_at=clock.now(),
            )
            for number, (line, faults) in enumerate(zip(lines, found, strict=True), start=1)
        ]
        session.add_all(rows)
        audit.record(
            session,
            actor=f"partner:{partner_id}",
            action="merchants.propose",
            subject=partner_id,
            request_number=request_number,
            lines=len(rows),
            taken=sum(row.state == "bank_qualified" for row in rows),
        )
        session.flush()
    return rows


def _known(session: Session, lines: Sequence[Line]) -> Known:
    usccs = [line.uscc for line in lines]
    numbers = [line.merchant_number for line in lines]
    taken = MerchantProposal.state == "bank_qualified"
    domains = frozenset(session.scalars(select(Domain.id)))
    if not domains:
        raise NotFound("no programme is loaded")
    return Known(
        usccs={
            *session.scalars(  # who has signed and applied is waiting for just this
                select(Merchant.uscc).where(
                    Merchant.uscc.in_(usccs), Merchant.status.not_in(("pledged", "applied"))
                )
            ),
            *session.scalars(
                select(MerchantProposal.uscc).where(MerchantProposal.uscc.in_(usccs), taken)
            ),
        },
        merchant_numbers={
            *session.scalars(
                select(Merchant.merchant_number).where(Merchant.merchant_number.in_(numbers))
            ),
            *session.scalars(
                select(MerchantProposal.merchant_number).where(
                    MerchantProposal.merchant_number.in_(numbers), taken
                )
            ),
        },
        domain_ids=domains,
    )


def _presented(rows: Sequence[MerchantProposal]) -> dict[str, Any]:
    return {
        "taken": sum(row.state == "bank_qualified" for row in rows),
        "refused": sum(row.state == "refused" for row in rows),
        "lines": [
            {
                "line": row.line,
                "status": row.state,
                "faults": [
                    {"code": code, "sentence": rules.FAULTS[code]} for code in row.faults.split()
                ],
            }
            for row in rows
        ],
    }
