"""Every page and file of all three sites: each is reached, is well, and holds nothing inline."""

from html.parser import HTMLParser

import pytest

from tests.proof.conftest import Site
from tests.proof.crawl import gets

# What no link leads to, and why; all else that is read by GET is found by walking.
NOT_WALKED = {
    **dict.fromkeys(
        ("merchants.paper", "complaints.photo"), "a photo, which holds no text of ours"
    ),
    "complaints.late": "leads to the list, once one is late",
    **dict.fromkeys(("desk_sales.get_one", "desk_sales.of_request"), "JSON for the till's script"),
    **dict.fromkeys(("desk_sales.offered", "desk_sales.offered_picture"), "asked by that script"),
}
PROGRAMS = ("/api/", "/bank/", "/callbacks/", "/healthz", "/readyz", "/metrics", "/openapi.json")


class Inline(HTMLParser):
    """What a policy without 'unsafe-inline' would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []
        self._script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note styles, handlers, and scripts that come with the page itself."""
        names = {name for name, _ in attrs}
        self.faults += [f"<{tag} {name}>" for name in names if name.startswith("on")]
        if "style" in names or "srcdoc" in names or tag == "style":
            self.faults.append(f"<{tag}> with a style or a document of its own")
        if tag == "script" and "src" not in names:
            self.faults.append("<script> without src")
        self.faults += [f"{tag} {v}" for _, v in attrs if (v or "").startswith("javascript:")]


def inline(page: str) -> list[str]:
    """Return what is inline in a page."""
    parser = Inline()
    parser.feed(page)
    return parser.faults


def test_every_page_is_reached_by_links_and_none_fails(sites: list[Site]) -> None:
    reached = set(NOT_WALKED)
    for site in sites:
        failed = {at: a.status_code for at, a in site.found.answers.items() if a.status_code > 404}
        assert failed == {}
        reached |= {name for name, at in site.found.endpoints.items() if at}
    for site in sites:
        unseen = gets(site.app, *site.prefixes) - gets(site.app, *PROGRAMS) - reached
        assert unseen == set(), "link to it, and give it a row in tests/proof/whole_city.py"


def test_every_page_has_a_policy_that_lets_nothing_inline_run_and_holds_nothing_inline(
    sites: list[Site],
) -> None:
    seen = 0
    for site in sites:
        for address, answer in site.found.pages():
            policy = answer.headers.get("Content-Security-Policy", "")
            assert "default-src 'none'" in policy, address
            assert "unsafe" not in policy, address
            assert inline(answer.text) == [], address
            seen += 1
    assert seen > 100


REFUSED = (
    *(("GET", path) for path in ("/console/nowhere", "/console/merchants/TJ9999", "/c/NO-SUCH")),
    *(("GET", path) for path in ("/notices/999999", "/desk/nowhere", "/nowhere", "/m/x")),
    *(("PUT", path) for path in ("/console/", "/desk/", "/")),
    *(("POST", path) for path in ("/console/staff", "/desk/staff", "/complaints")),
    *(
        ("GET", path)
        for path in ("/console/audit?page=x", "/merchants?page=x", "/calendar?month=x")
    ),
)


@pytest.mark.parametrize(("method", "path"), REFUSED, ids=str)
def test_a_refusal_that_is_a_page_has_the_policy_too(
    sites: list[Site], method: str, path: str
) -> None:
    site = next((s for s in sites[:2] if path.startswith(s.prefixes)), sites[2])
    answer = site.open(method, path)
    assert 400 <= answer.status_code < 500 or answer.status_code == 303
    if answer.mimetype == "text/html" and answer.status_code != 303:
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert inline(answer.text) == []
