"""How fast the console's lists answer with a million redemptions, beside a bare Flask page.

A real console process on PostgreSQL, asked by a signed-in browser over one connection, and in turn
a Flask view that answers a fixed page, served alike. What each kind of question takes is printed.
"""

import http.client
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from sqlalchemy import select

from backend import clock
from backend.devstack.postgres import PrivatePostgres
from backend.domain.staff import Role
from backend.edge.console.access import COOKIE
from backend.edge.console.orders import REDEMPTIONS
from backend.extensions import db
from backend.services import exports, ledger
from backend.storage.models.orders import Redemption
from tests.bench import console_rows as rows
from tests.bench.lane import RIVALS, Figures
from tests.bench.settlement import measured
from tests.console import sign_in
from tests.factories import MAY
from tests.load.stack import GUNICORN, Web, served_city

CONSOLE = (*GUNICORN, "wsgi:console")
# Memory as a server's PostgreSQL has it; and a log for rows that no city writes at once.
SETTINGS = {"shared_buffers": "512MB", "max_wal_size": "8GB"}
PAGE_ROWS = 50
TURNS = 5  # a round
Ask = Callable[[str], None]


def listed(rounds: int) -> Figures:
    """Ask every question in turn, again and again, then have a job write a file."""
    with (
        PrivatePostgres(durable=False, settings=SETTINGS) as postgres,
        served_city(
            postgres, opened_s=rows.SPAN_S, units={1: rows.REDEMPTIONS}, residents=rows.RESIDENTS
        ) as stack,
    ):
        began_s = time.monotonic()
        rows.write()
        yield "console_rows_s", time.monotonic() - began_s
        questions, words = _questions(), (*RIVALS, "tests.bench.bare:app")
        with ExitStack() as up:
            ask = up.enter_context(_browser(up.enter_context(stack.web("console", words=CONSOLE))))
            ask_bare = up.enter_context(_browser(up.enter_context(stack.web("bare", words=words))))
            took, bare = _turns(ask, ask_bare, questions, rounds * TURNS)
        for name, found in took.items():
            print(f"  {name:42} p50 {_part(found, 0.5):6.1f} p95 {_part(found, 0.95):6.1f} ms")
        together = [ms for found in took.values() for ms in found]
        yield "console_table_p50_ms", _part(together, 0.5)
        yield "figure console_table_p95_ms", _part(together, 0.95)
        yield "figure bare_flask_page_p95_ms", _part(bare, 0.95)
        yield from _exported()
        yield "differences", len(ledger.check().differences)


def _exported() -> Figures:
    """Have the job write two days of redemptions, 100,000 rows, as an Excel file."""
    query = {"since": _day(9), "through": _day(8)}
    exports.ask(REDEMPTIONS, query, actor="auditor")
    took_s, more_mb = measured(exports.run_due)
    [export] = exports.list_of("auditor")
    yield "figure console_excel_100k_s", took_s
    yield "figure console_excel_100k_mb", more_mb
    yield "wrong_answers", abs(export.rows_done - 100_000)


def _questions() -> Mapping[str, str]:
    """Return a path for each kind of question, as a page's form and links would ask it."""
    places = {number: _place(number) for number in (2, 40, rows.REDEMPTIONS // PAGE_ROWS // 2)}
    filters: dict[str, dict[str, object]] = {
        "all": {},
        **{f"page {number}": {"after": place, "page": number} for number, place in places.items()},
        "back to page 39": {"before": places[40], "page": 39},
        "a small merchant": {"merchant": rows.SMALL},
        "the largest merchant": {"merchant": rows.LARGEST},
        "a merchant closed long ago": {"merchant": rows.CLOSED},
        "merchants by a word": {"merchant": "鱼馆9"},
        "a day": {"since": _day(9), "through": _day(9)},
        "a week, oldest first": {"since": _day(9), "through": _day(3), "sort": "at"},
        "a campaign": {"campaign": MAY},
        "a small campaign long over": {"campaign": rows.OLD},
        "a campaign and a state": {"campaign": MAY, "state": "redeemed"},
        "a campaign and a rare state": {"campaign": MAY, "state": "reversed"},
        "a rare state": {"state": "reversed"},
        "part refunded": {"state": "part_refunded"},
        "one amount": {"at_least": "123.45", "at_most": "123.45"},
        "large amounts": {"at_least": "900"},
        "no such amount": {"at_least": "5000"},
        "a provider": {"provider": "wechat_pay"},
        "no such provider": {"provider": "unionpay"},
        "a merchant's day": {"merchant": rows.LARGEST, "since": _day(5), "through": _day(5)},
        "a merchant, a campaign, large": {
            "merchant": rows.LARGEST,
            "campaign": MAY,
            "at_least": "900",
        },
    }
    asked = {
        f"{noun}: {name}": f"/console/{noun}?{urlencode(query)}"
        for noun in ("redemptions", "orders")
        for name, query in filters.items()
    }
    return asked | {
        "orders: left": "/console/orders?state=released",
        "merchants: all": "/console/merchants",
        "merchants: by a word": f"/console/merchants?{urlencode({'name': '鱼馆9'})}",
        "merchants: by a state, page 9": "/console/merchants?status=published&page=9",
    }


def _place(page: int) -> Any:
    """Return the place after which a page of all redemptions begins; orders have the same ones."""
    newest = Redemption.redeemed_at.desc(), Redemption.id.desc()
    last = select(Redemption.id).order_by(*newest).offset((page - 1) * PAGE_ROWS - 1).limit(1)
    return db.session.scalar(last)


def _day(back: int) -> str:
    return f"{clock.today() - timedelta(days=back):%Y-%m-%d}"


def _turns(
    ask: Ask, ask_bare: Ask, questions: Mapping[str, str], turns: int
) -> tuple[dict[str, list[float]], list[float]]:
    """Return what each question took, and the bare page as often in between, in ms."""
    took: dict[str, list[float]] = {name: [] for name in questions}
    bare: list[float] = []
    for turn in range(turns + 1):
        for name, path in questions.items():
            ms, bare_ms = _timed(ask, path), _timed(ask_bare, "/page")
            if turn:  # the first fills the caches
                took[name].append(ms)
                bare.append(bare_ms)
    return took, bare


def _timed(ask: Ask, path: str) -> float:
    began_s = time.perf_counter()
    ask(path)
    return (time.perf_counter() - began_s) * 1000


def _part(values: list[float], part: float) -> float:
    """Return what this part of the values does not exceed."""
    return sorted(values)[math.ceil(part * len(values)) - 1]


@contextmanager
def _browser(web: Web) -> Iterator[Ask]:
    """Sign an auditor in; yield what asks for a page and wants it whole."""
    _, token = sign_in(Role.AUDITOR)
    connection = http.client.HTTPConnection(urlsplit(web.url).netloc, timeout=60)

    def ask(path: str) -> None:
        connection.request("GET", path, headers={"Cookie": f"{COOKIE}={token}"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"{answer.status} for {path}")

    yield ask
    connection.close()
