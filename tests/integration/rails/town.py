"""A city on a rail: the application on a port, a provider's stand-in as a process, one clock."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import requests
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from backend.extensions import db
from backend.services import (
    ledger,
    paybacks,
    payment_asking,
    payment_cases,
    payment_notices,
    reconciliation,
    reconciliation_fetch,
)
from backend.storage.models.orders import Order
from backend.workers import jobs
from tests.factories import SUPERMARKET, City, MovableClock, Person, new_request, rows

RESIDENT_ORDERS = "/api/v1/resident/orders"
CHARGES = "/api/v1/merchant/orders"
REDEMPTIONS = "/api/v1/merchant/redemptions"
ORDER_FEN, PAYABLE_FEN, DISCOUNT_FEN = 32_000, 23_000, 9_000  # of 320 yuan with 满300减90
MONEY_JOBS = (
    payment_asking.settle_due,
    payment_notices.apply_left_over,
    payment_cases.refund_due,
    paybacks.settle_due,
)
BILL_JOBS = (reconciliation_fetch.fetch_due, reconciliation.run_due)
WITHIN_S = 10.0


class Rail(Protocol):
    """A provider's stand-in, as a test of any rail uses it."""

    name: str
    url: str

    def advance(self, seconds: float) -> int:
        """Move its clock, and return its time in seconds since 1970."""

    def pays(self, order_id: str, *, told: bool) -> None:
        """The payer pays what waits for him; `told`: a notification goes out."""

    def end_refunds(self, *, told: bool = False, well: bool = True) -> None:
        """Refunds asked for so far, and those that follow, come to their end."""

    def refunds(self) -> list[tuple[str, int]]:
        """Its own table: (our number, fen) of each refund that gave or will give money back."""

    def lose_answers_to_refunds(self) -> None:
        """The next request for a refund is carried out, and its answer cannot be believed."""

    def unheard_of_payment(self) -> tuple[str, int]:
        """Somebody pays under our number what we never asked for; its number and fen."""


@dataclass
class Town:
    """What a test does there: orders, pays, refunds over HTTP, lets jobs run and time pass."""

    city: City
    moment: MovableClock
    url: str
    rail: Rail
    http: requests.Session = field(default_factory=requests.Session)

    def set_time(self, at: datetime) -> None:
        """Set both clocks."""
        self.moment.set(at)
        self.rail.advance(at.timestamp() - self.rail.advance(0))

    def move(self, seconds: float) -> None:
        """Move both clocks on."""
        self.moment.move(seconds=seconds)
        self.rail.advance(seconds)

    def run(self, *only: Callable[[], object]) -> None:
        """Run the jobs of money, or only some, as the process of jobs does."""
        for job in only or MONEY_JOBS:
            jobs.run_job(self.city.app, job)

    def post(self, path: str, person: Person, **body: object) -> requests.Response:
        return self.http.post(self.url + path, headers=person.headers, json=body, timeout=30)

    def get(self, path: str, person: Person) -> Any:
        answer = self.http.get(self.url + path, headers=person.headers, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def buyer(self) -> Person:
        """A resident with one voucher of 90 yuan."""
        person = self.city.resident()
        self.city.claim(person, tier=3)
        return person

    def at_placard(self, person: Person) -> dict[str, Any]:
        """The resident scans the placard; the order as the phone sees it."""
        placard = self.city.placard[SUPERMARKET].rsplit("/", 1)[1]
        body = {"placard": placard, "order_amount_fen": ORDER_FEN, "request_id": new_request()}
        return self._made(self.post(RESIDENT_ORDERS, person, **body))

    def at_till(self, person: Person, clerk: Person, **how: object) -> dict[str, Any]:
        """The clerk scans the resident's voucher code, and collects in one of the ways."""
        code = self._made(self.post("/api/v1/resident/payment-codes", person))["code"]
        body = {"payment_code": code, "order_amount_fen": ORDER_FEN, "request_id": new_request()}
        return self._made(self.post(CHARGES, clerk, **body, **how))

    def redeemed(self) -> tuple[str, Person]:
        """An order that was paid on the rail, known by asking; and the shop's clerk."""
        order_id = str(self.at_placard(self.buyer())["order_id"])
        self.rail.pays(order_id, told=False)
        self.ask_until(order_id, "redeemed")
        return order_id, self.city.clerk()

    def ask_until(self, order_id: str, status: str) -> None:
        """Let the jobs ask at their pace until an order is as it should be."""
        for _ in range(40):
            if self.order(order_id).status == status:
                return
            self.move(1)
            self.run()
        raise AssertionError(f"the order is {self.order(order_id).status}")

    def refund(self, order_id: str, clerk: Person, fen: int, number: str = "") -> Any:
        """The shop takes goods back; the answer as its till sees it."""
        body = {"refund_number": number or new_request(), "refund_amount_fen": fen}
        return self._made(
            self.post(f"{REDEMPTIONS}/{order_id}/refunds", clerk, **body, reason="退货")
        )

    def shown(self, order_id: str, clerk: Person) -> list[tuple[int, int, str]]:
        """Each refund as the till sees it: customer's fen, subsidy's fen, where the money is."""
        listed = self.get(f"{REDEMPTIONS}/{order_id}/refunds", clerk)["refunds"]
        return [(r["customer_fen"], r["subsidy_fen"], r["payback_status"]) for r in listed]

    def order(self, order_id: str) -> Order:
        return next(one for one in rows(Order) if one.id == order_id)

    def await_(self, true: Callable[[], bool]) -> None:
        """Wait for what a notification brings by itself."""
        deadline_s = time.monotonic() + WITHIN_S
        while not true():
            assert time.monotonic() < deadline_s, "it did not come true"
            time.sleep(0.02)

    def books_agree(self) -> bool:
        assert ledger.check().differences == ()
        db.session.rollback()
        return True

    def _made(self, answer: requests.Response) -> Any:
        assert answer.status_code in (200, 201), answer.text
        return answer.json()


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """The application on a port of this machine."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
