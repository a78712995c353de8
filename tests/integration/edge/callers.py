"""Calling the application as a server does, and what its document says of every endpoint."""

import contextvars
import functools
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import hypothesis
from apiflask import APIFlask
from hypothesis import strategies as st
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from backend.edge.guards import guard_of
from backend.edge.openapi import path_of
from backend.extensions import db, redis_handle
from backend.services import desk_sessions, payment_codes
from backend.storage.models.orders import Redemption
from tests import bank_parts
from tests.bank_parts import Bank
from tests.entering import enter, gate
from tests.factories import MAY, SUPERMARKET, City, Person, new_request
from tests.integration.services.instant_city import run_instant
from tests.settling import settled_today
from tests.subsidising import CAR, DEALER, car, drafted, sent_back

Result = TypeVar("Result")
ENTRIES = "/merchant/entries"
APPLICATION = {
    "campaign_id": CAR,
    "merchant_id": DEALER,
    "vin": "1M8GDM9AXKP042788",
    "invoice_amount_fen": 6_000_000,
    "invoice_day": "2023-04-28",
}


def apart(call: Callable[..., Result], *args: Any, **kwargs: Any) -> Result:
    """Call outside the test's own application context: no request inherits another's `g`."""
    return contextvars.Context().run(call, *args, **kwargs)


def ask(city: City, method: str, path: str, **options: Any) -> TestResponse:
    """Send one request as a server would hand it over."""
    return apart(city.app.test_client().open, path, method=method, **options)


def error_of(response: TestResponse) -> dict[str, Any]:
    """Return a refusal's error after proving its form: code, Chinese sentence, request id."""
    assert 400 <= response.status_code < 500, (response.status_code, response.text[:500])
    if response.mimetype == "text/html":  # the public pages refuse people, not programs
        assert response.headers["X-Request-Id"]
        return {"code": "page", "message": response.text}
    error: dict[str, Any] = response.get_json()["error"]
    assert error["code"]
    assert any("\u4e00" <= char <= "\u9fff" for char in error["message"]), error
    assert error["request_id"] == response.headers["X-Request-Id"] != ""
    return error


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation of the OpenAPI document, with the references of its body resolved."""

    method: str
    path: str
    guard: str
    body: dict[str, Any] | None
    query: list[dict[str, Any]]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def operations(app: APIFlask) -> list[Operation]:
    """Return what the document offers: an endpoint added tomorrow is in it by itself."""
    document = apart(_document, app)
    endpoints = {
        (path_of(rule), method): rule.endpoint
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
    }
    return [
        Operation(
            method=method.upper(),
            path=path,
            guard=getattr(guard_of(app, endpoints[path, method.upper()]), "name", "none"),
            body=_body(document, operation),
            query=[p for p in operation["parameters"] if p["in"] == "query"],
        )
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def _document(app: APIFlask) -> Any:
    return app.test_client().get("/openapi.json").get_json()


def _body(document: Any, operation: Any) -> dict[str, Any] | None:
    if "requestBody" not in operation:
        return None
    if "application/json" not in operation["requestBody"]["content"]:
        return None  # a file
    schema: dict[str, Any] = _resolved(
        document, operation["requestBody"]["content"]["application/json"]["schema"]
    )
    return schema


def _resolved(document: Any, part: Any) -> Any:
    """Return a part of the document with its references replaced by what they name."""
    if isinstance(part, list):
        return [_resolved(document, one) for one in part]
    if not isinstance(part, dict):
        return part
    if name := part.get("$ref"):
        return _resolved(document, document["components"]["schemas"][name.rpartition("/")[2]])
    return {key: _resolved(document, value) for key, value in part.items()}


def redeemed_id() -> str:
    """Return the one redemption of the test's city."""
    found = db.session.scalars(select(Redemption.id)).one()
    db.session.rollback()  # PostgreSQL ends a transaction that stands idle while a test asks
    return found


def desk_of(clerk: Person) -> int:
    """Return the id of a desk that a clerk has opened."""
    number = desk_sessions.issue(clerk.id).number
    token = desk_sessions.sign_in(number, address="203.0.113.7", browser="Chrome")
    return desk_sessions.current(token).id


