"""Files that stay under their digest, and only when they are kept."""

import hashlib
from io import BytesIO
from pathlib import Path

import pytest

from backend.storage import files

CONTENT = b"one file" * 1000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def keep(folder: Path) -> Path:
    with files.receive(folder, BytesIO(CONTENT), max_bytes=len(CONTENT)) as received:
        assert (received.digest, received.size_bytes) == (DIGEST, len(CONTENT))
        return files.keep(folder, received)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_kept_file_stays_under_its_digest_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    assert keep(folder) == keep(folder) == files.where(folder, DIGEST)
    assert names(folder) == [DIGEST]
    assert files.where(folder, DIGEST).read_bytes() == CONTENT
    assert folder.stat().st_mode & 0o077 == 0
    assert files.where(folder, DIGEST).stat().st_mode & 0o077 == 0


def test_a_file_that_is_not_kept_leaves_nothing(tmp_path: Path) -> None:
    with files.receive(tmp_path, BytesIO(CONTENT), max_bytes=len(CONTENT)) as received:
        assert received.path.read_bytes() == CONTENT
    assert names(tmp_path) == []
    with (
        pytest.raises(ValueError, match="refused"),
        files.receive(tmp_path, BytesIO(CONTENT), max_bytes=len(CONTENT)),
    ):
        raise ValueError("refused")
    assert names(tmp_path) == []


def test_one_byte_above_the_bound_is_too_large_and_leaves_nothing(tmp_path: Path) -> None:
    with (
        pytest.raises(files.FileTooLarge),
        files.receive(tmp_path, BytesIO(CONTENT), max_bytes=len(CONTENT) - 1),
    ):
        pass
    assert names(tmp_path) == []
