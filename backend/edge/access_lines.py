"""The access log of an event loop: the lines of one turn leave in one write.

They look as `backend/edge/http.py` writes them. The general renderer masks every field by name and
look; here each field is made by us, apart from a caller's request id, which is masked.
"""

import asyncio
import functools
import json
import sys
from datetime import UTC, datetime

from backend import logs


class AccessLines:
    """Collects lines and writes them when the loop's turn ends."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._at = ""  # when the turn's first line was written: the others follow within a moment

    def request(
        self, *, method: str, route: str, status: int, took_s: float, request_id: str
    ) -> None:
        """Say that a request was answered. `route` is the pattern, never the path."""
        self._add(
            f'{{"method": "{method}", "route": "{route}", "status": {status}, '
            f'"ms": {took_s * 1000:.1f}, "event": "request", ',
            request_id,
            "access",
        )

    def refused(self, *, code: str, why: str, request_id: str) -> None:
        """Say that a request was refused, and why. `why` is our own text."""
        self._add(
            f'{{"code": "{code}", "why": {_masked_json(why)}, "event": "refused", ',
            request_id,
            "backend.edge.errors",
        )

    def _add(self, fields: str, request_id: str, logger: str) -> None:
        if not self._lines:
            self._at = datetime.now(UTC).isoformat(timespec="microseconds")[:-6]
            asyncio.get_running_loop().call_soon(self.write)
        self._lines.append(
            f'{fields}"request_id": "{request_id}", "level": "info", "logger": "{logger}", '
            f'"timestamp": "{self._at}Z"}}\n'
        )

    def write(self) -> None:
        """Write what was collected."""
        lines, self._lines = self._lines, []
        sys.stderr.write("".join(lines))
        sys.stderr.flush()


@functools.lru_cache(maxsize=1024)
def _masked_json(why: str) -> str:
    """Return our own text for a line; in a sell-out it is the same thousands of times."""
    return json.dumps(logs.masked_text(why), ensure_ascii=False)
