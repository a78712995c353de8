"""Debian's nginx with deploy/nginx.conf: all it gives comes from the applications, no file does."""

import gzip
import http.client
import os
import re
import shutil
import signal
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from backend.devstack import unionpay_keys
from backend.devstack.children import end, spawn
from backend.devstack.paths import PROJECT_ROOT
from backend.devstack.processes import free_port
from backend.domain.staff import Role
from backend.edge.console import streams
from backend.edge.console.access import COOKIE
from tests.console import Console, sign_in
from tests.factories import MAY, City
from tests.integration.devstack.survivors import wait_until
from tests.integration.rails.town import served

CONFIG = PROJECT_ROOT / "deploy/nginx.conf"
EVIDENCE = b"a resident's invoice"
NAME = "0123456789abcdef"
OWN_FILE = f"/api/v1/resident/subsidies/{NAME}/files/{NAME}"
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@dataclass
class Front:
    """nginx that runs, and what it has handed to the application."""

    port: int
    plain_port: int
    handed_on: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    @contextmanager
    def open(self, path: str, **headers: str) -> Iterator[http.client.HTTPResponse]:
        """Ask with the path as it is, over TLS; what is answered may still be on its way."""
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.port, timeout=10, context=trusting
        )
        with closing(connection):
            connection.request("GET", path, headers={"Host": "xfq.example.gov.cn", **headers})
            with connection.getresponse() as answer:
                yield answer

    def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        """Ask with the path as it is, over TLS."""
        with self.open(path, **headers) as answer:
            return answer.status, answer.read()

    def get_plainly(self, path: str) -> tuple[int, bytes]:
        """Ask without TLS."""
        connection = http.client.HTTPConnection("127.0.0.1", self.plain_port)
        connection.request("GET", path, headers={"Host": "xfq.example.gov.cn"})
        answer = connection.getresponse()
        told = answer.status, answer.read()
        connection.close()
        return told


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """nginx on the deployed file; ports, certificate and log are the test's own."""
    folder = tmp_path_factory.mktemp("nginx")
    found = Front(free_port(), free_port())
    with application(found) as behind, running(folder, found, behind):
        found.handed_on.clear()
        yield found


@contextmanager
def running(folder: Path, front: Front, behind: int) -> Iterator[None]:
    """Run nginx in front of a port."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program, "apt-get install nginx"
    configure(folder, front, behind)
    for place in (folder, folder / "html", folder / "html/files"):
        place.mkdir(exist_ok=True)
        (place / NAME).write_bytes(EVIDENCE)
    words = [program, "-p", str(folder), "-c", "nginx.conf", "-e", "error.log"]
    tried = subprocess.run([*words, "-t"], capture_output=True, text=True, check=False)
    assert tried.returncode == 0, tried.stderr
    process = spawn(words, log_file=folder / "out.log")
    try:
        wait_until(lambda: _answers(front), within_s=20)
        yield
    finally:
        end(process, signal.SIGTERM, within_s=10)


def _answers(front: Front) -> bool:
    try:
        return front.get("/healthz")[0] in (200, 404)
    except OSError:
        return False


@contextmanager
def application(front: Front) -> Iterator[int]:
    """Serve an application that knows no path, and notes what it is asked; yield its port."""

    class Stub(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            front.handed_on.append((self.path, dict(self.headers)))
            self.send_response(404)
            self.send_header("Content-Length", "3")
            self.end_headers()
            self.wfile.write(b"app")

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Stub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def configure(folder: Path, front: Front, behind: int) -> None:
    """Write the deployed file as an nginx without root's rights can run it here."""
    key = unionpay_keys.new_key()
    certificate = unionpay_keys.certify("xfq.example.gov.cn", key, issuer=None, issuer_key=key)
    (folder / "key.pem").write_bytes(unionpay_keys.private_pem(key))
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    text = re.sub(r"listen \[::\].*;", "", CONFIG.read_text())
    for found, here in (
        ("listen 80;", f"listen 127.0.0.1:{front.plain_port};"),
        ("listen 443 ", f"listen 127.0.0.1:{front.port} "),
        ("/etc/ssl/huiquan/fullchain.pem", str(folder / "cert.pem")),
        ("/etc/ssl/huiquan/privkey.pem", str(folder / "key.pem")),
        ("/var/log/nginx/huiquan.error.log", str(folder / "huiquan.log")),
    ):
        assert text.count(found) == 1, found
        text = text.replace(found, here)
    text = re.sub(r"server 127\.0\.0\.1:\d+;", f"server 127.0.0.1:{behind};", text)
    paths = "\n".join(f"{name}_temp_path {folder}/{name};" for name in TEMPORARY)
    head = f"daemon off;\nmaster_process off;\npid {folder}/pid;\nevents {{}}\n"
    (folder / "nginx.conf").write_text(f"{head}http {{\n{paths}\naccess_log off;\n{text}\n}}\n")


