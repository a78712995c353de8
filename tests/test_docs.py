"""Documents are true of the code: links, paths, commands, settings, refusals and terms."""

import dataclasses
import importlib
import pkgutil
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml
from apiflask import APIFlask
from click import Group

import backend
import miniprogram_api
from backend import settings as settings_module
from backend.domain.errors import HuiquanError
from backend.edge.errors import HTTP_ERRORS, STATUS
from backend.settings import Settings

ROOT = Path(__file__).parents[1]
READMES = (ROOT / "README.md", ROOT / "README.zh-CN.md")
DOCS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.md")]
)
by_document = pytest.mark.parametrize("doc", DOCS, ids=lambda doc: str(doc.relative_to(ROOT)))

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
# A path of ours in backticks: from the root, by its first part.
OURS = "backend|miniprogram_api|merchant_qr|tests|docs|deploy|\\.ci"
PATH = re.compile(rf"(?<![\w/.])((?:{OURS})/[\w./*-]*)(?:::(\w+))?")
TOP_FILE = re.compile(r"`((?:Makefile|wsgi\.py|[\w-]+\.(?:toml|txt|md)))`")
FOREIGN_FILES = {"NAME.txt"}  # a placeholder
TERM = re.compile(r"`([^`\n]+)`")


def text_of(doc: Path) -> str:
    return doc.read_text(encoding="utf-8")


def prose(doc: Path) -> str:
    return FENCE.sub("", text_of(doc))


def anchors(doc: Path) -> set[str]:
    """Return the anchors of a document's headings, as they are made by common renderers."""
    headings = re.findall(r"^#+ (.+)$", prose(doc), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings}


def section(doc: Path, heading: str) -> str:
    """Return the text below a heading, up to the next of any level."""
    found = re.search(rf"^#+ {re.escape(heading)}$\n(.*?)(?=^#+ |\Z)", text_of(doc), re.M | re.S)
    assert found, f"{doc.name} has no heading {heading!r}"
    return found[1]


