"""A bank's detail file of 100,000 lines: taken and compared, in seconds and in memory."""

import subprocess
import sys
import time
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select

from backend import clock
from backend.devstack.paths import PROJECT_ROOT
from backend.domain.postings import campaign_posting
from backend.extensions import db
from backend.storage.models.campaigns import Tier
from backend.storage.models.ledger import Transfer
from backend.storage.models.merchants import Merchant
from backend.storage.models.orders import Order, Payment, Redemption
from backend.storage.models.reconciliation import ReconciliationSum
from backend.storage.models.vouchers import Voucher
from backend.storage.sql import transaction
from tests.bank_details import BANK, DAY, MERCHANT_NUMBER, detail, line
from tests.bench.lane import Figures
from tests.bench.settlement import memory_mb
from tests.factories import MAY, SUPERMARKET
from tests.load.stack import Stack, city

LINES = 100_000
ONE_IN = 1000  # of so many lines one is otherwise than ours
BATCH = 5000
FACE_FEN = 3_000
NEXT_DAY_S = 86_400.0


def reconcile(rounds: int) -> Figures:
    """Take and compare a bank's file on PostgreSQL; once, whatever `rounds` says."""
    with city(database="postgresql", residents=1, opened_s=NEXT_DAY_S) as stack:
        _redeem_at_the_banks_tills()
        file = stack.folder / f"{BANK}_{DAY:%Y%m%d}.csv"
        file.write_bytes(detail([_line(n) for n in range(LINES)], encoding="gbk"))
        _, idle_mb = _command(stack, "list")
        took_s, largest_mb = _command(stack, "take", str(file), "--party", BANK, "--day", f"{DAY}")
        again_s, _ = _command(stack, "run", "1")
        sums = select(ReconciliationSum.result, ReconciliationSum.count.label("count_"))
        found = {row.result: row.count_ for row in db.session.execute(sums)}
        wrong = LINES // ONE_IN
        expected = {"matched": LINES - wrong, "only_theirs": wrong, "only_ours": wrong}
        yield "figure reconciliation_100k_s", took_s
        yield "figure reconciliation_100k_mb", largest_mb
        yield "figure reconciliation_100k_more_mb", largest_mb - idle_mb
        yield "compared_again_s", again_s
        yield "wrong_answers", sum(found.get(k, 0) != v for k, v in expected.items())


def _number(n: int) -> str:
    return f"till-{n:08d}"


def _line(n: int) -> dict[str, Any]:
    number = f"unknown-{n:08d}" if n % ONE_IN == 0 else _number(n)
    return line(number, 订单金额="100.00", 优惠金额="30.00", 实付金额="70.00")


def _command(stack: Stack, *words: str) -> tuple[float, float]:
    """Run a command in a process of its own; return its seconds and its largest memory in MB.

    The memory is asked while it runs: what the kernel tells at the end counts from the fork, with
    all that this process holds.
    """
    began_s = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", "reconciliation", *words],
        env=stack.env(),
        cwd=PROJECT_ROOT,
        stdout=subprocess.DEVNULL,
    )
    largest_mb = 0.0
    while process.poll() is None:
        largest_mb = max(largest_mb, memory_mb("VmHWM", process.pid))
        time.sleep(0.02)
    if process.returncode:
        raise RuntimeError(f"{words[0]} ended with {process.returncode}")
    return time.monotonic() - began_s, largest_mb


def _redeem_at_the_banks_tills() -> None:
    """Write redemptions as the bank's tills would have caused them, a batch at a time."""
    at = clock.day_bounds(DAY)[0] + timedelta(hours=10)
    with transaction() as session:
        session.get_one(Merchant, SUPERMARKET).merchant_number = MERCHANT_NUMBER
        tier_id = session.scalar(select(Tier.id).where(Tier.campaign_id == MAY).limit(1)) or 0
        claim = campaign_posting("claim", MAY, LINES * FACE_FEN, id="claim:bench")
        session.execute(insert(Transfer), [{**asdict(claim), "at": at}])
    for first in range(0, LINES, BATCH):
        with transaction() as session:
            rows = [_rows(n, tier_id, at) for n in range(first, first + BATCH)]
            for n, model in enumerate((Voucher, Order, Payment, Transfer, Redemption)):
                session.execute(insert(model), [row[n] for row in rows])


def _rows(n: int, tier_id: int, at: datetime) -> tuple[dict[str, Any], ...]:
    """Return a voucher, its order, payment, transfer and redemption."""
    order_id, voucher_id = f"{n:032x}", tier_id * 10**9 + n + 1
    posting = campaign_posting("redemption", MAY, FACE_FEN, id=f"redemption:{order_id}")
    amounts = {"order_amount_fen": 10_000, "discount_fen": FACE_FEN, "payable_fen": 7_000}
    whose = {"resident_id": 1, "merchant_id": SUPERMARKET, "voucher_id": voucher_id, **amounts}
    voucher = {
        "id": voucher_id,
        "resident_id": 1,
        "campaign_id": MAY,
        "tier_id": tier_id,
        "threshold_fen": 10_000,
        "face_value_fen": FACE_FEN,
        "claimed_at": at,
        "valid_from": at,
        "valid_until": at + timedelta(days=7),
        "status": "used",
        "order_id": order_id,
        "claim_transfer_id": "claim:bench",
    }
    order = {
        "id": order_id,
        "requested_by": f"bank:{BANK}",
        "request_id": _number(n),
        "request_digest": "",
        "entry": "bank_till",
        "status": "redeemed",
        "created_at": at,
        "lock_expires_at": at,
        "closed_at": at,
        "list_amount_fen": 10_000,
        "merchant_discount_fen": 0,
        "bank_discount_fen": 0,
        **whose,
    }
    payment = {"order_id": order_id, "provider": "at_till", "status": "paid"}
    payment |= {"amount_fen": 7_000, "updated_at": at}
    redemption = {"id": order_id, "campaign_id": MAY, "redeemed_at": at, "business_day": DAY}
    redemption |= {"transfer_id": posting.id, **whose}
    return voucher, order, payment, {**asdict(posting), "at": at}, redemption
