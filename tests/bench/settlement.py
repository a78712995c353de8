"""Settling 100,000 redemptions of one merchant in one sheet: seconds, and memory beyond the start.

The redemptions are written as the application writes them, in bulk; drafting, rejecting, the check
of the books and the Excel file are the services' own.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from backend import clock
from backend.domain.postings import campaign_posting
from backend.extensions import db
from backend.services import campaigns, ledger, settlement_files, settlements
from backend.storage.models.campaigns import Tier
from backend.storage.models.ledger import Transfer
from backend.storage.models.orders import Order, Payment, Redemption
from backend.storage.models.vouchers import Voucher
from backend.storage.sql import transaction
from tests.bench.lane import Figures
from tests.factories import MAY, SUPERMARKET
from tests.load.stack import city

REDEMPTIONS = 100_000
BATCH = 5_000
ORDER_FEN = 20_000


def settlement(_: int) -> Figures:
    """One sheet of 100,000 lines on each database; the rounds do not matter."""
    for database in ("sqlite", "postgresql"):
        with city(database=database, units={1: REDEMPTIONS}, residents=REDEMPTIONS):
            for first in range(1, REDEMPTIONS + 1, BATCH):
                _redeem(range(first, first + BATCH))
            day = clock.today() - timedelta(days=1)
            draft = measured(lambda day=day: settlements.draft(through_day=day, actor="bench"))
            (sheet,) = settlements.sheets()
            if (sheet.line_count, sheet.state) != (REDEMPTIONS, "drafted"):
                raise SystemExit(f"{sheet.line_count} lines, {sheet.state}")
            reject = measured(lambda sheet=sheet: _reject(sheet.id))
            settlements.draft(through_day=day, actor="bench")
            (sheet,) = settlements.sheets(states=("drafted",))
            excel = measured(lambda sheet=sheet: settlement_files.excel(sheet.id))
            check = measured(ledger.check)
            for name, (took_s, more_mb) in {
                "settlement_100k": draft,
                "settlement_reject_100k": reject,
                "settlement_excel_100k": excel,
                "settlement_check_100k": check,
            }.items():
                suffix = "" if database == "postgresql" else f"_{database}"
                yield f"figure {name}{suffix}_s", took_s
                yield f"figure {name}{suffix}_mb", more_mb
            yield "differences", len(ledger.check().differences)


def _reject(sheet_id: str) -> None:
    settlements.reject(sheet_id=sheet_id, role="bureau", actor="bureau", reason="bench")


def measured(act: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds of an act, and the MB by which the process grew at its peak."""
    db.session.close()
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    before_mb, began_s = memory_mb("VmRSS"), time.monotonic()
    act()
    took_s = time.monotonic() - began_s
    db.session.close()
    return took_s, max(0.0, memory_mb("VmHWM") - before_mb)


def memory_mb(what: str, process: int | str = "self") -> float:
    """Return a line of a process's status, such as VmRSS, in MB; 0 when it is ending."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(what)), 0.0)


def _redeem(people: range) -> None:
    """Write a used voucher, its order, payment, transfer and redemption for each resident."""
    at = clock.now() - timedelta(days=1)
    tier = campaigns.terms(MAY).tiers[0]
    with transaction() as session:
        claim = campaign_posting("claim", MAY, len(people) * tier.face_value_fen, id="")
        _add(session, Transfer, [_transfer(claim, f"claim:{people[0]}", at)])
        _add(session, Voucher, [_voucher(n, tier, f"claim:{people[0]}", at) for n in people])
        _add(session, Order, [_order(n, tier, at) for n in people])
        payment = {"provider": "at_till", "status": "paid", "updated_at": at}
        paid_fen = ORDER_FEN - tier.face_value_fen
        _add(
            session,
            Payment,
            [{"order_id": f"{n:032x}", "amount_fen": paid_fen, **payment} for n in people],
        )
        used = campaign_posting("redemption", MAY, tier.face_value_fen, id="")
        _add(session, Transfer, [_transfer(used, f"redemption:{n}", at) for n in people])
        _add(session, Redemption, [_redemption(n, tier, at) for n in people])
        taken = Tier.claimed_count + len(people)
        session.execute(update(Tier).where(Tier.id == tier.id).values(claimed_count=taken))


def begun(people: range, tier: Any, at: datetime) -> list[tuple[type, list[dict[str, Any]]]]:
    """Return the rows of an open order for each resident, its voucher locked, to be paid."""
    claim = campaign_posting("claim", MAY, len(people) * tier.face_value_fen, id="")
    claim_id = f"claim:{people[0]}"
    payment = {"provider": "at_till", "status": "pending", "updated_at": at}
    paid_fen = ORDER_FEN - tier.face_value_fen
    return [
        (Transfer, [_transfer(claim, claim_id, at)]),
        (Voucher, [{**_voucher(n, tier, claim_id, at), "status": "locked"} for n in people]),
        (Order, [{**_order(n, tier, at), "status": "locked", "closed_at": None} for n in people]),
        (
            Payment,
            [{"order_id": f"{n:032x}", "amount_fen": paid_fen, **payment} for n in people],
        ),
    ]


def _add(session: Session, model: type, rows: list[dict[str, Any]]) -> None:
    session.execute(insert(model), rows)


def _transfer(posting: Any, id_: str, at: datetime) -> dict[str, Any]:
    return {**vars(posting), "id": id_, "at": at}


def _voucher(n: int, tier: Any, transfer_id: str, at: datetime) -> dict[str, Any]:
    return {
        "id": tier.id * 10**9 + n,
        "resident_id": n,
        "campaign_id": MAY,
        "tier_id": tier.id,
        "threshold_fen": tier.threshold_fen,
        "face_value_fen": tier.face_value_fen,
        "claimed_at": at,
        "valid_from": at,
        "valid_until": at + timedelta(days=7),
        "status": "used",
        "order_id": f"{n:032x}",
        "claim_transfer_id": transfer_id,
    }


def _amounts(tier: Any) -> dict[str, int]:
    return {
        "order_amount_fen": ORDER_FEN,
        "discount_fen": tier.face_value_fen,
        "payable_fen": ORDER_FEN - tier.face_value_fen,
    }


def _order(n: int, tier: Any, at: datetime) -> dict[str, Any]:
    return {
        "id": f"{n:032x}",
        "requested_by": f"resident:{n}",
        "request_id": f"request-{n}",
        "request_digest": "-",
        "entry": "placard",
        "merchant_id": SUPERMARKET,
        "resident_id": n,
        "voucher_id": tier.id * 10**9 + n,
        "list_amount_fen": ORDER_FEN,
        "merchant_discount_fen": 0,
        "bank_discount_fen": 0,
        "status": "redeemed",
        "created_at": at,
        "lock_expires_at": at + timedelta(seconds=300),
        "closed_at": at,
        **_amounts(tier),
    }


def _redemption(n: int, tier: Any, at: datetime) -> dict[str, Any]:
    return {
        "id": f"{n:032x}",
        "voucher_id": tier.id * 10**9 + n,
        "campaign_id": MAY,
        "merchant_id": SUPERMARKET,
        "resident_id": n,
        "redeemed_at": at,
        "business_day": at.date(),
        "transfer_id": f"redemption:{n}",
        **_amounts(tier),
    }