@dataclass(frozen=True)
class Callers:
    """Somebody for each guard, and true values for fields and path parameters, by name."""

    city: City
    people: dict[str, Person | None]
    known: dict[str, Any]
    gate: Person  # a clerk of the scenic spot, whose entries are another shop's business
    visitor_code: str
    bank: Bank

    @classmethod
    def of(cls, city: City) -> "Callers":
        """Return a resident with a voucher and a code, and a clerk: what they ask would succeed."""
        resident, payer, clerk = city.resident(), city.resident(), city.clerk()
        voucher = city.claim(resident)
        city.claim(payer)
        code = city.post("/api/v1/resident/payment-codes", payer).get_json()["code"]
        amounts = {"order_amount_fen": 20_000}
        order = city.post(
            "/api/v1/resident/orders",
            resident,
            placard=city.placard[SUPERMARKET],
            request_id=new_request(),
            **amounts,
        ).get_json()
        city.claim(resident, tier=2)
        sheet = settled_today(city)
        gate_clerk, visitor = gate(city), city.resident()
        entry = enter(gate_clerk, city.resident())
        visitor_code = payment_codes.issue(visitor.id).code
        car(city)
        subsidy, paid_back = drafted(resident), sent_back(resident, 2)
        known = {
            "placard": city.placard[SUPERMARKET],
            "code": city.placard[SUPERMARKET].rpartition("/")[2],
            "payment_code": code,
            "campaign_id": MAY,
            "voucher_id": voucher.voucher_id,
            "receipt": voucher.receipt,
            "order_id": order["order_id"],
            "redemption_id": redeemed_id(),
            "refund_number": new_request(),
            "refund_amount_fen": 100,
            "reason": "退货",
            "payer_code": None,  # else the wallet's own provider would be asked
            "sheet_id": sheet.id,
            "entry_id": entry.id,
            "subsidy_id": subsidy.id,
            "returned_subsidy_id": paid_back.id,
            "desk_id": desk_of(clerk),
            "name": "photo",
            "number": 1,
            "tier_position": 3,
            **amounts,
            **bank_known(city),
        }
        return cls(
            city,
            {"public": None, "resident": resident, "clerk": clerk},
            known,
            gate_clerk,
            visitor_code,
            Bank(),
        )

    def headers(self, operation: Operation) -> dict[str, str]:
        """Return the headers of somebody who may call an operation."""
        person = self.gate if ENTRIES in operation.path else self.people.get(operation.guard)
        return dict(person.headers) if person else {}

    def path(self, operation: Operation) -> str:
        """Return an operation's path with true values."""
        known = self.known
        if operation.path.endswith("/subsidies/{subsidy_id}/account"):
            known = known | {"subsidy_id": known["returned_subsidy_id"]}
        return operation.path.format_map(known)

    def valid_body(self, operation: Operation) -> dict[str, Any]:
        """Return a body that the document allows: known values, else any of its schema."""
        assert operation.body is not None
        known = self.known
        if ENTRIES in operation.path:
            known = known | {"payment_code": self.visitor_code}
        if operation.path.endswith("/resident/subsidies"):
            known = known | APPLICATION
        if operation.guard == "partner":  # a number is for one act; only a refund wants a payment
            known = known | {"request_number": new_request()}
            if operation.path.endswith("/reversals"):
                known["payment_number"] = new_request()
        return {
            name: known.get(name, simplest(schema))
            for name, schema in operation.body["properties"].items()
        }

    def send(self, operation: Operation, **options: Any) -> TestResponse:
        """Send an operation with the right caller and path."""
        return self.ask(operation, self.path(operation), **options)

    def ask(self, operation: Operation, path: str, **options: Any) -> TestResponse:
        """Send an operation with the right caller to another path."""
        if operation.guard == "partner":
            return self.bank.ask(self.city.app, operation.method, path, **options)
        headers = self.headers(operation) | options.pop("headers", {})
        return ask(self.city, operation.method, path, headers=headers, **options)

    def post_bytes(self, operation: Operation, data: bytes) -> TestResponse:
        """Send bytes that claim to be JSON."""
        return self.send(operation, data=data, content_type="application/json")


def bank_known(city: City) -> dict[str, Any]:
    """Return what a bank knows of: a card, a payment of its till, a merchant it proposes."""
    run_instant(per_person_per_day=None, per_person_per_merchant_per_day=99)
    bank_parts.enter()
    holder = city.resident()
    card_token = city.bind_card(holder)
    bank_parts.pay(card_token, "known-payment")
    return {
        "card_token": card_token,
        "payment_number": "known-payment",
        "merchant_id": SUPERMARKET,
        "phone": holder.phone,
        "last4": "0018",
        "merchants": [bank_parts.merchant()],
        "since": 1,
        "file_name": "BANK01_20230427.csv",
        "file_id": 1,
    }


def simplest(schema: dict[str, Any]) -> Any:
    """Return some value of a field's schema, each time the same."""
    if options := schema.get("anyOf"):
        return simplest(options[0])
    if schema["type"] == "boolean":
        return False
    if schema["type"] == "number":
        return float(schema.get("minimum", 1))
    if schema["type"] == "integer":
        return schema.get("minimum", 1)
    return _text_like(schema.get("pattern", "^a$"))


@functools.cache
def _text_like(pattern: str) -> str:
    unshrunk = hypothesis.settings(phases=[hypothesis.Phase.generate], database=None)
    alike = st.from_regex(pattern.replace("$", r"\Z"), fullmatch=True)
    return hypothesis.find(alike, lambda _: True, settings=unshrunk, random=random.Random(1))


def stored() -> dict[str, int]:
    """Count what is kept: the rows of every table, the keys of Valkey."""
    db.session.rollback()
    with db.engine.connect() as connection:
        counts = {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in db.metadata.sorted_tables
            if table.name != "partner_nonces"  # whatever a signed call wants, its nonce is used up
        }
    return counts | {"keys of Valkey": int(redis_handle.client.dbsize())}