def table(text: str) -> list[list[str]]:
    """Return the rows of the first table in a text, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return cells[2:]


@by_document
def test_every_link_leads_somewhere(doc: Path) -> None:
    for target in LINK.findall(prose(doc)):
        if re.match(r"https?://", target):
            continue
        path, _, anchor = unquote(target).partition("#")
        file = (doc.parent / path).resolve() if path else doc
        assert file.exists(), f"{doc.name}: {target}"
        if anchor:
            assert anchor in anchors(file), f"{doc.name}: {target}"


@by_document
def test_every_path_and_test_that_is_named_exists(doc: Path) -> None:
    for named, test in PATH.findall(text_of(doc)):
        path = named.rstrip(".")
        assert list(ROOT.glob(path)), f"{doc.name}: {path}"
        if test:
            assert f"def {test}(" in text_of(ROOT / path), f"{doc.name}: {test}"
    for name in set(TOP_FILE.findall(text_of(doc))) - FOREIGN_FILES:
        beside = (ROOT / name, doc.parent / name)
        assert any(file.exists() for file in beside), f"{doc.name}: {name}"


def test_the_search_for_paths_finds_them() -> None:
    found = {named for doc in DOCS for named, _ in PATH.findall(text_of(doc))}
    assert len(found) > 60
    assert "backend/storage/redis/lua/claim.lua" in found


def test_every_file_of_the_tree_exists() -> None:
    """The tree of architecture.md: names beside each other, folders by their indentation."""
    tree = next(body for _, body in FENCE.findall(section(architecture(), "The tree")))
    folders: list[Path] = [ROOT]
    for line in tree.splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        if depth > 3:  # the text of the line above goes on
            continue
        del folders[depth + 1 :]
        names = re.split(r" {2,}", line.strip())[0].split()
        for name in names:
            assert list(folders[depth].glob(name.rstrip("/"))), f"{folders[depth]}: {name}"
        if names[-1].endswith("/"):
            folders.append(folders[depth] / names[-1])


def architecture() -> Path:
    return ROOT / "docs" / "architecture.md"


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):.*## ", text_of(ROOT / "Makefile"), re.MULTILINE))


@by_document
def test_every_make_command_is_in_the_makefile(doc: Path) -> None:
    in_code = "\n".join(
        [*TERM.findall(prose(doc)), *(body for _, body in FENCE.findall(text_of(doc)))]
    )
    assert set(re.findall(r"(?:^|\s)make ([a-z]+)", in_code, re.MULTILINE)) <= make_targets()


def test_the_readme_names_the_two_commands() -> None:
    for readme in READMES:
        assert {"make run", "make test"} <= set(TERM.findall(prose(readme)))


@by_document
def test_every_flask_command_exists(doc: Path, apps: dict[str, APIFlask]) -> None:
    named = re.findall(r"flask(?: --app wsgi)? ([a-z][a-z-]*) ([a-z][a-z-]*)", text_of(doc))
    groups = apps["sqlite"].cli.commands
    for group, name in named:
        if group in ("command", "commands"):  # prose about them
            continue
        found = groups.get(group)
        assert isinstance(found, Group), f"{doc.name}: flask {group}"
        assert name in found.commands, f"{doc.name}: flask {group} {name}"


def test_both_readmes_have_the_same_headings_code_links_and_settings() -> None:
    english, chinese = map(text_of, READMES)
    levels = [re.findall(r"^(#+) ", FENCE.sub("", t), re.MULTILINE) for t in (english, chinese)]
    assert levels[0] == levels[1]
    assert FENCE.findall(english) == FENCE.findall(chinese)
    assert LINK.findall(english)[1:] == LINK.findall(chinese)[1:]  # the first leads to the other
    names = [set(TERM.findall(FENCE.sub("", t))) for t in (english, chinese)]
    assert names[0] == names[1]


@pytest.mark.parametrize(
    ("readme", "heading"), [(READMES[0], "Settings"), (READMES[1], "设置")], ids=("en", "zh")
)
def test_the_table_of_settings_is_the_codes(readme: Path, heading: str) -> None:
    rows = {row[0].strip("`"): row[2].strip("`") for row in table(section(readme, heading))}
    defaults = {f.name: f.default for f in dataclasses.fields(Settings)}
    expected = dict.fromkeys((variable for _, variable, _ in settings_module._REQUIRED), "")
    for name, variable, _ in settings_module._OPTIONAL:
        default = defaults[name]
        shown = f"{default:g}" if isinstance(default, float) else str(default or "")
        expected[variable] = shown
    assert rows == expected


def test_the_example_of_settings_names_all_that_must_be_set_and_nothing_unknown() -> None:
    example = text_of(ROOT / "deploy" / "huiquan.env.example")
    named = set(re.findall(r"^#? ?([A-Z][A-Z_]+)=", example, re.MULTILINE))
    required = {variable for _, variable, _ in settings_module._REQUIRED}
    optional = {variable for _, variable, _ in settings_module._OPTIONAL}
    assert required <= named
    assert named <= required | optional | web_server_variables()


def web_server_variables() -> set[str]:
    return set(re.findall(r'environ\.get\("(\w+)"', text_of(ROOT / "deploy/gunicorn.conf.py")))


def test_what_the_web_server_reads_is_documented() -> None:
    read = web_server_variables()
    assert read
    for readme in READMES:
        assert read <= set(TERM.findall(prose(readme)))


def test_every_metric_that_an_alert_asks_for_is_in_the_table() -> None:
    rules = yaml.safe_load(text_of(ROOT / "deploy/alerts.yml"))["groups"][0]["rules"]
    asked = {name for rule in rules for name in re.findall(r"huiquan_\w+", rule["expr"])}
    told = " ".join(row[0] for row in table(section(ROOT / "docs/operations.md", "Figures")))
    assert asked
    assert asked <= set(re.findall(r"huiquan_\w+", told))


@cache
def refusals() -> dict[str, tuple[str, str]]:
    """Return (status, sentence) by code: every refusal that the code can give."""
    for package in (backend, miniprogram_api):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not re.search(r"__main__$|\.versions|migrations\.env$", module.name):
                importlib.import_module(module.name)
    found = {
        error.code: (str(STATUS[error.category]), error.message)
        for error in _family(HuiquanError)
        if error.__module__.startswith(("backend.", "miniprogram_api."))
    }
    found[HuiquanError.code] = ("500", HuiquanError.message)
    for status, (code, sentence) in HTTP_ERRORS.items():
        found.setdefault(code, (str(status), sentence))
    return found


def _family(error: type[HuiquanError]) -> Iterator[type[HuiquanError]]:
    yield error
    for heir in error.__subclasses__():
        yield from _family(heir)


def api_rows(heading: str) -> list[list[str]]:
    return table(section(ROOT / "docs" / "api.md", heading))


def test_the_tables_of_refusals_are_the_codes() -> None:
    by_status = {row[0].strip("`"): row[1:] for row in api_rows("Refusals of the API")}
    other = by_status.pop("http_error")  # any status of werkzeug's that has no sentence of its own
    assert other[1] in text_of(ROOT / "backend/edge/errors.py")
    plain = {
        row[0].strip("`"): row[1:]
        for heading in ("Refusals of commands", "Refusals of the development stack")
        for row in api_rows(heading)
    }
    known = refusals()
    assert by_status.keys() | plain.keys() == known.keys()
    assert not by_status.keys() & plain.keys()
    for code, (status, sentence, *_) in by_status.items():
        assert (status, sentence) == known[code], code
    for code, (sentence, *_) in plain.items():
        assert sentence == known[code][1], code
    assert all(cell for rows in (by_status, plain) for row in rows.values() for cell in row)


def test_the_table_of_categories_is_the_codes() -> None:
    shown = [
        row[1].split(",")[0] for row in table(section(ROOT / "docs/api.md", "How errors look"))
    ]
    assert shown == [str(status) for status in STATUS.values()]


def test_every_term_of_the_glossary_is_a_name_in_the_code() -> None:
    listing = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "backend", "miniprogram_api"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    kinds = (".py", ".lua", ".yaml")
    files = [ROOT / name for name in listing if name.endswith(kinds)]
    words = {w for file in files if file.exists() for w in re.findall(r"\w+", text_of(file))}
    rows = table(text_of(ROOT / "docs" / "glossary.md"))
    assert len(rows) > 50
    for row in rows:
        terms = TERM.findall(row[2])
        assert terms, row[0]
        assert set(terms) <= words, row[0]
        assert all(row), row[0]


def test_the_glossary_says_each_term_once() -> None:
    rows = table(text_of(ROOT / "docs" / "glossary.md"))
    for column in (0, 1):
        terms = [row[column] for row in rows]
        assert sorted(set(terms)) == sorted(terms)


def test_every_event_in_the_runbook_is_logged() -> None:
    events = {
        event
        for row in table(section(ROOT / "docs" / "operations.md", "Logs"))
        for event in TERM.findall(row[0])
    }
    source = "".join(text_of(file) for file in (ROOT / "backend").rglob("*.py"))
    logged = set(re.findall(r'log\.\w+\(\s*"(\w+)"', source))
    assert events
    assert events <= logged


def test_decisions_are_numbered_dated_and_complete() -> None:
    files = sorted((ROOT / "docs" / "adr").glob("*.md"))
    for number, file in enumerate(files, start=1):
        assert file.name.startswith(f"{number:04d}-")
        text = text_of(file)
        assert text.startswith(f"# {number:04d} ")
        assert re.search(r"^Date: \d{4}-\d\d-\d\d\. Status: (accepted|replaced by)", text, re.M)
        headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert headings == ["Context", "Decision", "Consequences", "Alternatives"], file.name
        assert 40 <= len(text.splitlines()) <= 90, file.name
    assert len(files) >= 9
