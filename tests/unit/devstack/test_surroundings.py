import socket
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from backend.devstack import secrets
from backend.devstack.paths import StateDir
from backend.devstack.surroundings import PortInvalid, build, free_port_from
from backend.gateways.standins.wechat_pay_api import read_keys
from backend.settings import Settings

REDIS = "redis://127.0.0.1:6379"


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    found = StateDir(tmp_path / "state")
    found.create()
    return found


def test_what_is_built_is_all_that_the_application_needs(state: StateDir) -> None:
    found = build(state, {"PATH": "/bin"}, redis_url=REDIS)
    settings = Settings.from_env(found.env)
    assert settings.environment == "development"
    assert settings.public_base_url == found.web_url
    assert settings.wechat_base_url == found.standin_url
    assert settings.wechat_pay_base_url == found.pay_standin_url
    assert settings.unionpay_base_url == settings.unionpay_file_url == found.unionpay_url
    assert settings.unionpay_merchant_number is not None
    assert len({found.web_url, found.standin_url, found.unionpay_url, found.console_url}) == 4
    assert settings.database_url == f"sqlite:///{state.database_file}"
    assert found.env["PATH"] == "/bin"


def test_secrets_are_made_once_and_are_for_the_owner_alone(state: StateDir) -> None:
    first = secrets.load_or_make(state.secrets_file)
    assert secrets.load_or_make(state.secrets_file) == first
    assert state.secrets_file.stat().st_mode & 0o777 == 0o600
    assert len({first[name] for name in secrets.KEYS}) == len(secrets.KEYS)


def test_the_keys_of_wechat_pay_are_made_once_for_the_owner_alone_and_fit_each_other(
    state: StateDir,
) -> None:
    first, second = (build(state, {}, redis_url=REDIS).env for _ in range(2))
    ours = [name for name in first if name.startswith("WECHAT_PAY_") and "URL" not in name]
    assert len(ours) == 6
    assert {name: first[name] for name in ours} == {name: second[name] for name in ours}
    for file in (first["WECHAT_PAY_PRIVATE_KEY"], str(state.wechat_pay_keys_file)):
        assert Path(file).stat().st_mode & 0o777 == 0o600
    keys = read_keys(state.wechat_pay_keys_file)
    settings = Settings.from_env(first)
    assert (keys.appid, keys.mchid) == (settings.wechat_appid, settings.wechat_pay_mchid)
    kept = (settings.wechat_pay_private_key, settings.wechat_pay_public_key)
    assert kept[0] is not None
    assert kept[1] is not None
    pair = serialization.load_pem_private_key(kept[0], password=None)
    assert pair.public_key() == keys.merchant_key
    assert serialization.load_pem_public_key(kept[1]) == keys.platform_key.public_key()


def test_unionpays_keys_are_made_once_and_are_for_the_owner_alone(state: StateDir) -> None:
    kept = []
    for _ in range(2):
        build(state, {}, redis_url=REDIS)
        files = sorted(state.unionpay_dir.iterdir())
        kept.append([file.read_bytes() for file in files])
    assert kept[0] == kept[1]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert state.unionpay_dir.stat().st_mode & 0o777 == 0o700


def test_a_secret_that_an_older_release_did_not_know_is_added_and_the_others_stay(
    state: StateDir,
) -> None:
    first = secrets.load_or_make(state.secrets_file)
    lines = state.secrets_file.read_text().splitlines(keepends=True)
    state.secrets_file.write_text("".join(x for x in lines if not x.startswith("PLACARD_KEY")))
    second = secrets.load_or_make(state.secrets_file)
    assert second["PLACARD_KEY"] != first["PLACARD_KEY"]
    assert {**second, "PLACARD_KEY": ""} == {**first, "PLACARD_KEY": ""}


def test_servers_of_ones_own_count(state: StateDir) -> None:
    given = {"DATABASE_URL": "postgresql://db/huiquan", "CLOCK_OFFSET_S": "99"}
    found = build(state, given, redis_url=REDIS)
    assert Settings.from_env(found.env).database_url == "postgresql+psycopg://db/huiquan"
    assert found.env["REDIS_URL"] == REDIS
    assert "CLOCK_OFFSET_S" not in found.env, "the stack's own clock it is"
    assert found.with_clock(-12.5).env["CLOCK_OFFSET_S"] == "-12.500"


def test_a_port_that_is_taken_is_passed_over(state: StateDir) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        assert free_port_from(taken) > taken
        found = build(state, {"HUIQUAN_PORT": str(taken)}, redis_url=REDIS)
    assert found.web_url != f"http://127.0.0.1:{taken}"
    assert free_port_from(taken) == taken


@pytest.mark.parametrize("port", ["0", "65536", "x", "-1", "８０００"])
def test_a_port_that_is_none_is_refused(state: StateDir, port: str) -> None:
    with pytest.raises(PortInvalid):
        build(state, {"HUIQUAN_PORT": port}, redis_url=REDIS)
