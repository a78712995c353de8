import os
import socket
import stat
from pathlib import Path

import pytest

from backend.devstack import paths
from backend.devstack.lock import StateInUse
from backend.devstack.paths import PROJECT_ROOT, StateDir, StatePathRefused, socket_path


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    return StateDir(tmp_path / "run")


def directory_of_length(base: Path, length: int) -> Path:
    """A folder path with exactly `length` bytes."""
    deep = base
    while length - len(os.fsencode(deep)) > 100:
        deep /= "d" * 60
    return deep / ("e" * (length - len(os.fsencode(deep)) - 1))


def test_the_state_lives_under_the_project_unless_the_environment_says_otherwise(
    tmp_path: Path,
) -> None:
    assert StateDir.from_env({}).root == PROJECT_ROOT / ".state" / "run"
    assert StateDir.from_env({"HUIQUAN_STATE": ""}).root == PROJECT_ROOT / ".state" / "run"
    assert StateDir.from_env({"HUIQUAN_STATE": str(tmp_path)}).root == tmp_path
    assert (PROJECT_ROOT / "pyproject.toml").is_file()


def test_a_relative_state_path_counts_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert StateDir.from_env({"HUIQUAN_STATE": "a/../b"}).root == tmp_path / "b"


def test_what_create_makes_is_closed_to_other_users(state: StateDir) -> None:
    state.create()
    for directory in (state.root, state.valkey_dir, state.logs_dir, state.pids_dir):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_a_directory_with_other_files_is_neither_used_nor_removed(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(StatePathRefused):
        StateDir(tmp_path).create()
    with pytest.raises(StatePathRefused):
        StateDir(tmp_path).reset()
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_reset_removes_everything_and_a_fresh_stack_can_follow(state: StateDir) -> None:
    state.create()
    state.database_file.write_text("rows")
    (state.valkey_dir / "appendonlydir").mkdir()
    state.reset()
    assert not state.root.exists()
    state.reset()
    state.create()
    assert state.valkey_dir.is_dir()
    assert not state.database_file.exists()


def test_reset_follows_no_link_out_of_the_directory(state: StateDir, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "kept").touch()
    state.create()
    (state.root / "link").symlink_to(tmp_path / "elsewhere")
    state.reset()
    assert (tmp_path / "elsewhere" / "kept").exists()


def test_reset_is_refused_while_a_stack_runs(state: StateDir) -> None:
    state.create()
    state.database_file.write_text("rows")
    with state.lock(), pytest.raises(StateInUse):
        state.reset()
    assert state.database_file.read_text() == "rows"


@pytest.mark.parametrize(("length", "inside"), [(107, True), (108, False)])
def test_a_socket_path_of_107_bytes_stays_and_one_of_108_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, length: int, inside: bool
) -> None:
    monkeypatch.setattr(paths.tempfile, "tempdir", str(tmp_path))
    base = tmp_path if len(str(tmp_path)) < 80 else Path("/")
    directory = directory_of_length(base, length - len("/x.sock"))
    path = socket_path(directory, "x.sock")
    assert len(os.fsencode(directory / "x.sock")) == length
    assert (path.parent == directory) is inside
    if not inside:
        assert path.parent.parent == tmp_path
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
        assert socket_path(directory, "x.sock") == path
        assert socket_path(directory.with_name("other" * 30), "x.sock").parent != path.parent


def test_reset_removes_the_short_socket_directory_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths.tempfile, "tempdir", str(tmp_path))
    state = StateDir(tmp_path / ("deep" * 30))
    state.create()
    short = state.socket("web").parent
    assert short.is_dir()
    state.reset()
    assert not short.exists()


@pytest.mark.parametrize("trap", ["open", "link"])
def test_a_short_socket_directory_that_others_could_enter_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trap: str
) -> None:
    monkeypatch.setattr(paths.tempfile, "tempdir", str(tmp_path))
    directory = tmp_path / ("deep" * 30)
    short = socket_path(directory, "x.sock").parent
    if trap == "open":
        short.chmod(0o770)
    else:
        short.rmdir()
        (tmp_path / "private").mkdir(mode=0o700)
        short.symlink_to(tmp_path / "private")
    with pytest.raises(StatePathRefused):
        socket_path(directory, "x.sock")


def test_no_socket_path_is_better_than_one_that_is_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths.tempfile, "tempdir", str(tmp_path / ("t" * 90)))
    with pytest.raises(StatePathRefused):
        socket_path(tmp_path / ("deep" * 30), "x.sock")
