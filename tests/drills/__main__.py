"""`make drills`: every drill of this folder in turn, or those that are named."""

import signal
import subprocess
import sys
import time
from pathlib import Path

from backend.devstack.paths import PROJECT_ROOT
from tests.drills import parser
from tests.load.session import session

HERE = Path(__file__).parent
LIMIT_S = 600.0


def main() -> int:
    """Play them; exit status 1 when one fails."""
    known = sorted(file.stem for file in HERE.glob("[!_]*.py"))
    asked = parser()
    asked.prog, asked.description = "python -m tests.drills", __doc__
    asked.add_argument("-h", "--help", action="help")
    asked.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the drill that plays ends with us
    names = asked.parse_args().names or known
    if unknown := sorted(set(names) - set(known)):
        asked.error(f"no such drill: {', '.join(unknown)}; there are {', '.join(known)}")
    passed_on = [word for word in sys.argv[1:] if word not in names]
    began_s, failed = time.monotonic(), []
    for n, name in enumerate(names, start=1):
        print(f"[{n}/{len(names)}] {name}", flush=True)
        if not _passes(name, passed_on):
            failed.append(name)
    took_s = time.monotonic() - began_s
    print(f"{len(names) - len(failed)} of {len(names)} drills passed in {took_s:.0f} s", flush=True)
    if failed:
        print(f"failed: {' '.join(failed)}", flush=True)
    return 1 if failed else 0


def _passes(name: str, words: list[str]) -> bool:
    command = [sys.executable, "-m", f"tests.drills.{name}", *words]
    with session(command, cwd=PROJECT_ROOT) as drill:
        try:
            return drill.wait(LIMIT_S) == 0
        except subprocess.TimeoutExpired:
            print(f"drill {name} fail error=longer_than_{LIMIT_S:.0f}_s", flush=True)
            return False


if __name__ == "__main__":
    sys.exit(main())
