"""What UnionPay's result codes mean; nothing else decides whether money moved.

01 to 09 are faults of the system, 10 to 29 of the message, 30 to 59 of business, 60 to 89 of the
card or its bank (ACP 5.1.0, table of answer codes). What is not certain is `unknown`.
"""

from typing import Literal

Result = Literal["accepted", "paid", "absent", "unknown", "failed"]

DONE = frozenset({"00", "A6"})  # A6: with a defect, but the funds have moved
# 03 time-out inside, 04 unclear, 05 accepted, 01 and 60 "ask the bank", 12 sent before: for each
# of them the money may have moved.
UNCLEAR = frozenset({"01", "03", "04", "05", "12", "60"})
ABSENT = "34"  # no such transaction: it may still be on its way, or nobody scanned the code yet


def of_request(resp_code: str | None) -> Result:
    """Read the answer of a request. `accepted` is no success: a notification or query tells."""
    if resp_code in DONE:
        return "accepted"
    if not resp_code or resp_code in UNCLEAR or resp_code == ABSENT:
        return "unknown"
    return "failed"


def of_query(resp_code: str | None, orig_resp_code: str | None) -> Result:
    """Read the answer of a query. Only `orig_resp_code` speaks of the transaction.

    Any other refusal of the query itself, such as "too often", says nothing about the money.
    """
    if resp_code == ABSENT:
        return "absent"
    if resp_code != "00" or not orig_resp_code or orig_resp_code in UNCLEAR:
        return "unknown"
    if orig_resp_code == ABSENT:
        return "absent"
    return "paid" if orig_resp_code in DONE else "failed"


def of_notice(resp_code: str | None) -> Result:
    """Read a notification. Failures are not notified, so any other code wants a query."""
    return "paid" if resp_code in DONE else "unknown"
