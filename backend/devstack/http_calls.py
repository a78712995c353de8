"""HTTP as the journey speaks it: one request, one answer, nothing hidden in between."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

TIMEOUT_S = 15.0


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back. `body`: the JSON, None when the answer is none; `server_ms`: server time."""

    request: str
    status: int
    body: Any
    server_ms: int | None


class Caller:
    """Calls one server as one person; spoken directly, never through a proxy of the environment."""

    def __init__(self, base_url: str, *, token: str | None = None) -> None:
        parts = urlsplit(base_url)
        self._host, self._port = parts.hostname or "", parts.port
        self.token = token

    def get(self, path: str, **query: object) -> Answer:
        """GET, and read the answer."""
        return self._call("GET", f"{path}?{urlencode(query)}" if query else path, None)

    def post(self, path: str, **body: object) -> Answer:
        """POST a JSON object, and read the answer."""
        return self._call("POST", path, body)

    def _call(self, method: str, path: str, body: Mapping[str, object] | None) -> Answer:
        headers = {"Connection": "close"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection = http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT_S)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, body=text, headers=headers)
            response = connection.getresponse()
            server_ms = response.headers.get("X-Server-Time-Ms")
            return Answer(
                request=f"{method} {path.partition('?')[0]}",
                status=response.status,
                body=_json(response.read()),
                server_ms=int(server_ms) if server_ms else None,
            )
        finally:
            connection.close()


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
