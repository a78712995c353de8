"""Imports point down: lazy ones too, and nobody reaches past the services."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
# From the top. A module may import its own layer and those below; the longest prefix decides.
LAYERS = (
    ("wsgi", "backend.devstack"),
    ("miniprogram_api", "backend.factory"),
    ("backend.edge", "backend.cli"),
    ("backend.workers",),
    ("backend.services",),
    ("backend.storage", "backend.gateways"),
    (
        "backend.extensions",
        "backend.settings",
        "backend.setting_values",
        "backend.clock",
        "backend.logs",
        "backend.metrics",
        "backend.redis_address",
        "backend.redis_clients",
    ),
    ("backend.domain", "merchant_qr"),
)
HEIGHT = {prefix: -n for n, prefixes in enumerate(LAYERS) for prefix in prefixes}
KEEPERS = ("backend.storage", "backend.gateways")
# Who may reach the keepers. The writer moves entries from the stream to a service.
MAY_REACH = ("backend.services", "backend.factory", "backend.devstack", "backend.workers", *KEEPERS)


def modules() -> Iterator[tuple[str, ast.Module]]:
    """Yield every module of ours by its dotted name; migrations have a test of their own."""
    for folder in ("backend", "miniprogram_api", "merchant_qr", "wsgi.py"):
        path = ROOT / folder
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            name = ".".join(file.relative_to(ROOT).with_suffix("").parts)
            if ".versions." not in name:
                yield name.removesuffix(".__init__"), ast.parse(file.read_text())


def imports(tree: ast.AST, *, typing_too: bool = False) -> Iterator[str]:
    """Yield what a module imports when it runs; relative imports are not used in this house."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"a relative import of {node.module}"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            # A type named for mypy alone: an edge says what a service hands it, and runs without.
            yield from imports(node, typing_too=True) if typing_too else ()
        else:
            yield from imports(node, typing_too=typing_too)


def is_in(name: str, prefixes: tuple[str, ...]) -> bool:
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)


def layer(name: str) -> str | None:
    found = [prefix for prefix in HEIGHT if is_in(name, (prefix,))]
    return max(found, key=len, default=None)


def test_every_module_of_ours_has_a_layer_and_no_import_points_up() -> None:
    for name, tree in modules():
        own = layer(name)
        assert own is not None or name == "backend", f"{name} is in no layer"
        for imported in imports(tree, typing_too=True):
            target = layer(imported)
            assert own is None or target is None or HEIGHT[target] <= HEIGHT[own], (
                f"{name} imports {imported}: up"
            )


def test_services_alone_reach_storage_and_gateways() -> None:
    reaching = {
        f"{name} imports {imported}"
        for name, tree in modules()
        if not is_in(name, MAY_REACH)
        for imported in imports(tree)
        if is_in(imported, KEEPERS)
    }
    assert not reaching


def test_the_domain_and_merchant_qr_know_no_framework_no_storage_and_no_clock() -> None:
    drawing = {"qrcode", "PIL", "reportlab"}  # merchant_qr makes pictures; the domain does not
    for name, tree in modules():
        allowed = {"domain": set(), "merchant_qr": drawing}
        package = "domain" if is_in(name, ("backend.domain",)) else name.partition(".")[0]
        if package not in allowed:
            continue
        for imported in imports(tree, typing_too=True):
            top = imported.partition(".")[0]
            own = is_in(imported, ("backend.domain", "merchant_qr"))
            assert own or top in sys.stdlib_module_names | allowed[package], (name, imported)
        calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        clocks = {"datetime.now", "datetime.utcnow", "date.today", "time.time", "time.monotonic"}
        assert not calls & clocks, f"{name} reads the time"
