"""Each file of services and domain has its test at the mirrored path."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = [
    file.relative_to(ROOT / "backend")
    for layer in ("services", "domain")
    for file in sorted((ROOT / "backend" / layer).rglob("*.py"))
    if file.name != "__init__.py"
]


@pytest.mark.parametrize("file", FILES, ids=str)
def test_the_file_has_its_test(file: Path) -> None:
    mirrored = file.with_name(f"test_{file.name}")
    places = [ROOT / "tests" / kind / mirrored for kind in ("unit", "integration")]
    assert any(place.exists() for place in places), f"write {places[0]} or {places[1]}"


def test_the_mirror_sees_both_layers() -> None:
    assert {file.parts[0] for file in FILES} == {"services", "domain"}
    assert len(FILES) > 20
