"""The bank's own client, as a process with the standard library alone, against a live server."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server

from backend.services import cards
from backend.storage.models.orders import Order
from backend.storage.models.reconciliation import OutsideFile
from tests.bank_details import DAY, detail, line
from tests.bank_parts import Bank, merchant
from tests.factories import SUPERMARKET, City, MovableClock, rows
from tests.integration.services.instant_city import run_instant

ROOT = Path(__file__).parents[4]
FILE = ROOT / "docs/bank/huiquan_bank_client.py"
TILL = ("--card-token", "tok-1", "--merchant", SUPERMARKET, "--amount-fen", "20000")


@contextmanager
def served(app: Any) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def client(url: str, bank: Bank, *words: str, cwd: Path = ROOT) -> tuple[int, str]:
    env = {
        "HUIQUAN_URL": url,
        "HUIQUAN_PARTNER": bank.partner_id,
        "HUIQUAN_KEY_ID": bank.key_id,
        "HUIQUAN_SECRET": bank.secret,
        "PATH": os.environ["PATH"],
        "PYTHONIOENCODING": "utf-8",
    }
    done = subprocess.run(
        [sys.executable, "-I", str(FILE), *words],  # -I: nothing of ours can be imported
        env=env,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_an_engineers_first_hour_from_the_selftest_to_a_reversed_payment(
    city: City, bank: Bank, moment: MovableClock, tmp_path: Path
) -> None:
    run_instant()
    person = city.resident()
    with served(city.app) as url:

        def ask(*words: str) -> Any:
            status, text = client(url, bank, *words)
            assert status == 0, text
            return text if words == ("selftest",) else json.loads(text)

        assert "a wrong key is refused: ok" in ask("selftest")
        card = ("--phone", person.phone, "--card-token", "tok-1", "--last4", "0048")
        assert ask("card", "bind", "--number", "card-0001", *card)["last4"] == "0048"
        assert cards.last4_of(person.id) == ["0048"]
        assert ask("quote", *TILL)["discount_fen"] == 4_000
        paid = [ask("confirm", "--number", "till-0001", *TILL) for _ in range(2)]
        assert paid[0] == paid[1]
        assert paid[0]["payable_fen"] == 16_000
        for _ in range(2):
            undone = ask("reverse", "--number", "back-0001", "--payment", "till-0001")
            assert (undone["status"], undone["discount_fen"]) == ("reversed", 4_000)
        assert [order.status for order in rows(Order)] == ["reversed"]
        assert ask("confirm", "--number", "till-0002", *TILL)["discount_fen"] == 4_000
        half = ("--payment", "till-0002", "--amount-fen", "10000")
        for _ in range(2):
            assert ask("refund", "--number", "refund-01", *half)["customer_fen"] == 8_000
        assert ask("merchants")["version"] == 1
        assert ask("merchants", "--since", "1")["merchants"] == []
        (tmp_path / "list.json").write_text(json.dumps([merchant(), merchant(uscc="1")]))
        told = ask("propose", "--number", "list-0001", str(tmp_path / "list.json"))
        assert (told["taken"], told["refused"]) == (1, 1)
        moment.move(days=1)
        name = tmp_path / f"BANK01_{DAY:%Y%m%d}.csv"
        name.write_bytes(detail([line("till-0001")]))
        first = ask("file", str(name))
        assert (first["lines"], first["new"]) == (1, True)
        name.write_bytes(detail([line("till-0001"), line("till-0002")]))
        assert ask("file", str(name), "--replaces", str(first["file_id"]))["lines"] == 2
        assert len(rows(OutsideFile)) == 2


def test_a_refusal_and_a_wrong_key_end_with_1_and_no_answer_with_2(city: City, bank: Bank) -> None:
    with served(city.app) as url:
        status, text = client(url, bank, "confirm", "--number", "till-0001", *TILL)
        assert (status, "card_required" in text) == (1, True)
        status, text = client(url, bank.with_key("BANK01-1", "f" * 64), "selftest")
        assert (status, "partner_signature_invalid" in text) == (1, True)
    assert client(url, bank, "merchants")[0] == 2


class Impostor(BaseHTTPRequestHandler):
    """Answers as we would, with a signature that it cannot make."""

    headers_: dict[str, str] = {}

    def do_GET(self) -> None:
        body = b'{"now_ms": 0, "version": 1, "merchants": []}'
        self.send_response(200)
        for name, text in self.headers_.items():
            self.send_header(name, text or self.headers.get("X-Nonce", ""))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.mark.parametrize(
    "headers",
    [{}, {"X-Signature": "0" * 64}, {"X-Signature": "0" * 64, "X-Nonce": "", "X-Timestamp": "1"}],
)
def test_an_answer_that_we_did_not_sign_is_not_acted_on(
    bank: Bank, headers: dict[str, str]
) -> None:
    Impostor.headers_ = headers
    server = HTTPServer(("127.0.0.1", 0), Impostor)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        status, text = client(f"http://127.0.0.1:{server.server_port}", bank, "merchants")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert (status, "without a right signature" in text) == (3, True)
