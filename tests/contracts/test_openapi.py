"""The document says what the application does: schemathesis asks every operation of it.

Also that the document is complete: nothing is served that it does not name.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import schemathesis
import schemathesis.engine
from apiflask import APIFlask
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events
from werkzeug.serving import make_server

from backend.edge.guards import guard_of
from backend.edge.openapi import path_of
from tests.factories import City
from tests.integration.edge.callers import Callers, operations

# Served, but no part of the API: the document itself, Flask's unguarded route, what operators' own
# programs read, and what the pages need or answer with when an address is no address of theirs.
UNDOCUMENTED = {
    "openapi.spec",
    "static",
    "figures.scrape",
    "figures.live_figures",
    "programme.stylesheet",
    "landing.unreadable",
    "merchant_list.no_version",
    "campaign_pages.no_campaign",
    "public_notices.no_notice",
    "payment_callbacks.receive",
}
# Pages with forms, for people and their browsers alone; and what WeChat sends.
PAGES = {
    *("desk_assets", "desk_closing", "desk_files", "desk_records", "desk_sales", "desk_sign_in"),
    *("desk_pledge", "desk_staff", "desk_till", "complaints", "wechat_callbacks"),
}
MAX_EXAMPLES = 25
# Values that exist, so that operations also succeed and their answers are checked.
KNOWN = {
    "path": (
        "subsidy_id",
        "name",
        "entry_id",
        "order_id",
        "campaign_id",
        "voucher_id",
        "number",
        "code",
    ),
    "query": ("placard",),
    "body": ("placard", "payment_code", "tier_position"),
}


def config_for(callers: Callers, address: str) -> SchemathesisConfig:
    """Return what schemathesis is to know: tokens, values that exist, and which checks make sense.

    All its checks of single requests are on. Off are: the stateful phase, since the document links
    no operations (the journeys are tested on their own); object_level_authorization, which wants a
    second identity (tests/integration/edge/test_foreign_ids.py has two); response times, which on a
    shared machine say nothing.
    """
    tokens = {
        name: {"bearer": person.headers["Authorization"].removeprefix("Bearer ")}
        for name, person in callers.people.items()
        if person is not None
    }
    known = {name for names in KNOWN.values() for name in names}
    return SchemathesisConfig.from_dict(
        {
            "seed": 20230428,
            "base-url": address,
            "auth": {"openapi": tokens},
            "generation": {"mode": "all", "max-examples": MAX_EXAMPLES, "deterministic": True},
            "phases": {"stateful": {"enabled": False}},
            "checks": {
                # 503 is documented: WeChat cannot be reached here, and the claims say so.
                "not_a_server_error": {"expected-statuses": ["2xx", "3xx", "4xx", "503"]},
                # A rule of the programme may refuse what the schema allows: 401 to 422.
                "positive_data_acceptance": {
                    "expected-statuses": ["2xx", "401", "403", "404", "409", "410", "422", "503"]
                },
                "negative_data_rejection": {"expected-statuses": ["4xx"]},
            },
            "operations": [
                {  # check digits, days and pictures are beyond what a schema can say
                    "include-path-regex": "^/api/v1/"
                    "(merchant/(orders|quotes|entries)|resident/subsidies.*)$",
                    "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "4xx"]}},
                }
            ],
            "dictionaries": {name: {"values": [callers.known[name]]} for name in known},
            "parameters": {
                f"{place}.{name}": {"dictionary": name, "probability": 0.7}
                for place, names in KNOWN.items()
                for name in names
            },
        }
    )


@contextmanager
def served(app: APIFlask) -> Iterator[str]:
    """Serve an application over HTTP; yield its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.filterwarnings("ignore:Generating overly large repr")  # hypothesis, of a 10 KB text
def test_every_operation_does_what_the_document_says(city: City) -> None:
    callers = Callers.of(city)
    asked: Counter[str] = Counter()
    faults: list[str] = []
    succeeded: set[str] = set()

    with served(city.app) as address:
        config = config_for(callers, address)
        schema = schemathesis.openapi.from_url(f"{address}/openapi.json", config=config)

        @schema.hook
        def map_body(_context: Any, body: Any) -> Any:
            return _without_points(body)

        for event in schemathesis.engine.from_schema(schema).execute():
            if isinstance(event, events.ScenarioFinished):
                asked[event.recorder.label] += len(event.recorder.cases)
                if _has_200(event.recorder):
                    succeeded.add(event.recorder.label)
                faults += _failures(event.recorder)
            elif isinstance(event, events.NonFatalError | events.FatalError):
                faults.append(repr(getattr(event, "value", event)))
    assert not faults, "\n\n".join(faults)
    assert set(asked) == {str(operation) for operation in operations(city.app)}
    assert min(asked.values()) > 3
    # Answers were checked, and not refusals alone; but for banks' calls, which nobody signs here:
    # tests/integration/edge/bank_api has them.
    reading = {label for label in asked if label.startswith("GET ")}
    assert {label for label in reading if not label.startswith("GET /bank/")} <= succeeded


