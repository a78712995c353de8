"""No endpoint without a guard, and each guard where the house wants it."""

import dataclasses
from typing import Any

import pytest
from apiflask import APIBlueprint, APIFlask

from backend.edge.guards import Edge, MissingGuard, guard_of
from backend.factory import create_app
from miniprogram_api.edges import EDGES
from tests.factories import City
from tests.integration.edge.callers import Callers, ask, error_of, operations

# Who may call what, by blueprint: a new one is entered here by somebody who has thought about it.
GUARDS = {
    "public": {
        *("health", "programme", "landing", "merchant_list", "openapi", "sessions"),
        *("campaign_pages", "public_notices", "complaints"),
        *("payment_callbacks", "wechat_callbacks"),  # who sends is proved by a signature
        "desk_assets",
    },
    "resident": {
        *("phones", "vouchers", "payment_codes", "resident_merchants", "resident_orders"),
        *("resident_campaigns", "resident_entries", "subsidies"),
    },
    "form": {"desk_sign_in"},  # nobody yet, and a form's token all the same
    "desk": {
        *("desk_closing", "desk_till", "desk_sales", "desk_records", "desk_files", "desk_staff"),
        "desk_pledge",
    },
    "metrics": {"figures"},
    "partner": {  # a bank's signed calls
        *("bank_heartbeat", "bank_discounts", "bank_merchants", "bank_cards", "bank_files"),
    },
    "clerk": {
        *("charges", "amount_codes", "redemptions", "placards", "settlements"),
        *("entries", "refunds", "desk_opening"),
    },
}


def test_every_endpoint_has_the_guard_of_the_table(apps: dict[str, APIFlask]) -> None:
    app = apps["sqlite"]
    declared = {name: guard for guard, names in GUARDS.items() for name in names}
    found = {}
    for endpoint in app.view_functions.keys() - {"static"}:  # Flask's own; unguarded, so a 404
        guard = guard_of(app, endpoint)
        assert guard is not None, f"{endpoint} has no guard"
        found[endpoint.rpartition(".")[0]] = guard.name
    assert found == declared


def test_the_factory_refuses_a_blueprint_without_a_guard(apps: dict[str, APIFlask]) -> None:
    settings = apps["sqlite"].extensions["settings"]
    guard: Any = None
    naked = Edge(blueprint=APIBlueprint("naked", __name__), prefix="/naked", guard=guard)
    with pytest.raises(MissingGuard, match="naked"):
        create_app(settings, (*EDGES, naked))


def test_a_route_outside_the_edges_answers_as_an_absent_one(city: City) -> None:
    settings = dataclasses.replace(city.settings)
    app = create_app(settings, EDGES)
    app.add_url_rule("/back-door", view_func=lambda: "open")
    responses = [app.test_client().get(path) for path in ("/back-door", "/static/x", "/absent")]
    assert [response.status_code for response in responses] == [404] * 3
    assert [error_of(response)["code"] for response in responses] == ["not_found"] * 3


def test_every_guarded_endpoint_refuses_nobody_and_the_other_role(city: City) -> None:
    callers, refused = Callers.of(city), 0
    for operation in operations(city.app):
        if operation.guard in ("public", "partner"):  # a partner signs, and has no token:
            continue  # tests/integration/edge/bank_api/test_signature.py
        other = callers.people["clerk" if operation.guard == "resident" else "resident"]
        assert other is not None
        path = callers.path(operation)
        nobody = ask(city, operation.method, path)
        wrong_role = ask(city, operation.method, path, headers=other.headers)
        assert (nobody.status_code, wrong_role.status_code) == (401, 403), str(operation)
        assert error_of(nobody)["code"] == "sign_in_required"
        assert error_of(wrong_role)["code"] == "wrong_role"
        refused += 1
    assert refused >= 20
