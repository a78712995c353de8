"""The Lua scripts of this folder, run on the server that has their keys.

With replicas to wait for, an answer counts once they have what it rests on (docs/adr/0012): a
failover to a replica that lacks it would forget it.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from redis.exceptions import MovedError, NoScriptError

from backend.redis_clients import WAIT_MS, Cluster
from backend.storage.redis import keys as key_names


@dataclass(frozen=True, kw_only=True)
class Script:
    """A script's text, and the SHA-1 that a server knows it by."""

    text: str
    sha: str


class Unconfirmed(redis.RedisError):
    """The script ran, and not enough replicas confirmed in time: its outcome may be forgotten.

    The same call again is a replay where the outcome stood, and a first call where it did not.
    """


def _script(text: str) -> Script:
    return Script(text=text, sha=hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


_FOLDER = Path(__file__).parent / "lua"
_SCRIPTS: dict[str, Script] = {
    path.stem: _script(path.read_text()) for path in sorted(_FOLDER.glob("*.lua"))
}


def run(client: redis.Redis, name: str, *, keys: list[str], args: list[str | int]) -> Any:
    """Run a script by name: by its SHA-1, with its text where the server does not know it.

    Raises Unconfirmed, or whatever redis.RedisError the server answers.
    """
    script = _SCRIPTS[name]
    if wait_replicas := getattr(client, "wait_replicas", 0):
        return _run_confirmed(client, script, keys, args, wait_replicas)
    try:
        return client.evalsha(script.sha, len(keys), *keys, *args)
    except NoScriptError:
        return client.eval(script.text, len(keys), *keys, *args)


def batched(name: str) -> Script:
    """Return a script that runs a script of this folder for many calls in turn."""
    frame = _SCRIPTS["batch"].text
    return _script(f"local function one(KEYS, ARGV)\n{_SCRIPTS[name].text}\nend\n{frame}")


def confirm(answers: list[Any], wait_replicas: int) -> None:
    """Raise Unconfirmed unless the answers to a mark and to WAIT say that replicas follow."""
    fault = next((answer for answer in answers if isinstance(answer, Exception)), None)
    if fault is not None or answers[-1] < wait_replicas:
        why = type(fault).__name__ if fault else f"{answers[-1]} of {wait_replicas} replicas"
        raise Unconfirmed(why) from fault


def _run_confirmed(
    client: redis.Redis, script: Script, keys: list[str], args: list[str | int], wait_replicas: int
) -> Any:
    if not isinstance(client, Cluster):
        return _on_one_connection(client, script, keys, args, wait_replicas)
    try:
        return _on_one_connection(client.node_of(keys[0]), script, keys, args, wait_replicas)
    except MovedError as error:
        client.learn((error.host, error.port))
    except redis.ConnectionError:
        client.learn()  # its replica may have taken over
    return _on_one_connection(client.node_of(keys[0]), script, keys, args, wait_replicas)


def _on_one_connection(
    node: redis.Redis, script: Script, keys: list[str], args: list[str | int], wait_replicas: int
) -> Any:
    """Run the script, a mark and WAIT together.

    WAIT answers for what its own connection wrote, and a replay writes nothing: without the mark
    it would be confirmed while the claim it repeats is on no replica yet.
    """
    answer: Any = None
    for word, text in (("EVALSHA", script.sha), ("EVAL", script.text)):
        pipeline = node.pipeline(transaction=False)
        pipeline.execute_command(word, text, len(keys), *keys, *args)
        pipeline.set(key_names.mark(keys[0]), 1)
        pipeline.wait(wait_replicas, WAIT_MS)
        answer, *confirmation = pipeline.execute(raise_on_error=False)
        if not isinstance(answer, NoScriptError):
            break
    if isinstance(answer, Exception):
        raise answer
    confirm(confirmation, wait_replicas)
    return answer
