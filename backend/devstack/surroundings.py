"""What every process of a development stack finds in its environment, and where it listens."""

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from backend.devstack import secrets, unionpay_keys, wechat_pay
from backend.devstack.paths import PROJECT_ROOT, StateDir
from backend.domain.errors import HuiquanError

WEB_PORT = 8000
PORTS_TRIED = 100
UNIONPAY_MERCHANT_NUMBER = "777230800000001"  # made up


class PortInvalid(HuiquanError):
    code = "dev_port_invalid"
    message = "HUIQUAN_PORT 须为 1 到 65535 的端口号，且其后 100 个端口不能全被占用"


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """The whole environment of each process, and the addresses within it."""

    env: Mapping[str, str]
    web_url: str
    standin_url: str
    pay_standin_url: str  # of WeChat Pay
    unionpay_url: str
    console_url: str

    def with_clock(self, offset_s: float, *, reload: bool = False) -> "Surroundings":
        """Return the same, with the development clock's offset; `reload`: follow the code."""
        env = {**self.env, "CLOCK_OFFSET_S": f"{offset_s:.3f}", "HUIQUAN_RELOAD": str(int(reload))}
        return replace(self, env=env)


def build(state: StateDir, given: Mapping[str, str], *, redis_url: str) -> Surroundings:
    """Return the surroundings of a stack on this state directory.

    :param given: the caller's environment; what it sets of DATABASE_URL and the secrets counts
    :param redis_url: the caller's REDIS_URL, or the private server's
    """
    web_port = free_port_from(_wanted_port(given))
    standin_port = free_port_from(web_port + 1)
    pay_standin_port = free_port_from(standin_port + 1)
    unionpay_port = free_port_from(pay_standin_port + 1)
    console_port = free_port_from(unionpay_port + 1)
    own = {
        **secrets.load_or_make(state.secrets_file),
        "DATABASE_URL": f"sqlite:///{state.database_file}",
    }
    chosen = {name: given.get(name) or text for name, text in own.items()}
    web_url = f"http://127.0.0.1:{web_port}"
    standin_url = f"http://127.0.0.1:{standin_port}"
    pay_standin_url = f"http://127.0.0.1:{pay_standin_port}"
    unionpay_url = f"http://127.0.0.1:{unionpay_port}"
    env = {
        **given,
        **chosen,
        **wechat_pay.load_or_make(state, appid=chosen["WECHAT_APPID"], base_url=pay_standin_url),
        "HUIQUAN_ENV": "development",
        "REDIS_URL": redis_url,
        "PUBLIC_BASE_URL": web_url,
        "WECHAT_BASE_URL": standin_url,
        **_unionpay_env(unionpay_keys.load_or_make(state.unionpay_dir), unionpay_url),
        "HUIQUAN_BIND": f"127.0.0.1:{web_port}",
        "PROMETHEUS_MULTIPROC_DIR": str(state.root / "metrics"),
        "FILES_DIR": str(state.root / "files"),
        "FLASK_APP": "wsgi",
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": str(PROJECT_ROOT),
    }
    env.pop("CLOCK_OFFSET_S", None)
    return Surroundings(
        env=env,
        web_url=web_url,
        standin_url=standin_url,
        pay_standin_url=pay_standin_url,
        unionpay_url=unionpay_url,
        console_url=f"http://127.0.0.1:{console_port}",
    )


def _unionpay_env(keys: Path, url: str) -> dict[str, str]:
    return {
        "UNIONPAY_MERCHANT_NUMBER": UNIONPAY_MERCHANT_NUMBER,
        "UNIONPAY_PRIVATE_KEY": str(keys / "merchant.key"),
        "UNIONPAY_CERT": str(keys / "merchant.pem"),
        "UNIONPAY_ROOT_CERT": str(keys / "root.pem"),
        "UNIONPAY_MIDDLE_CERT": str(keys / "middle.pem"),
        "UNIONPAY_BASE_URL": url,
        "UNIONPAY_FILE_URL": url,
    }


def free_port_from(first: int) -> int:
    """Return the first port of 127.0.0.1, from `first` on, that nobody listens on."""
    for port in range(first, min(first + PORTS_TRIED, 65_536)):
        with socket.socket() as probe:
            # As the server will: a port whose last connections are only timing out is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise PortInvalid(f"no free port from {first} on")


def keep(file: Path, found: Surroundings) -> None:
    """Keep the environment for `python -m backend.devstack flask …`; it holds secrets."""
    ours = {name: text for name, text in found.env.items() if name in KEPT}
    secrets.write_private(file, json.dumps(ours, indent=1))


def kept(file: Path) -> dict[str, str]:
    """Return the environment kept last; empty when there is none."""
    try:
        found: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return found


KEPT = (
    *secrets.KEYS,
    "WECHAT_APPID",
    "WECHAT_SECRET",
    "DATABASE_URL",
    "HUIQUAN_ENV",
    "REDIS_URL",
    "PUBLIC_BASE_URL",
    "WECHAT_BASE_URL",
    *wechat_pay.VARIABLES,
    "UNIONPAY_MERCHANT_NUMBER",
    "UNIONPAY_PRIVATE_KEY",
    "UNIONPAY_CERT",
    "UNIONPAY_ROOT_CERT",
    "UNIONPAY_MIDDLE_CERT",
    "UNIONPAY_BASE_URL",
    "UNIONPAY_FILE_URL",
    "FILES_DIR",
    "FLASK_APP",
    "CLOCK_OFFSET_S",
)


def _wanted_port(given: Mapping[str, str]) -> int:
    text = given.get("HUIQUAN_PORT", "") or str(WEB_PORT)
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65_535):
        raise PortInvalid(f"HUIQUAN_PORT is {text[:20]!r}")
    return int(text)
