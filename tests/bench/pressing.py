"""Load on one server by wrk: answers a second, how long they took, and what they cost."""

import json
import os
import re
import statistics
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.load.stack import CLAIMS, Stack, Web

SCRIPT = Path(__file__).with_name("claim.lua")
THREADS = 1  # a second one would start while the first still reads its tokens
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Pressed:
    """Answers a second, how long 99 % of them took at most, and the workers' CPU for each."""

    per_s: float
    p99_ms: float
    cpu_us: float
    answers: int
    wrong: int


def write_tokens(stack: Stack, file: Path, people: Iterable[int]) -> Path:
    """Write a token for each resident."""
    file.write_text("".join(f"{stack.token(n)}\n" for n in people))
    return file


def press(
    web: Web, tokens: Path, *, seconds: float, connections: int = 256, refused: bool = False
) -> Pressed:
    """Let each resident of the file claim once, in turn, for some seconds.

    :param refused: whether a refusal is the right answer, or a wrong one
    """
    command = ["wrk", f"-t{THREADS}", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "20s"]
    command += ["--latency", "-s", str(SCRIPT), web.url, "--", str(tokens), str(THREADS)]
    before_s = _cpu_s(web)
    done = subprocess.run([*command, CLAIMS, "1"], capture_output=True, text=True, check=True)
    cpu_s = _cpu_s(web) - before_s
    found = json.loads(re.findall(r"^measured (.*)$", done.stdout, re.MULTILINE)[-1])
    answers = found["answers"]
    wrong = found["errors"] + (answers - found["refused"] if refused else found["refused"])
    return Pressed(
        per_s=answers / found["seconds"],
        p99_ms=found["p99_us"] / 1000,
        cpu_us=cpu_s / max(answers, 1) * 1e6,
        answers=answers,
        wrong=wrong,
    )


def _cpu_s(web: Web) -> float:
    """Return the seconds of CPU that a server's workers have used."""
    pid = web.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    total = 0
    for child in children:
        fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS_PER_S


def tell(what: str, pressed: Pressed) -> None:
    """Print one line of progress."""
    print(
        f"  {what:24s} {pressed.per_s:8.0f}/s  p99 {pressed.p99_ms:7.1f} ms  "
        f"{pressed.cpu_us:6.1f} cpu µs  wrong {pressed.wrong}",
        flush=True,
    )


def median(values: Iterable[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """Return the median of neighbours' ratios: this machine's pace may swing between rounds."""
    return median(one / other for one, other in zip(above, below, strict=True))
