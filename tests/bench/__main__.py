"""`make bench`: the figures of the opening second, each beside the rival it is compared with.

All on one machine with the load generator (wrk): ratios count, not rates. Rounds are short and
variants take turns, because a shared machine's pace swings; figures are medians.
"""

import argparse
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench import (
    console,
    drain,
    growth,
    lane,
    placards,
    reconciliation,
    redemptions,
    settlement,
)

GROUPS: dict[str, Callable[[int], lane.Figures]] = {
    "flask": lane.against_flask,
    "locking": lane.against_locking,
    "sqlite": drain.drain_sqlite,
    "postgres": drain.drain_postgres,
    "holders": growth.holders,
    "campaigns": growth.many_campaigns,
    "redemptions": redemptions.redeemed,
    "settlement": settlement.settlement,
    "reconciliation": reconciliation.reconcile,
    "placards": placards.printed,
    "console": console.listed,
}
SETS = {"money": ("redemptions", "settlement", "reconciliation")}  # several groups by one name


def main() -> None:
    """Measure group after group, then print a figure a line."""
    asked = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--only", default=",".join(GROUPS), help="groups or money, by commas")
    wanted = asked.parse_args()
    names = [name for word in wanted.only.split(",") for name in SETS.get(word, (word,))]
    if unknown := sorted(set(names) - set(GROUPS)):
        asked.error(f"no such group: {', '.join(unknown)}; there are {', '.join(GROUPS)}")
    began_s, figures, wrong = time.monotonic(), list[str](), 0.0
    print(_machine(), flush=True)
    for n, name in enumerate(names, start=1):
        print(f"[{n}/{len(names)}] {name}", flush=True)
        for what, value in GROUPS[name](wanted.rounds):
            kind, _, figure = what.rpartition(" ")
            print(f"  {figure} {value:.2f}", flush=True)
            if kind:
                figures.append(f"figure {figure} {value:.2f}")
            elif figure in ("wrong_answers", "differences"):
                wrong += value
    print(f"{_machine()}; took {time.monotonic() - began_s:.0f} s")
    print("\n".join(figures))
    if wrong:
        raise SystemExit(f"{wrong:.0f} answers or amounts were wrong")


def _machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "?")
    load = " ".join(f"{value:.2f}" for value in os.getloadavg())
    return (
        f"machine: {os.cpu_count()} cores of {model}, Linux {platform.release()}, "
        f"Python {platform.python_version()}, load average {load}"
    )


if __name__ == "__main__":
    main()
