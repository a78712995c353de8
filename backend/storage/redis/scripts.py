"""The Lua scripts of this folder, each registered once for each client."""

import hashlib
from pathlib import Path
from typing import Any

import redis

_FOLDER = Path(__file__).parent / "lua"
_SOURCES: dict[str, str] = {path.stem: path.read_text() for path in sorted(_FOLDER.glob("*.lua"))}


def run(client: redis.Redis, name: str, *, keys: list[str], args: list[str | int]) -> Any:
    """Run a script by name (EVALSHA, loaded again after a restart of the server)."""
    return client.register_script(_SOURCES[name])(keys=keys, args=args)


def batched(name: str) -> tuple[str, str]:
    """Return (SHA-1, text) of a script that runs a script of this folder for many calls in turn."""
    text = f"local function one(KEYS, ARGV)\n{_SOURCES[name]}\nend\n{_SOURCES['batch']}"
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest(), text