@pytest.mark.parametrize(
    "path",
    [
        f"/{NAME}",
        f"/files/{NAME}",
        f"/html/files/{NAME}",
        f"/../{NAME}",
        f"/console/../../{NAME}",
        f"/bank/v1/files/../../../{NAME}",
        f"/bank/v1/files/..%2f..%2f{NAME}",
        f"/%2e%2e/{NAME}",
        f"/files//{NAME}",
        f"{OWN_FILE}/../../../../../../../{NAME}",
        OWN_FILE,
    ],
)
def test_evidence_is_not_reachable_by_any_path_though_it_lay_in_nginxs_own_root(
    front: Front, path: str
) -> None:
    status, body = front.get(path)
    assert EVIDENCE not in body
    assert (status, body) == (404, b"app") or status == 400  # the application's, or no request
    assert EVIDENCE not in front.get_plainly(path)[1]


def test_who_asks_for_evidence_is_told_to_the_application_by_nginx_alone(front: Front) -> None:
    front.handed_on.clear()
    front.get(OWN_FILE, **{"X-Forwarded-For": "203.0.113.9", "Authorization": "Bearer resident.x"})
    ((path, headers),) = front.handed_on
    assert (path, headers["X-Forwarded-For"]) == (OWN_FILE, "127.0.0.1")
    assert headers["Authorization"] == "Bearer resident.x"


def test_figures_stay_behind_nginx_and_plain_http_is_sent_on(front: Front) -> None:
    front.handed_on.clear()
    assert front.get("/metrics")[0] == 404
    assert front.get_plainly(OWN_FILE)[0] == 301
    assert front.handed_on == []


@pytest.fixture
def console_front(console: Console, tmp_path: Path) -> Iterator[Front]:
    """nginx in front of the console."""
    found = Front(free_port(), free_port())
    with served(console.app) as url, running(tmp_path, found, int(url.rpartition(":")[2])):
        yield found


@pytest.mark.parametrize("database", ["sqlite"])
def test_the_console_comes_through_nginx_with_its_files_kept_for_a_year(
    city: City, console_front: Front
) -> None:
    with console_front.open("/console/sign-in") as page:
        assert page.status == 200
        assert "script-src 'self'" in page.headers["Content-Security-Policy"]
        assert page.headers["Strict-Transport-Security"] == "max-age=31536000"
        assert all("Secure" in cookie for cookie in page.headers.get_all("Set-Cookie", []))
        style = re.search(r"/console/static/[^\"]+/console\.css", page.read().decode())
    assert style
    with console_front.open(style[0], **{"Accept-Encoding": "gzip"}) as answer:
        assert (answer.status, answer.headers["Content-Encoding"]) == (200, "gzip")
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert b":focus-visible" in gzip.decompress(answer.read())


@pytest.mark.parametrize("database", ["sqlite"])
def test_live_figures_pass_nginx_one_by_one(
    city: City, console: Console, console_front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "LASTS_S", 3)
    _, token = sign_in(Role.AUDITOR)
    cookie = {"Cookie": f"{COOKIE}={token}", "Accept-Encoding": "gzip"}
    came_s = []
    with console_front.open(f"/console/war-room/{MAY}/live?poll=1", **cookie) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        for line in stream:
            if line.startswith((b"retry:", b"data:")):
                came_s.append(time.monotonic())
    assert len(came_s) >= 3
    assert came_s[-1] - came_s[0] > 1  # nginx that keeps them back hands them over together


def test_nginx_gives_no_file_of_its_own() -> None:
    directives = re.findall(r"^\s*(\w+)", CONFIG.read_text(), re.MULTILINE)
    assert not {"root", "alias", "try_files", "autoindex", "index"} & set(directives)
    assert "proxy_pass" in directives
