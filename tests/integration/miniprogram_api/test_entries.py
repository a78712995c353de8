"""A gate and its visitors over HTTP."""

from tests.entering import gate
from tests.factories import SUPERMARKET, City, Person, new_request

ENTRIES = "/api/v1/merchant/entries"


def code_of(city: City, visitor: Person) -> str:
    shown = city.post("/api/v1/resident/payment-codes", visitor)
    return str(shown.get_json()["code"])


def test_a_visitor_shows_a_code_enters_and_sees_it(city: City) -> None:
    clerk, visitor = gate(city), city.resident()
    asked = {"payment_code": code_of(city, visitor), "request_id": new_request()}
    made = city.post(ENTRIES, clerk, **asked)
    assert (made.status_code, made.get_json()["state"]) == (201, "counted")
    assert city.post(ENTRIES, clerk, **asked).get_json() == made.get_json()
    second = {"payment_code": code_of(city, visitor), "request_id": new_request()}
    again = city.post(ENTRIES, clerk, **second)
    assert (again.status_code, again.get_json()["error"]["code"]) == (422, "entry_limit_reached")
    own = city.get("/api/v1/resident/entries", visitor).get_json()["entries"]
    assert own == [made.get_json()] == city.get(ENTRIES, clerk).get_json()["entries"]
    assert city.get("/api/v1/resident/entries", city.resident()).get_json() == {"entries": []}


def test_a_gate_undoes_its_own_entry_and_no_other_shop_does(city: City) -> None:
    clerk, visitor = gate(city), city.resident()
    asked = {"payment_code": code_of(city, visitor), "request_id": new_request()}
    entry_id = city.post(ENTRIES, clerk, **asked).get_json()["entry_id"]
    path = f"{ENTRIES}/{entry_id}/undo"
    foreign = city.post(path, city.clerk(SUPERMARKET), reason="扫错了人")
    absent = city.post(f"{ENTRIES}/{'0' * 32}/undo", clerk, reason="扫错了人")
    assert (foreign.status_code, absent.status_code) == (404, 404)
    assert city.post(path, clerk, reason="扫错了人").get_json()["state"] == "undone"
    assert city.post(path, clerk, reason="扫错了人").status_code == 200


def test_who_is_free_anyway_is_let_in_uncounted(city: City) -> None:
    clerk, visitor = gate(city), city.resident()
    asked = {"payment_code": code_of(city, visitor), "request_id": new_request()}
    made = city.post(ENTRIES, clerk, **asked, already_free=True).get_json()
    assert (made["state"], made["amount_fen"]) == ("free", 0)
