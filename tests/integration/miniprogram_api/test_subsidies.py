"""An applicant over HTTP: the journey, and what files may be."""

from typing import Any

import pytest
from werkzeug.test import TestResponse

from backend.services import subsidy_accounts, subsidy_files, subsidy_payouts, subsidy_reviews
from tests.factories import City, Person, new_request
from tests.integration.edge.callers import ask, error_of, stored
from tests.subsidising import CAR, DEALER, car, drafted, granted, picture

SUBSIDIES = "/api/v1/resident/subsidies"
BODY = {
    "campaign_id": CAR,
    "merchant_id": DEALER,
    "invoice_number": "1" * 20,
    "vin": "1M8GDM9AXKP042788",
    "invoice_amount_fen": 10_000_000,
    "invoice_day": "2023-04-28",
    "account_holder": "张三",
    "account_bank": "示例银行",
    "account_number": "6222020000000001",
}


def put(city: City, person: Person, path: str, data: bytes, **options: Any) -> TestResponse:
    headers = person.headers | options.pop("headers", {})
    return ask(city, "PUT", path, data=data, headers=headers, **options)


def test_an_applicant_applies_uploads_submits_and_reads_what_comes_of_it(city: City) -> None:
    car(city)
    person = city.resident()
    made = city.post(SUBSIDIES, person, **BODY, request_id=new_request())
    assert (made.status_code, made.get_json()["amount_fen"]) == (201, 350_000)
    own = f"{SUBSIDIES}/{made.get_json()['subsidy_id']}"
    early = city.post(f"{own}/submit", person)
    assert (early.status_code, error_of(early)["code"]) == (422, "subsidy_evidence_missing")
    sent = put(city, person, f"{own}/files/photo", picture(kind="PNG"))
    assert (sent.status_code, sent.get_json()["media_type"]) == (200, "image/jpeg")
    assert city.post(f"{own}/submit", person).get_json()["state"] == "submitted"
    subsidy_id = made.get_json()["subsidy_id"]
    subsidy_reviews.refuse(subsidy_id=subsidy_id, reason="照片不清", actor="甲")
    shown = city.get(own, person).get_json()
    assert (shown["state"], shown["reason"]) == ("refused", "照片不清")
    assert "重新提交" in shown["notice"]
    assert BODY["vin"] not in city.get(own, person).text
    assert city.get(SUBSIDIES, person).get_json()["subsidies"] == [shown]
    assert city.post(f"{own}/withdraw", person).get_json()["state"] == "withdrawn"


def test_a_file_is_handed_out_to_be_saved_and_never_to_be_run(city: City) -> None:
    car(city)
    person = city.resident()
    path = f"{SUBSIDIES}/{drafted(person).id}/files/photo"
    found = city.get(path, person)
    assert found.headers["Content-Disposition"] == 'attachment; filename="photo.jpg"'
    assert found.headers["X-Content-Type-Options"] == "nosniff"
    assert found.headers["Cache-Control"] == "no-store"
    assert "sandbox" in found.headers["Content-Security-Policy"]
    stranger, absent = city.resident(), f"{SUBSIDIES}/{'0' * 32}/files/photo"
    assert city.get(path, stranger).status_code == city.get(absent, person).status_code == 404
    assert put(city, stranger, path, picture()).status_code == 404
    assert city.get(path).status_code == 401


def test_only_this_route_takes_5_mb_and_no_byte_more(city: City) -> None:
    car(city)
    person = city.resident()
    path = f"{SUBSIDIES}/{drafted(person).id}/files/photo"
    noisy = b"%PDF-1.7\n%" + b"x" * (5 * 1024 * 1024 - 20) + b"\n%%EOF"
    assert len(noisy) < 5 * 1024 * 1024
    assert put(city, person, path, noisy).status_code == 200
    assert put(city, person, path, b"x" * (5 * 1024 * 1024 + 1)).status_code == 413
    chunked = put(city, person, path, picture(), headers={"Transfer-Encoding": "chunked"})
    assert chunked.status_code == 411
    elsewhere = ask(
        city, "POST", SUBSIDIES, data=b" " * 70_000, headers=person.headers,
        content_type="application/json",
    )  # fmt: skip
    assert elsewhere.status_code == 413


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "..%2f..%2fx", "photo.jpg", "photo-7", "PHOTO", "a" * 40, "%00", "."],
)
def test_a_name_that_would_be_a_path_is_not_found_and_writes_nothing(city: City, name: str) -> None:
    car(city)
    person = city.resident()
    made = drafted(person)
    before = stored()
    folder = subsidy_files.path_of("0" * 32).parents[1]
    kept = sorted(folder.rglob("*"))
    refused = put(city, person, f"{SUBSIDIES}/{made.id}/files/{name}", picture())
    assert refused.status_code == 404
    assert stored() == before
    assert sorted(folder.rglob("*")) == kept


def test_what_is_no_evidence_is_refused_with_a_sentence(city: City) -> None:
    car(city)
    person = city.resident()
    path = f"{SUBSIDIES}/{drafted(person).id}/files/photo"
    before = stored()
    for data in (b"", b"GIF89a", b"<html>", picture()[:100]):
        assert error_of(put(city, person, path, data))["code"] == "evidence_refused"
    assert stored() == before
    wrong_day = city.post(
        SUBSIDIES, person, **BODY | {"invoice_day": "2023-02-30"}, request_id=new_request()
    )
    assert error_of(wrong_day)["details"] == {"fields": ["invoice_day"]}


def test_an_applicant_corrects_the_account_of_a_returned_payout(city: City) -> None:
    car(city)
    person = city.resident()
    made = granted(person)
    own, body = f"{SUBSIDIES}/{made.id}", {key: BODY[key] for key in BODY if "account" in key}
    early = city.post(f"{own}/account", person, **body, request_id=new_request())
    assert (early.status_code, error_of(early)["code"]) == (409, "subsidy_step_not_possible")
    subsidy_payouts.create(number="P1", actor="财政甲")
    subsidy_payouts.answer(
        number="P1", subsidy_id=made.id, paid=False, proof="账号已注销", actor="财政乙"
    )
    assert "更正" in city.get(own, person).get_json()["notice"]
    sent = city.post(f"{own}/account", person, **body, request_id=new_request())
    waiting = {"state": "submitted", "account_last4": "0001", "reason": None}
    assert (sent.status_code, sent.get_json()["account_correction"]) == (200, waiting)
    assert body["account_number"] not in sent.text
    subsidy_accounts.confirm(subsidy_id=made.id, actor="商务局甲")
    shown = city.get(own, person).get_json()
    assert (shown["account_last4"], shown["account_correction"]["state"]) == ("0001", "confirmed")
    subsidy_payouts.create(number="P2", actor="财政甲")
    shown = city.get(own, person).get_json()
    assert (shown["payment"], shown["account_correction"]) == ("sent", None)
