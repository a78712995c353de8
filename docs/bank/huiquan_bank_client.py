#!/usr/bin/env python3
"""A bank's side of the partner interface, with nothing but the standard library (Python 3.9 on).

    export HUIQUAN_URL=http://127.0.0.1:8000 HUIQUAN_PARTNER=BANK01 \
           HUIQUAN_KEY_ID=BANK01-DEV HUIQUAN_SECRET=64-hex-digits
    python3 huiquan_bank_client.py selftest

Prints what was answered as JSON. Exit status: 0 done, 1 refused, 2 not known (send the same
request again), 3 an answer that is not signed by the other side: never act on one.
"""

import argparse
import hashlib
import hmac
import json
import os
import secrets
import sys
import time
import urllib.error
import urllib.request
from urllib.parse import quote, urlsplit

PREFIX = "/bank/v1"
TIMEOUT_S = 10.0
DONE, REFUSED, UNKNOWN, FORGED = 0, 1, 2, 3
ASK_AGAIN = ("partner_request_in_progress", "partner_nonce_used")


class NotSigned(Exception):
    """An answer whose signature is missing or wrong."""


def signature(secret, text):
    """Return HMAC-SHA256 in hex; the key is the 32 bytes that the secret's 64 digits spell."""
    return hmac.new(bytes.fromhex(secret), text.encode(), hashlib.sha256).hexdigest()


def request_text(method, target, timestamp, nonce, body):
    """Return the five lines that a call's signature is made over."""
    return "\n".join((method, target, timestamp, nonce, hashlib.sha256(body).hexdigest()))


def answer_text(status, timestamp, nonce, body):
    """Return the five lines that an answer's signature is made over."""
    digest = hashlib.sha256(body).hexdigest()
    return "\n".join(("ANSWER", str(status), timestamp, nonce, digest))


