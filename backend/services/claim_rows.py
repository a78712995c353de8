"""Writing claims into SQL: rows, ledger and counts in one transaction, behind the fence."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from backend import clock
from backend.domain.postings import campaign_posting
from backend.storage.queries import campaigns as campaign_queries
from backend.storage.queries import ledger as ledger_queries
from backend.storage.queries import voucher_inserts
from backend.storage.queries import vouchers as voucher_queries
from backend.storage.queries.voucher_inserts import NewVoucher
from backend.storage.sql import transaction


@dataclass(frozen=True, kw_only=True)
class Inserted:
    """What became of the rows: how many were new, and what was refused.

    `stale` holds (campaign_id, epoch) of claims that another epoch than the current one took;
    `taken` holds (voucher_id, resident_id) of claims whose number is another resident's.
    """

    new: int
    stale: frozenset[tuple[str, int]]
    taken: frozenset[tuple[int, int]]


def insert(claimed: Sequence[tuple[int, NewVoucher]]) -> Inserted:
    """Insert (epoch, voucher) each, once by its number; all that is accepted stands or falls whole.

    The epochs are read in the same transaction, under a lock that whoever raises one must wait
    for: a batch is either counted by a rebuild or refused after it, never in between.
    """
    with transaction() as session:
        wanted = sorted({row.campaign_id for _, row in claimed})
        current = campaign_queries.hold_epochs(session, wanted)
        fresh = [row for epoch, row in claimed if current[row.campaign_id] == epoch]
        # By number, the first of each: a doubled one in the batch moves no money twice.
        first = {row.id: row for row in reversed(fresh)}
        new = _insert_rows(session, list(first.values()))
        others = sorted(first.keys() - new)
        _mark_known(session, [first[number] for number in others])
        owners = voucher_queries.holders(session, others) if others else {}
    stale = {
        (row.campaign_id, epoch) for epoch, row in claimed if current[row.campaign_id] != epoch
    }
    return Inserted(
        new=len(new), stale=frozenset(stale), taken=_taken(fresh, first=first, owners=owners)
    )


def _taken(
    fresh: Sequence[NewVoucher], *, first: dict[int, NewVoucher], owners: dict[int, int]
) -> frozenset[tuple[int, int]]:
    """Return (voucher_id, resident_id) of claims whose number is another resident's.

    :param owners: the residents of numbers that had a row before; the others are their first's
    """
    if not owners and len(first) == len(fresh):
        return frozenset()
    return frozenset(
        (row.id, row.resident_id)
        for row in fresh
        if owners.get(row.id, first[row.id].resident_id) != row.resident_id
    )


def _insert_rows(session: Session, rows: Sequence[NewVoucher]) -> set[int]:
    """Insert rows with one claim transfer for each campaign in the batch; return what was new.

    Each voucher names the transfer that locked its money, so every fen is traced to its claim
    while a batch of a thousand claims costs the ledger one row (docs/adr/0005). By campaign and
    number, so that two writers cannot wait for each other in a circle.
    """
    by_campaign: dict[str, list[NewVoucher]] = defaultdict(list)
    for row in rows:
        by_campaign[row.campaign_id].append(row)
    new: set[int] = set()
    counts: Counter[int] = Counter()
    for campaign_id, of_campaign in sorted(by_campaign.items()):
        transfer_id = f"claim:{uuid.uuid4()}"
        numbers = voucher_inserts.insert_new(
            session, campaign_id, sorted(of_campaign), transfer_id=transfer_id
        )
        written = [row for row in of_campaign if row.id in numbers]
        _book(session, campaign_id, sum(row.face_value_fen for row in written), transfer_id)
        counts.update(row.tier_id for row in written)
        new |= numbers
    campaign_queries.add_claimed_counts(session, counts)
    return new


def _mark_known(session: Session, rows: Sequence[NewVoucher]) -> None:
    """Write the marks of claims whose row was there: who pays at once has it before the writer."""
    for row in rows:
        if row.marks or row.claim_range:
            voucher_inserts.add_marks(
                session,
                row.id,
                resident_id=row.resident_id,
                marks=row.marks,
                claim_range=row.claim_range or None,
            )


def _book(session: Session, campaign_id: str, amount_fen: int, transfer_id: str) -> None:
    if amount_fen:
        posting = campaign_posting("claim", campaign_id, amount_fen, id=transfer_id)
        ledger_queries.add_transfer(session, posting, at=clock.now())