def _without_points(value: Any) -> Any:
    """Write 520.0 as 520: one number to JSON Schema, but we take no fen with a decimal point."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _without_points(inner) for key, inner in value.items()}
    return [_without_points(inner) for inner in value] if isinstance(value, list) else value


def _has_200(recorder: Any) -> bool:
    answers = (interaction.response for interaction in recorder.interactions.values())
    return any(answer is not None and answer.status_code == 200 for answer in answers)


def _failures(recorder: Any) -> list[str]:
    """Say of every failed check what was asked and what was answered."""
    return [
        f"{recorder.label}: {node.failure_info.failure.title}: {node.failure_info.failure.message}"
        f"\n{node.failure_info.code_sample}"
        for nodes in recorder.checks.values()
        for node in nodes
        if node.failure_info is not None
    ]


@pytest.fixture(scope="module")
def document(apps: dict[str, APIFlask]) -> Any:
    return apps["sqlite"].test_client().get("/openapi.json").get_json()


def each_operation(document: Any) -> Iterator[tuple[str, Any]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_every_route_is_in_the_document(apps: dict[str, APIFlask], document: Any) -> None:
    rules = list(apps["sqlite"].url_map.iter_rules())
    assert len(rules) > 40
    missing = {
        rule.endpoint
        for rule in rules
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if method.lower() not in document["paths"].get(path_of(rule), {})
    }
    documented = {name for name in missing if name.partition(".")[0] not in PAGES}
    assert documented <= UNDOCUMENTED


def test_every_operation_has_a_summary_a_tag_and_an_id_of_its_own(document: Any) -> None:
    found = list(each_operation(document))
    for name, operation in found:
        assert operation["summary"].strip(), name
        assert len(operation["tags"]) == 1, name
    ids = [operation["operationId"] for _, operation in found]
    assert len(set(ids)) == len(ids)
    tags = [tag["name"] for tag in document["tags"]]
    assert len(set(tags)) == len(tags)
    assert {operation["tags"][0] for _, operation in found} == set(tags)


def test_every_operation_documents_its_refusals_in_the_one_form(document: Any) -> None:
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    page = {"text/html": {"schema": {"type": "string"}}}
    for name, operation in each_operation(document):
        refusal, unavailable = (operation["responses"][s]["content"] for s in ("4XX", "503"))
        assert refusal == error or (refusal == page and "/api/" not in name), name
        assert unavailable == refusal or name == "GET /readyz"
        assert any(status.startswith("2") for status in operation["responses"]), name
    assert document["components"]["schemas"]["Error"]["required"] == ["error"]
    assert not {"HTTPError", "ValidationError"} & set(document["components"]["schemas"])


def test_security_stands_where_a_guard_does(apps: dict[str, APIFlask], document: Any) -> None:
    app = apps["sqlite"]
    guards = {path_of(rule): guard_of(app, rule.endpoint) for rule in app.url_map.iter_rules()}
    for name, operation in each_operation(document):
        guard = guards[name.partition(" ")[2]]
        assert guard is not None
        scheme = guard.security_scheme
        assert operation.get("security", []) == ([{scheme: []}] if scheme else []), name
    schemes = document["components"]["securitySchemes"]
    assert {name: scheme.get("scheme") or scheme["name"] for name, scheme in schemes.items()} == {
        "resident": "bearer",
        "clerk": "bearer",
        "partner": "X-Signature",  # of each call: schemathesis signs none, our own tests do
    }


def test_bodies_are_required_and_closed_and_path_parameters_say_their_form(document: Any) -> None:
    for name, operation in each_operation(document):
        if body := operation.get("requestBody"):
            assert body["required"] is True
            if "application/json" not in body["content"]:  # a file
                assert {kind["schema"]["format"] for kind in body["content"].values()} == {"binary"}
                continue
            reference = body["content"]["application/json"]["schema"]["$ref"]
            schema = document["components"]["schemas"][reference.rpartition("/")[2]]
            assert schema["additionalProperties"] is False, name
        for parameter in operation["parameters"]:
            if parameter["in"] == "path":
                assert {"pattern", "maximum", "minimum"} & set(parameter["schema"]), name
