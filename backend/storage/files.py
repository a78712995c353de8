"""Files of others, kept as they came: named by their digest, outside the web root, never served."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_CHUNK_BYTES = 1024 * 1024


class FileTooLarge(Exception):
    """More bytes than were allowed; nothing was kept."""


@dataclass(frozen=True, kw_only=True)
class Received:
    """A copy of what came, at a temporary path, until it is kept."""

    path: Path
    digest: str  # SHA-256, 64 hex digits
    size_bytes: int


@contextmanager
def receive(folder: Path, source: IO[bytes], *, max_bytes: int) -> Iterator[Received]:
    """Copy a stream into the folder for the block's length; `keep` makes it stay.

    The copy is what is read from then on: the caller's file may change meanwhile.

    :raises FileTooLarge: more than `max_bytes`
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest, size_bytes = hashlib.sha256(), 0
    with tempfile.NamedTemporaryFile(dir=folder, prefix="incoming-", delete=False) as file:
        path = Path(file.name)
        try:
            while chunk := source.read(_CHUNK_BYTES):
                size_bytes += len(chunk)
                if size_bytes > max_bytes:
                    raise FileTooLarge(f"more than {max_bytes} bytes")
                digest.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
            yield Received(path=path, digest=digest.hexdigest(), size_bytes=size_bytes)
        finally:
            path.unlink(missing_ok=True)


def keep(folder: Path, received: Received) -> Path:
    """Make a received file stay under its digest; the same bytes again are the same file.

    It is on the disk when this returns, so a row may name it.
    """
    place = where(folder, received.digest)
    place.parent.mkdir(exist_ok=True, mode=0o700)
    try:
        os.link(received.path, place)
    except FileExistsError:
        return place
    _sync(place.parent)
    _sync(folder)
    return place


def where(folder: Path, digest: str) -> Path:
    """Return the path of the file of a digest, kept or not."""
    return folder / digest[:2] / digest


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_new(place: Path, content: bytes) -> None:
    """Write a file that is not there yet, readable by us alone; on the disk when this returns."""
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    for folder in (place.parent, place.parent.parent):
        _sync(folder)
