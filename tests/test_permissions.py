"""Every route of the console × every role: who may and who may not is what the matrix declares."""

import pytest
from apiflask import APIFlask
from werkzeug.routing import Rule, UnicodeConverter

from backend.domain.permissions import MATRIX
from backend.domain.staff import Role
from backend.edge import converters
from backend.edge.console.access import (
    ConsoleBlueprint,
    EverySignedIn,
    MissingPermission,
    permission_of,
)
from backend.edge.guards import guard_of
from tests.console import Console

# Blueprints that nobody need sign in for; all others want staff.
PUBLIC = {"console_assets", "health", "sign_in"}
# Some true form of each path parameter: no such thing exists, and only the guard is asked.
VALUES: dict[type, object] = {
    converters.PlainInteger: 999_999_999,
    converters.CampaignId: "Q0-NONE",
    converters.MerchantId: "TJ9999",
    converters.OrderId: "0" * 32,
    converters.SheetId: "TJ9999-20230501-1",
    converters.EvidenceName: "photo",
    converters.DetailFile: "BANK01_20230428.csv",
    UnicodeConverter: "none",
}


@pytest.fixture
def database() -> str:
    """One database is enough: no rule here is the database's."""
    return "sqlite"


def rules(app: APIFlask) -> list[tuple[Rule, str]]:
    """Return each route that wants staff with each of its methods."""
    return [
        (rule, method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.endpoint.partition(".")[0] not in PUBLIC
    ]


def path_of(rule: Rule) -> str:
    """Return a path of a route, with values of the right form."""
    values = {name: VALUES[type(converter)] for name, converter in rule._converters.items()}
    built = rule.build(values)
    assert built
    return built[1]


def test_every_route_has_the_guard_it_wants(consoles: dict[str, APIFlask]) -> None:
    app = consoles["sqlite"]
    found = {}
    for endpoint in app.view_functions:
        guard = guard_of(app, endpoint)
        assert guard is not None, endpoint
        found[endpoint.partition(".")[0]] = guard.name
    assert {name for name, guard in found.items() if guard == "public"} == PUBLIC
    assert set(found.values()) == {"public", "staff"}


def test_every_route_by_every_role_is_what_the_matrix_declares(console: Console) -> None:
    desks = {role: console.desk(role) for role in Role}
    tried = 0
    for rule, method in rules(console.app):
        wanted = permission_of(console.app, rule.endpoint)
        for role, desk in desks.items():
            if rule.endpoint == "own_account.sign_out":
                continue  # open to all, and the next try would be signed out
            path = path_of(rule)
            answer = desk.post(path) if method == "POST" else desk.get(path)
            allowed = isinstance(wanted, EverySignedIn) or wanted in MATRIX[role]
            refused = answer.status_code == 403 and "您的角色没有这项权限" in answer.text
            assert refused is not allowed, (rule.rule, role, answer.status_code)
            tried += 1
    assert tried >= len(Role) * 7


def test_nobody_is_let_in_anywhere(console: Console) -> None:
    for rule, method in rules(console.app):
        answer = console.nobody().open(path_of(rule), method=method)
        if method == "GET":
            assert answer.status_code == 303, rule.rule
            assert answer.location.startswith("/console/sign-in"), rule.rule
        else:
            assert answer.status_code == 400, rule.rule  # no form of ours, no token


def test_a_view_without_a_permission_is_not_registered() -> None:
    blueprint = ConsoleBlueprint("naked", __name__)
    with pytest.raises(MissingPermission, match="naked"):
        blueprint.get("/naked")(lambda: "open")
