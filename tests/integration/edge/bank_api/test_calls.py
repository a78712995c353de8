"""The interface over HTTP: shapes, versions, files, limits."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

from apiflask import APIFlask

from backend.extensions import db
from backend.factory import create_app
from backend.storage.models.orders import Redemption
from miniprogram_api.edges import EDGES
from tests.bank_details import DAY, detail, line
from tests.bank_parts import Bank, enter
from tests.factories import SUPERMARKET, City, MovableClock, rows
from tests.integration.edge.callers import error_of
from tests.integration.services.instant_city import run_instant

FILE = f"/bank/v1/files/BANK01_{DAY:%Y%m%d}.csv"


def test_20_parallel_confirmations_under_one_number_redeem_once(city: City, bank: Bank) -> None:
    run_instant()
    card = city.bind_card(city.resident())
    body = {"card_token": card, "merchant_id": SUPERMARKET, "order_amount_fen": 20_000}
    # Nonces are drawn before: the threads only send.
    path = "/discounts/confirmations"

    def one(_: int) -> tuple[int, str]:
        response = bank.post(city.app, path, request_number="till-0001", **body)
        told = response.get_json()
        return response.status_code, told.get("order_id") or told["error"]["code"]

    with ThreadPoolExecutor(20) as pool:
        told = set(pool.map(one, range(20)))
    done = {answer for answer in told if answer[0] == 200}
    assert len(done) == 1
    assert told - done <= {(409, "partner_request_in_progress")}
    assert one(0) in done
    assert len(rows(Redemption)) == 1
    other = bank.post(city.app, path, request_number="till-0001", **body | {"order_amount_fen": 1})
    assert (other.status_code, error_of(other)["code"]) == (409, "request_id_reused")


def test_the_list_is_not_sent_again_to_who_has_it(city: City, bank: Bank) -> None:
    path = "/bank/v1/merchants"
    first = bank.ask(city.app, "GET", path)
    assert first.get_json()["merchants"][0]["merchant_id"]
    nonce = "0123456789abcdef"
    tag = {"If-None-Match": first.headers["ETag"]}
    again = bank.ask(city.app, "GET", path, headers=tag, nonce=nonce)
    assert (again.status_code, again.data) == (304, b"")
    assert bank.believes(again, nonce)
    assert bank.ask(city.app, "GET", f"{path}?since=2").status_code == 404


def test_a_daily_file_is_taken_by_its_name_and_faults_name_their_lines(
    city: City, bank: Bank, moment: MovableClock
) -> None:
    early = bank.ask(city.app, "PUT", FILE, data=detail([line()]))
    assert error_of(early)["code"] == "day_not_over"
    moment.move(days=1)
    wrong = bank.ask(city.app, "PUT", FILE, data=detail([line(订单金额="1e2")]))
    assert error_of(wrong)["code"] == "outside_file_refused"
    assert [fault["line"] for fault in error_of(wrong)["details"]["faults"]] == [2]
    first = bank.ask(city.app, "PUT", FILE, data=detail([line()])).get_json()
    assert (first["lines"], first["sum_fen"], first["new"]) == (1, 10_000, True)
    assert bank.ask(city.app, "PUT", FILE, data=detail([line()])).get_json()["new"] is False
    other = detail([line("order-000009")])
    assert error_of(bank.ask(city.app, "PUT", FILE, data=other))["code"] == "outside_file_exists"
    path = f"{FILE}/replacing/{first['file_id']}"
    assert bank.ask(city.app, "PUT", path, data=other).get_json()["lines"] == 1
    theirs = bank.ask(city.app, "PUT", FILE.replace("BANK01", "BANK02"), data=other)
    assert error_of(theirs)["code"] == "partner_file_of_another"


def test_a_daily_file_may_be_larger_than_other_bodies_up_to_8_mebibytes(
    city: City, bank: Bank, moment: MovableClock
) -> None:
    moment.move(days=1)
    many = detail([line(f"order-{n:06d}") for n in range(2_000)])
    assert len(many) > 2 * 65_536
    assert bank.ask(city.app, "PUT", FILE, data=many).get_json()["lines"] == 2_000
    for length, status in ((8 * 1024 * 1024, 409), (8 * 1024 * 1024 + 1, 413)):  # read, not read
        assert bank.ask(city.app, "PUT", FILE, data=b"," * length).status_code == status
    quote = bank.ask(city.app, "POST", "/bank/v1/discounts/quotes", data=b" " * 65_537)
    assert quote.status_code == 413


def test_a_partner_asks_as_often_as_its_limit_says_and_hinders_no_other(city: City) -> None:
    settings = dataclasses.replace(city.settings, rate_limits="on", rate_limit_partners="3/hour")
    app: APIFlask = create_app(settings, EDGES)
    try:
        bank, other = enter(), enter(Bank("BANK02", "BANK02-1", "b" * 64))
        asked = [bank.ask(app, "GET", "/bank/v1/time").status_code for _ in range(4)]
        assert asked == [200, 200, 200, 429]
        assert other.ask(app, "GET", "/bank/v1/time").status_code == 200
    finally:
        with app.app_context():
            db.engine.dispose()