class Client:
    """Calls with one key.

    :param clock_offset_s: added to this machine's time; only the development stack wants it
    """

    def __init__(self, url, partner, key_id, secret, clock_offset_s=0):
        self.url, self.partner, self.key_id, self.secret = url.rstrip("/"), partner, key_id, secret
        self.clock_offset_s = clock_offset_s

    def call(self, method, path, body=b"", content_type="application/json"):
        """Return (status, bytes) of a call whose answer is proved to be the other side's.

        Raises NotSigned, or OSError when there is no answer: then nothing is known.
        """
        target, nonce = PREFIX + path, secrets.token_hex(16)
        timestamp = str(int(time.time() + self.clock_offset_s))
        text = request_text(method, target, timestamp, nonce, body)
        headers = {
            "X-Partner": self.partner,
            "X-Key-Id": self.key_id,
            "X-Timestamp": timestamp,
            "X-Nonce": nonce,
            "X-Signature": signature(self.secret, text),
            "Content-Type": content_type,
        }
        request = urllib.request.Request(
            self.url + target, method=method, data=body or None, headers=headers
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                status, headers, told = answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                status, headers, told = error.code, error.headers, error.read()
        self._verify(nonce, status, headers, told)
        return status, told

    def _verify(self, nonce, status, headers, body):
        """Refuse an answer that is not signed for this call.

        A call that was not believed (401), and one that a proxy answered (429, 5xx), has none: its
        outcome is not known, and nothing in it is used.
        """
        if "X-Signature" not in headers and (status in (401, 429) or status >= 500):
            return
        text = answer_text(status, headers.get("X-Timestamp", ""), nonce, body)
        given, right = headers.get("X-Signature", ""), signature(self.secret, text)
        if headers.get("X-Nonce") != nonce or not hmac.compare_digest(given, right):
            raise NotSigned(f"{status} without a right signature: {body[:200]!r}")

    def ask(self, method, path, fields=None):
        """Return (status, JSON) of a call with a JSON body."""
        body = b"" if fields is None else json.dumps(fields, ensure_ascii=False).encode()
        status, told = self.call(method, path, body)
        return status, read(told)

    def sure(self, path, fields, tries=5):
        """Send a numbered request until its outcome is known: the same number, the same body."""
        for attempt in range(1, tries + 1):
            try:
                status, told = self.ask("POST", path, fields)
            except OSError as error:
                status, told = 0, {"error": {"code": "no_answer", "message": str(error)}}
            known = status not in (0, 429) and status < 500
            if known and told.get("error", {}).get("code") not in ASK_AGAIN:
                break
            if attempt < tries:
                time.sleep(attempt)
        return status, told


def read(told):
    """Return the JSON of an answer; what is none, a proxy's page, has no meaning."""
    try:
        return json.loads(told)
    except ValueError:
        return {}


def selftest(client):
    """Prove keys, clock, address and both signatures; return the exit status."""
    status, told = client.ask("GET", "/time")
    if status != 200:
        print(json.dumps(told, ensure_ascii=False))
        return REFUSED
    print(f"signature, address and answer: ok ({told['partner_id']}, key {told['key_id']})")
    print(f"clocks differ by {abs(told['now_s'] - time.time() - client.clock_offset_s):.0f} s")
    wrong = Client(client.url, client.partner, client.key_id, "0" * 64, client.clock_offset_s)
    refused = wrong.ask("GET", "/time")[0] == 401
    print(f"a wrong key is refused: {'ok' if refused else 'NO'}")
    status, told = client.ask("GET", "/merchants")
    print(f"merchant list: version {told.get('version')}, {len(told.get('merchants', ()))} shops")
    return DONE if refused and status == 200 else REFUSED


def parser():
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    acts = made.add_subparsers(dest="act", required=True)
    acts.add_parser("selftest", help="keys, clock, address, signatures")
    for name in ("quote", "confirm"):
        one = acts.add_parser(name)
        one.add_argument("--card-token", required=True)
        one.add_argument("--merchant", required=True)
        one.add_argument("--amount-fen", type=int, required=True)
    acts.choices["confirm"].add_argument("--number", required=True, help="of this payment")
    one = acts.add_parser("reverse")
    one.add_argument("--number", required=True, help="of the reversal itself")
    one.add_argument("--payment", required=True, help="the payment's number")
    one.add_argument("--reason", default="撤销")
    one = acts.add_parser("refund")
    one.add_argument("--number", required=True, help="of the refund itself")
    one.add_argument("--payment", required=True, help="the payment's number")
    one.add_argument("--amount-fen", type=int, required=True, help="goods, of the order amount")
    one.add_argument("--reason", default="退货")
    one = acts.add_parser("merchants")
    one.add_argument("--since", type=int, help="only what changed since this version")
    one = acts.add_parser("propose")
    one.add_argument("--number", required=True)
    one.add_argument("file", help="JSON: a list of merchants")
    one = acts.add_parser("card")
    one.add_argument("what", choices=("bind", "unbind"))
    one.add_argument("--number", required=True)
    one.add_argument("--phone", required=True)
    one.add_argument("--card-token", required=True)
    one.add_argument("--last4", required=True)
    one.add_argument("--at-s", type=int, help="when it happened; the same again if sent again")
    one = acts.add_parser("file")
    one.add_argument("path", help="PARTNER_YYYYMMDD.csv or .xlsx")
    one.add_argument("--replaces", type=int, help="the number of the file that this one corrects")
    return made


def run(client, given):
    """Do what was asked and return (status, JSON)."""
    if given.act in ("quote", "confirm"):
        fields = {
            "card_token": given.card_token,
            "merchant_id": given.merchant,
            "order_amount_fen": given.amount_fen,
        }
        if given.act == "quote":
            return client.ask("POST", "/discounts/quotes", fields)
        return client.sure("/discounts/confirmations", {"request_number": given.number, **fields})
    if given.act in ("reverse", "refund"):
        fields = {"payment_number": given.payment, "reason": given.reason}
        numbered = {"request_number": given.number, **fields}
        if given.act == "reverse":
            return client.sure("/discounts/reversals", numbered)
        numbered["refund_amount_fen"] = given.amount_fen
        return client.sure("/discounts/refunds", numbered)
    if given.act == "merchants":
        since = "" if given.since is None else f"?since={given.since}"
        return client.ask("GET", f"/merchants{since}")
    if given.act == "propose":
        with open(given.file, encoding="utf-8") as file:
            fields = {"request_number": given.number, "merchants": json.load(file)}
        return client.sure("/merchants/proposals", fields)
    if given.act == "card":
        return client.sure("/cards/notices", card_fields(client, given))
    return send_file(client, given.path, given.replaces)


def card_fields(client, given):
    """Return the body of a card notice; without a time it happens now."""
    now_s = int(time.time() + client.clock_offset_s)
    return {
        "request_number": given.number,
        "act": given.what,
        "phone": given.phone,
        "card_token": given.card_token,
        "last4": given.last4,
        "happened_at_s": now_s if given.at_s is None else given.at_s,
    }


def send_file(client, path, replaces):
    """Send a daily file's bytes as they are; the same bytes again are the same file."""
    with open(path, "rb") as file:
        content = file.read()
    target = f"/files/{quote(os.path.basename(path))}"
    if replaces is not None:
        target += f"/replacing/{replaces}"
    status, told = client.call("PUT", target, content, "application/octet-stream")
    return status, read(told)


def development_offset_s(url):
    """Return how far the clock of a development stack on this machine is from ours."""
    if urlsplit(url).hostname not in ("127.0.0.1", "localhost"):
        return 0
    with urllib.request.urlopen(f"{url}/api/v1/time", timeout=TIMEOUT_S) as answer:
        return json.load(answer)["now_ms"] / 1000 - time.time()


def main():
    """Read the command line and the environment, call once, print the answer."""
    given = parser().parse_args()
    # The secret is no option: command lines are visible to everybody on a machine.
    names = ("HUIQUAN_URL", "HUIQUAN_PARTNER", "HUIQUAN_KEY_ID", "HUIQUAN_SECRET")
    values = [os.environ.get(name) for name in names]
    if not all(values):
        print("set", ", ".join(names))
        return REFUSED
    try:
        client = Client(*values, clock_offset_s=development_offset_s(values[0]))
        if given.act == "selftest":
            return selftest(client)
        status, told = run(client, given)
    except NotSigned as error:
        print(error)
        return FORGED
    except OSError as error:
        print(f"no answer: {error}")
        return UNKNOWN
    print(json.dumps(told, ensure_ascii=False, indent=1))
    if status in (0, 429) or status >= 500 or told.get("error", {}).get("code") in ASK_AGAIN:
        return UNKNOWN
    return DONE if status < 300 else REFUSED


if __name__ == "__main__":
    sys.exit(main())
