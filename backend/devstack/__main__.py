"""`python -m backend.devstack`: a city's programme at work on this machine.

Without a command: everything starts, one journey is played, then it serves until Ctrl-C.
"""

import argparse
import os
import subprocess
import sys
import time

import pyotp

from backend.devstack import bootstrap_facts, surroundings
from backend.devstack.dev_clock import DevClock
from backend.devstack.lock import StateInUse
from backend.devstack.paths import PROJECT_ROOT, StateDir
from backend.devstack.processes import STOP_SIGNALS
from backend.devstack.stack import Play, Stack
from backend.domain.errors import HuiquanError
from backend.settings import Settings, SettingsError


def main(words: list[str]) -> int:
    """Do what the command line says; return the exit status."""
    state = StateDir.from_env(os.environ)
    try:
        if words[:1] == ["flask"]:
            return flask(state, words[1:])
        if words == ["code"]:
            return code(state)
        chosen = _parser().parse_args(words)
        if chosen.command == "reset":
            state.reset()
            print(f"已清空 {state.root}")
            return 0
        play: Play = "only" if chosen.journey_only else "skip" if chosen.no_journey else "play"
        return run(state, play, reload=chosen.reload)
    except HuiquanError as error:
        print(f"\n{error.message}\n{error.code}: {error}", file=sys.stderr)
    except SettingsError as error:
        print(f"\n环境变量有误：{error}", file=sys.stderr)
    return 1


def run(state: StateDir, play: Play, *, reload: bool) -> int:
    """Run a stack until it is told to stop, which counts as a good end."""
    state.create()
    with state.lock():
        try:
            Stack(state, os.environ, reload=reload).run(play)
        except SystemExit as stopped:
            if stopped.code not in {128 + number for number in STOP_SIGNALS}:
                raise
            print("\n已全部停止", flush=True)
    return 0


def flask(state: StateDir, words: list[str]) -> int:
    """Run a `flask` command on the stack's data, whether the stack runs or not."""
    env = surroundings.kept(state.environment_file)
    if not env:
        print("还没有开发数据，请先 make run", file=sys.stderr)
        return 1
    try:
        with state.lock():  # nobody's clock is running: go on from where it stood
            clock = DevClock(state.clock_file)
            clock.begin(os.environ, database_url=Settings.from_env(env).database_url)
            env["CLOCK_OFFSET_S"] = f"{clock.offset_s:.3f}"
    except StateInUse:
        pass  # the running stack's offset it is
    command = [sys.executable, "-m", "flask", *words]
    done = subprocess.run(command, env={**os.environ, **env}, cwd=PROJECT_ROOT, check=False)
    return done.returncode


def code(state: StateDir) -> int:
    """Print the code that the phone of a sample account shows now, on the running stack's clock."""
    env = surroundings.kept(state.environment_file)
    if not env:
        print("还没有开发数据，请先 make run", file=sys.stderr)
        return 1
    now_s = time.time() + float(env["CLOCK_OFFSET_S"])
    print(pyotp.TOTP(bootstrap_facts.staff_totp_secret(env)).at(int(now_s)))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m backend.devstack", description=__doc__)
    parser.add_argument(
        "command",
        nargs="?",
        choices=("run", "reset"),
        default="run",
        help="reset removes all that was kept; `flask …` runs a flask command on the stack's data",
    )
    journey = parser.add_mutually_exclusive_group()
    journey.add_argument("--no-journey", action="store_true", help="serve at once")
    journey.add_argument("--journey-only", action="store_true", help="play it, stop, exit 0 or 1")
    parser.add_argument("--reload", action="store_true", help="the server follows code changes")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
