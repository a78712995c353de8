"""The development stack's own secrets: made once, kept in its state directory, never in code."""

import os
import secrets
from pathlib import Path

KEYS = ("TOKEN_KEY", "PLACARD_KEY", "PERSONAL_DATA_KEY")


def load_or_make(file: Path) -> dict[str, str]:
    """Return the secrets of a state directory by the names of their variables.

    The file is readable by its owner alone. A name that it lacks (an older release made it) is
    added, the others stay: residents and placards are known by them.
    """
    kept = _read(file)
    made = {name: secrets.token_hex(32) for name in KEYS}
    made |= {"WECHAT_APPID": "wx" + secrets.token_hex(8), "WECHAT_SECRET": secrets.token_hex(16)}
    together = made | kept
    if together != kept:
        write_private(file, "".join(f"{name}={text}\n" for name, text in together.items()))
    return together


def write_private(file: Path, text: str) -> None:
    """Write a file for its owner's eyes, whole or not at all."""
    unfinished = file.with_name(file.name + ".new")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
    unfinished.replace(file)


def _read(file: Path) -> dict[str, str]:
    if not file.exists():
        return {}
    lines = file.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)
