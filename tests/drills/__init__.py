"""Drills: something goes wrong on real processes, and every promise is counted afterwards.

A drill is a file of this folder whose name does not begin with `_`. Run as a process it prints

    drill NAME pass|fail FIGURES

(a line for each database where it plays on two; FIGURES as key=value) and exits with 1 on a fail.
"""

import argparse
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from typing import NoReturn

Outcome = tuple[bool, dict[str, object]]


def options() -> argparse.Namespace:
    """Return the options, the same for all drills; each reads those that concern it."""
    return parser().parse_args()


def parser() -> argparse.ArgumentParser:
    """Return the parser of the options."""
    made = argparse.ArgumentParser(add_help=False)
    made.add_argument("--attempts", type=int, default=1_000_000, help="of the drill million")
    made.add_argument("--payments", type=int, default=10_000, help="of the drill budget_race")
    made.add_argument("--rounds", type=int, default=20, help="kills in a drill that kills often")
    made.add_argument("--seconds", type=float, default=15, help="of slow_connections")
    made.add_argument("--rows", type=int, default=100_000, help="vouchers valkey_lost rebuilds")
    return made


def play(name: str, drill: Callable[[], Iterable[Outcome]]) -> NoReturn:
    """Play a drill as this process's work: a line for each outcome, and the exit status."""
    failed, seen, began_s = False, False, time.monotonic()
    try:
        for passed, figures in drill():
            seen, failed = True, failed or not passed
            _say(name, passed, {**figures, "seconds": f"{time.monotonic() - began_s:.1f}"})
            began_s = time.monotonic()
    except Exception as error:
        traceback.print_exc()
        _say(name, False, {"error": type(error).__name__})
        failed = True
    sys.exit(1 if failed or not seen else 0)


def _say(name: str, passed: bool, figures: dict[str, object]) -> None:
    shown = " ".join(f"{key}={value}" for key, value in figures.items())
    print(f"drill {name} {'pass' if passed else 'fail'} {shown}", flush=True)
