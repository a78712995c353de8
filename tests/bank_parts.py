"""A partner bank as tests have it: entered by two people, and signing on its own.

The texts that are signed are spelt out here once more, as a bank's engineer would from the guide:
taken from the application they would prove nothing.
"""

import contextlib
import contextvars
import hashlib
import hmac
import itertools
import json
from dataclasses import dataclass, replace
from typing import Any

from apiflask import APIFlask
from werkzeug.test import EnvironBuilder, TestResponse

from backend import clock
from backend.domain.errors import HuiquanError
from backend.domain.proposals import Line
from backend.services import partner_discounts, partner_files, partner_merchants, partners
from backend.services.orders import Amounts
from tests.factories import SUPERMARKET

_nonces = itertools.count(1)
SECRET = "0123456789abcdef" * 4
HERE = "127.0.0.1/32"


@dataclass(frozen=True)
class Bank:
    """Who calls, and with which key."""

    partner_id: str = "BANK01"
    key_id: str = "BANK01-1"
    secret: str = SECRET

    def signed(
        self, method: str, target: str, body: bytes, *, at_s: int | None = None, nonce: str = ""
    ) -> dict[str, str]:
        """Return the headers of a call; `at_s` by default the application's own time."""
        timestamp = str(int(clock.now().timestamp()) if at_s is None else at_s)
        nonce = nonce or f"nonce-{next(_nonces):012d}"
        text = f"{method}\n{target}\n{timestamp}\n{nonce}\n{hashlib.sha256(body).hexdigest()}"
        return {
            "X-Partner": self.partner_id,
            "X-Key-Id": self.key_id,
            "X-Timestamp": timestamp,
            "X-Nonce": nonce,
            "X-Signature": mac(self.secret, text),
        }

    def believes(self, response: TestResponse, nonce: str) -> bool:
        """Whether an answer is signed, by this bank's key and for this call."""
        headers, digest = response.headers, hashlib.sha256(response.data).hexdigest()
        text = f"ANSWER\n{response.status_code}\n{headers.get('X-Timestamp')}\n{nonce}\n{digest}"
        return headers.get("X-Nonce") == nonce and headers.get("X-Signature") == mac(
            self.secret, text
        )

    def ask(self, app: APIFlask, method: str, path: str, **options: Any) -> TestResponse:
        """Send one signed call as a server would hand it over."""
        at_s, nonce = options.pop("at_s", None), options.pop("nonce", "")
        more = options.pop("headers", {})
        if "json" in options:  # the bytes that are signed are the bytes that go out
            options["data"] = json.dumps(options.pop("json"), ensure_ascii=False).encode()
            options["content_type"] = "application/json"
        method_, target, body = what_is_sent(method, path, **options)
        headers = {**self.signed(method_, target, body, at_s=at_s, nonce=nonce), **more}
        # Outside the test's own application context: no request inherits another's `g`.
        client = app.test_client()
        response: TestResponse = contextvars.Context().run(
            client.open, path, method=method, headers=headers, **options
        )
        return response

    def post(self, app: APIFlask, path: str, **body: Any) -> TestResponse:
        """Send one signed call with a JSON body."""
        return self.ask(app, "POST", f"/bank/v1{path}", json=body)

    def with_key(self, key_id: str, secret: str) -> "Bank":
        """Return the same bank with another key."""
        return replace(self, key_id=key_id, secret=secret)


def mac(secret: str, text: str) -> str:
    return hmac.new(bytes.fromhex(secret), text.encode(), hashlib.sha256).hexdigest()


def what_is_sent(method: str, path: str, **options: Any) -> tuple[str, str, bytes]:
    """Return method, target and body of a call to the test client."""
    options.pop("environ_base", None)
    options.pop("headers", None)
    builder = EnvironBuilder(path=path, method=method, **options)
    environ = builder.get_environ()
    builder.close()
    query = environ["QUERY_STRING"]
    target = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
    return method, f"{target}?{query}" if query else target, environ["wsgi.input"].read()


def enter(bank: Bank = Bank(), *, network: str = HERE) -> Bank:
    """Enter a bank with its key and its address."""
    partners.add(bank.partner_id, name="示例银行", actor="王")
    partners.new_key(bank.partner_id, bank.key_id, actor="王", secret=bank.secret)
    partners.confirm_key(bank.partner_id, bank.key_id, actor="李")
    partners.allow(bank.partner_id, network, actor="王")
    return bank


USCC, OTHER_USCC = "91230881MA18ABC15G", "91230881MA18ABC23B"
TERMINAL = "01080209"


def merchant(**changed: Any) -> dict[str, Any]:
    """Return a merchant as a bank proposes it."""
    return {
        "name": "示例·江边小馆",
        "uscc": USCC,
        "merchant_number": "898261054110099",
        "terminal_numbers": [TERMINAL],
        "domain_id": "FOOD",
        "area": None,
        **changed,
    }


def pay(card_token: str, number: str, amount_fen: int = 20_000) -> dict[str, Any]:
    """Let a bank's till take an instant discount off."""
    return partner_discounts.confirm(
        partner_id="BANK01",
        request_number=number,
        card_token=card_token,
        merchant_id=SUPERMARKET,
        amounts=Amounts(order_amount_fen=amount_fen),
    )


def propose_one_merchant() -> None:
    """Let a bank propose one merchant."""
    line = merchant(terminal_numbers=(TERMINAL,))
    partner_merchants.propose(
        partner_id=enter().partner_id, request_number="proposal-1", lines=[Line(**line)]
    )


def refuse_one_file() -> None:
    """Let a bank that was entered bring a file that is none."""
    with contextlib.suppress(HuiquanError):
        partner_files.take(partner_id="BANK01", name="BANK01_20230401.csv", content=b"-")
