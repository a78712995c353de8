"""Parts for tests of the WeChat gateway: a server that says what it is told, a token store."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from backend.gateways.wechat import WeChat

VECTORS = Path(__file__).parent / "vectors"
APPID = "wx8888888888888888"
SECRET = "0123456789abcdef0123456789abcdef"


def load(name: str) -> dict[str, Any]:
    vectors: dict[str, Any] = json.loads((VECTORS / name).read_text(encoding="utf-8"))
    return vectors


class MemoryTokens:
    """A token store for one process; the one for many is tested against a real Valkey."""

    def __init__(self, token: str | None = None) -> None:
        self.token = token
        self.ttl_s: int | None = None
        self._lock = threading.Lock()

    def get(self, appid: str) -> str | None:
        return self.token

    def put(self, appid: str, token: str, *, ttl_s: int) -> None:
        self.token, self.ttl_s = token, ttl_s

    @contextmanager
    def lock(self, appid: str) -> Iterator[bool]:
        mine = self._lock.acquire(blocking=False)
        try:
            yield mine
        finally:
            if mine:
                self._lock.release()


@dataclass
class Canned:
    """One answer of the server."""

    body: bytes
    status: int = 200
    content_type: str = "application/json; encoding=utf-8"
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of_vector(cls, vector: dict[str, Any]) -> "Canned":
        answer = vector["response"]
        body = json.dumps(answer["body"], ensure_ascii=False).encode()
        return cls(body, answer["status"], answer.get("content_type", "application/json"))


@dataclass
class Said:
    """One request that the server got."""

    method: str
    path: str
    query: dict[str, str]
    body: Any


class CannedServer:
    """Answers each path from its own list; the last answer is repeated."""

    def __init__(self, answers: dict[str, list[Canned]]) -> None:
        self.said: list[Said] = []
        self._answers = {path: list(given) for path, given in answers.items()}
        said, find = self.said, self._find

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                said.append(Said(self.command, parts.path, query, json.loads(raw or b"null")))
                answer = find(parts.path)
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.content_type)
                if "Content-Length" not in answer.headers:
                    self.send_header("Content-Length", str(len(answer.body)))
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)

            do_POST = do_GET

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base_url = f"http://127.0.0.1:{self._server.server_port}"

    def _find(self, path: str) -> Canned:
        given = self._answers.get(path, [Canned(b"", 404)])
        return given.pop(0) if len(given) > 1 else given[0]

    def __enter__(self) -> "CannedServer":
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def gateway_to(
    answers: dict[str, list[Canned]], *, tokens: MemoryTokens | None = None
) -> Iterator[tuple[WeChat, CannedServer]]:
    """A gateway and the server that it talks to."""
    with CannedServer(answers) as server:
        wechat = WeChat(
            appid=APPID,
            secret=SECRET,
            base_url=server.base_url,
            tokens=tokens or MemoryTokens("STABLE_TOKEN_1"),
            timeout_s=(1.0, 1.0),
        )
        try:
            yield wechat, server
        finally:
            wechat.close()
