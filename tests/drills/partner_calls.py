"""Drill: 7,000 calls of a bank that must not be executed twice, or at all, on both databases.

1,400 each: replayed to the byte, aged, altered, signed with a wrong key, and the same request
number with another body; from many connections at once, among them the true calls.
"""

import json
import random
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import NamedTuple
from urllib.parse import urlsplit

from backend import clock
from backend.services import cards, merchant_lists
from backend.storage.models.orders import Order, Redemption
from backend.storage.models.partners import PartnerRequest
from backend.storage.sql import transaction
from tests.bank_parts import Bank, enter
from tests.drills import Outcome, play
from tests.factories import SUPERMARKET, new_request, rows
from tests.integration.services.instant_city import run_instant
from tests.load.proofs import differences
from tests.load.stack import Stack, city

EACH = 1_400
TRUE_CALLS = 100  # of which the hostile ones are made
THREADS = 16
PATH = "/bank/v1/discounts/confirmations"
# What each kind must be answered with; a true call may meet itself, see `told`.
EXPECTED = {
    "replayed": {(409, "partner_nonce_used")},
    "aged": {(401, "partner_time_wrong")},
    "altered": {(401, "partner_signature_invalid")},
    "wrong_key": {(401, "partner_signature_invalid")},
    "other_body": {(409, "request_id_reused")},
}
ANSWERED = threading.local()


class Call(NamedTuple):
    """One call as its bytes go out."""

    kind: str
    headers: dict[str, str]
    body: bytes


def calls(bank: Bank, bodies: list[bytes], sent: list[dict[str, str]]) -> list[Call]:
    """Return the hostile calls, mixed, each made of a true one."""
    made, wrong, now_s = [], bank.with_key(bank.key_id, "f" * 64), int(clock.now().timestamp())
    for n in range(EACH):
        body, headers = bodies[n % len(bodies)], sent[n % len(bodies)]
        other = body.replace(b"20000", b"%d" % (20_001 + n))
        far_s = 400 if n % 2 else -400
        made += [
            Call("replayed", headers, body),
            Call("aged", bank.signed("POST", PATH, body, at_s=now_s + far_s), body),
            Call("altered", bank.signed("POST", PATH, body), other),
            Call("wrong_key", wrong.signed("POST", PATH, body), body),
            Call("other_body", bank.signed("POST", PATH, other), other),
        ]
    random.Random(1).shuffle(made)
    return made


def send(url: str, call: Call) -> tuple[int, str]:
    """Send one call on this thread's connection; return its status and its code."""
    connection: HTTPConnection | None = getattr(ANSWERED, url, None)
    if connection is None:
        connection = HTTPConnection(urlsplit(url).netloc, timeout=30)
        setattr(ANSWERED, url, connection)
    headers = {"Content-Type": "application/json", **call.headers}
    connection.request("POST", PATH, body=call.body, headers=headers)
    answer = connection.getresponse()
    told = json.loads(answer.read())
    return answer.status, told.get("error", {}).get("code", told.get("status", ""))


def prepare(stack: Stack) -> tuple[Bank, list[bytes]]:
    """Enter a bank, bind a card for each true call; return the calls' bodies."""
    bank = enter()
    run_instant(per_person_per_day=None, per_person_per_merchant_per_day=99)
    bodies = []
    for resident_id in stack.add_residents(TRUE_CALLS):
        notice = cards.Notice(
            partner_id=bank.partner_id,
            request_number=new_request(),
            card_token=f"drill-card-{resident_id}",
            last4="0048",
        )
        cards.bind(resident_id, notice, actor="drill")
        body = {
            "request_number": f"drill-{resident_id:06d}",
            "card_token": f"drill-card-{resident_id}",
            "merchant_id": SUPERMARKET,
            "order_amount_fen": 20_000,
        }
        bodies.append(json.dumps(body).encode())
    with transaction():
        pass  # what was read belongs to no transaction while the servers work
    return bank, bodies


def drill() -> Iterator[Outcome]:
    """Send them, count what was executed."""
    for database in ("sqlite", "postgresql"):
        yield on(database)


def on(database: str) -> Outcome:
    """Play on one database."""
    with city(database=database) as stack:
        merchant_lists.publish(actor="drill")
        bank, bodies = prepare(stack)
        sent = [bank.signed("POST", PATH, body) for body in bodies]
        true = [Call("true", headers, body) for headers, body in zip(sent, bodies, strict=True)]
        with stack.web() as web, ThreadPoolExecutor(THREADS) as pool:
            first = list(pool.map(lambda call: send(web.url, call), true))
            hostile = calls(bank, bodies, sent)
            answers = list(pool.map(lambda call: send(web.url, call), hostile))
        stack.drain()
        unexpected = Counter(
            (call.kind, *told)
            for call, told in zip(hostile, answers, strict=True)
            if told not in EXPECTED[call.kind]
        )
        numbers = Counter(order.request_id for order in rows(Order))
        twice = sum(count - 1 for count in numbers.values())
        executed, requests = len(rows(Redemption)), len(rows(PartnerRequest))
        differing = differences()
    passed = (
        first == [(200, "redeemed")] * TRUE_CALLS
        and not unexpected
        and (executed, requests, twice, differing) == (TRUE_CALLS, TRUE_CALLS, 0, 0)
    )
    return (
        passed,
        {
            "database": database,
            "true": TRUE_CALLS,
            "hostile": len(hostile),
            "executed": executed,
            "twice": twice,
            "unexpected": sum(unexpected.values()),
            "differences": differing,
            **{"_".join(map(str, kind)): count for kind, count in unexpected.most_common(3)},
        },
    )


if __name__ == "__main__":
    play("partner_calls", drill)
