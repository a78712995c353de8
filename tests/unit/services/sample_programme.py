"""The sample programme file, and changes to it: what the tests of programme files share."""

from pathlib import Path

import pytest

from backend import devstack
from backend.services.programme_files import ProgrammeFileRefused, parse_programme

SAMPLE = (Path(devstack.__path__[0]) / "tongjiang-2023.yaml").read_text(encoding="utf-8")

Edit = tuple[str, str]  # a text that stands in the sample once, and what takes its place


def changed(*edits: Edit) -> str:
    """Return the sample with each edit made; an edit that would not be unique is no test."""
    text = SAMPLE
    for old, new in edits:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the sample"
        text = text.replace(old, new)
    return text


def faults_of(text: str) -> list[tuple[int, str, str]]:
    """Return (line, where, reason) of every fault of a text that is refused."""
    with pytest.raises(ProgrammeFileRefused) as refused:
        parse_programme(text)
    faults = refused.value.details["faults"]
    assert isinstance(faults, list)
    return [(fault["line"], fault["where"], fault["reason"]) for fault in faults]


def line_with(text: str, marker: str) -> int:
    """Return the number of the only line that holds the marker, counted without the reader."""
    [line] = [n for n, content in enumerate(text.split("\n"), start=1) if marker in content]
    return line
