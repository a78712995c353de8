"""What all commands share: who acts, and refusals as plain text with exit status 1."""

import getpass
import re
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

import click

from backend.domain.errors import HuiquanError
from backend.domain.identifiers import is_mobile

P = ParamSpec("P")
R = TypeVar("R")

actor_option = click.option(
    "--actor",
    default=lambda: f"cli:{getpass.getuser()}",
    help="Who acts, for the audit log; by default the operating system's user.",
)


def _phone(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not is_mobile(value):
        raise click.BadParameter("11 digits, beginning 13 to 19")
    return value


phone_option = click.option("--phone", required=True, callback=_phone)


partner_option = click.option(
    "--partner",
    "partner_id",
    required=True,
    help="Which bank, by the code it was entered under, such as BANK01.",
)


def check_id(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    """Let through an id that a colleague can read aloud and type again."""
    if not re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}", value):
        raise click.BadParameter("1 to 64 of 0-9 A-Z a-z _ -")
    return value


def write_private(file: Path, content: bytes) -> None:
    """Write what holds personal data so that no other user of the machine can read it."""
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_bytes(content)


def refusals_as_text(command: Callable[P, R]) -> Callable[P, R]:
    """Print a refusal's sentence and its faults to stderr and exit with 1."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except HuiquanError as error:
            click.echo(f"{error.code}: {error.message} ({error})", err=True)
            faults = error.details.get("faults", ())
            for fault in faults if isinstance(faults, list | tuple) else ():
                click.echo(f"  第 {fault['line']} 行 {fault['where']}：{fault['reason']}", err=True)
            missing = error.details.get("missing", ())
            if isinstance(missing, list) and missing:
                click.echo(f"  还缺：{'、'.join(map(str, missing))}", err=True)
            if holder := error.details.get("merchant_id"):
                click.echo(f"  {error.details['field']}属于 {holder}", err=True)
            raise SystemExit(1) from error

    return wrapped
