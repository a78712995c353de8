"""Writing claims into SQL: rows, ledger and counts in one transaction, behind the fence."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from backend import clock
from backend.domain.postings import campaign_posting
from backend.storage.queries import campaigns as campaign_queries
from backend.storage.queries import ledger as ledger_queries
from backend.storage.queries import vouchers as voucher_queries
from backend.storage.sql import transaction

Row = dict[str, object]


@dataclass(frozen=True, kw_only=True)
class Inserted:
    """What became of the rows: how many were new, and what was refused.

    `stale` holds (campaign_id, epoch) of claims that another epoch than the current one took;
    `taken` holds (voucher_id, resident_id) of claims whose number is another resident's.
    """

    new: int
    stale: frozenset[tuple[str, int]]
    taken: frozenset[tuple[int, int]]


def insert(claimed: Sequence[tuple[int, Row]]) -> Inserted:
    """Insert (epoch, row) each, once by its number; all that is accepted stands or falls together.

    The epochs are read in the same transaction, under a lock that whoever raises one must wait
    for: a batch is either counted by a rebuild or refused after it, never in between.
    """
    with transaction() as session:
        wanted = sorted({str(row["campaign_id"]) for _, row in claimed})
        current = campaign_queries.hold_epochs(session, wanted)
        stale = {
            (str(row["campaign_id"]), epoch)
            for epoch, row in claimed
            if current[str(row["campaign_id"])] != epoch
        }
        fresh = [row for epoch, row in claimed if (str(row["campaign_id"]), epoch) not in stale]
        first: dict[int, Row] = {}  # by number: a doubled one in the batch moves no money twice
        for row in sorted(fresh, key=_number):
            first.setdefault(_number(row), row)
        new = _insert_rows(session, list(first.values())) if first else set()
        others = sorted(first.keys() - new)
        _mark_known(session, [first[number] for number in others])
        owners = {number: first[number]["resident_id"] for number in new}
        owners |= voucher_queries.holders(session, others) if others else {}
    return Inserted(
        new=len(new),
        stale=frozenset(stale),
        taken=frozenset(
            (_number(row), int(str(row["resident_id"])))
            for row in fresh
            if owners[_number(row)] != row["resident_id"]
        ),
    )


def _insert_rows(session: Session, rows: Sequence[Row]) -> set[int]:
    """Insert rows with one claim transfer for each campaign in the batch; return what was new.

    Each voucher names the transfer that locked its money, so every fen is traced to its claim
    while a batch of a thousand claims costs the ledger one row (docs/adr/0005).
    """
    transfer_ids = {str(row["campaign_id"]): f"claim:{uuid.uuid4()}" for row in rows}
    new = voucher_queries.insert_new(
        session,
        [{**row, "claim_transfer_id": transfer_ids[str(row["campaign_id"])]} for row in rows],
    )
    amounts: dict[str, int] = defaultdict(int)
    counts: Counter[int] = Counter()
    for row in rows:
        if row["id"] in new:
            amounts[str(row["campaign_id"])] += int(str(row["face_value_fen"]))
            counts[int(str(row["tier_id"]))] += 1
    _book(session, amounts, transfer_ids)
    campaign_queries.add_claimed_counts(session, counts)
    return new


def _mark_known(session: Session, rows: Sequence[Row]) -> None:
    """Write the marks of claims whose row was there: who pays at once has it before the writer."""
    for row in rows:
        marks, claim_range = row["marks"], row["claim_range"]
        if marks or claim_range:
            voucher_queries.add_marks(
                session,
                _number(row),
                resident_id=int(str(row["resident_id"])),
                marks=int(str(marks)),
                claim_range=int(str(claim_range)) if claim_range else None,
            )


def _book(session: Session, amounts: Mapping[str, int], transfer_ids: Mapping[str, str]) -> None:
    for campaign_id, amount_fen in sorted(amounts.items()):
        posting = campaign_posting("claim", campaign_id, amount_fen, id=transfer_ids[campaign_id])
        ledger_queries.add_transfer(session, posting, at=clock.now())


def _number(row: Row) -> int:
    return int(str(row["id"]))
