"""The sample programme file, and changes to it: what the tests of programme files share."""

from importlib.resources import files
from typing import NamedTuple

import pytest

from backend.services.programme_files import ProgrammeFileRefused, parse_programme

SAMPLE = files("backend.devstack").joinpath("tongjiang-2023.yaml").read_text(encoding="utf-8")

Edit = tuple[str, str]  # a text that stands in the sample once, and what takes its place


class Expected(NamedTuple):
    """A fault that must be told."""

    line_holds: str  # a text that only the line of the fault holds
    where: str
    reason_holds: str


class Rule(NamedTuple):
    """A rule, the sample changed to break it, and the nearest sample that keeps it."""

    name: str
    broken: tuple[Edit, ...]
    faults: tuple[Expected, ...]  # all of them, and no other
    legal: tuple[Edit, ...]  # none: the sample as it stands is the neighbour


def rule(
    name: str, broken: list[Edit], faults: list[tuple[str, str, str]], legal: list[Edit]
) -> Rule:
    """Return one row of a table of rules."""
    return Rule(name, tuple(broken), tuple(Expected(*fault) for fault in faults), tuple(legal))


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
