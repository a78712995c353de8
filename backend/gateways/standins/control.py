"""What every stand-in has besides its outside party's API: faults, a request log, a clock.

All of it is reached under `/_standin/`, on the stand-in's own port.
"""

import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal, get_args

from flask import Flask, Response, abort, jsonify, request

from backend import clock

PREFIX = "/_standin/"
MAX_LOGGED_REQUESTS = 5000

FaultMode = Literal["delay", "close", "502", "errcode", "bad_json"]


class StandinClock:
    """Real time, moved forward on request: lifetimes run on it."""

    def __init__(self) -> None:
        self._advanced_s = 0.0

    def advance(self, seconds: float) -> None:
        self._advanced_s += seconds

    def now_s(self) -> float:
        """Seconds of a steady clock; only differences mean something."""
        return time.monotonic() + self._advanced_s

    def unix_s(self) -> int:
        """Seconds since 1970 UTC, as the stand-in writes them into its answers."""
        return int(clock.now().timestamp() + self._advanced_s)


@dataclass
class Fault:
    """What goes wrong on a path. `value`: seconds of a delay, or the number of an errcode."""

    mode: FaultMode
    value: float
    times_left: int | None  # None: until cleared


@dataclass
class Control:
    """Faults, request log and clock of one stand-in; safe between threads.

    :ivar shown_fields: fields whose values may stand in the log; of all others only the name
    """

    shown_fields: frozenset[str]
    clock: StandinClock = field(default_factory=StandinClock)
    _faults: dict[str, Fault] = field(default_factory=dict)
    _requests: deque[dict[str, object]] = field(
        default_factory=lambda: deque(maxlen=MAX_LOGGED_REQUESTS)
    )
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def set_fault(self, path: str, fault: Fault) -> None:
        with self._lock:
            self._faults[path] = fault

    def clear_faults(self) -> None:
        with self._lock:
            self._faults.clear()

    def take_fault(self, path: str) -> Fault | None:
        """Return the fault that this request of a path meets, and count it."""
        with self._lock:
            fault = self._faults.get(path)
            if fault is not None and fault.times_left is not None:
                fault.times_left -= 1
                if fault.times_left <= 0:
                    del self._faults[path]
            return fault

    def record(self, method: str, path: str, fields: Iterable[tuple[str, object]]) -> None:
        given = sorted(fields, key=lambda item: item[0])
        entry: dict[str, object] = {
            "method": method,
            "path": path,
            "fields": [name for name, _ in given],
            "values": {name: value for name, value in given if name in self.shown_fields},
        }
        with self._lock:
            self._requests.append(entry)

    def requests(self) -> list[dict[str, object]]:
        with self._lock:
            return list(self._requests)

    def forget_requests(self) -> None:
        with self._lock:
            self._requests.clear()


def install(app: Flask, control: Control, *, errcode_body: Callable[[int], object]) -> None:
    """Put the log and the faults before every request of the app, and add the control routes.

    :param errcode_body: how this outside party words an error of a given number: an object for
        JSON, or the whole answer
    """

    @app.before_request
    def record_and_fail() -> Response | None:
        if request.path.startswith(PREFIX):
            return None
        body = request.get_json(force=True, silent=True)
        named = body if isinstance(body, dict) else request.form
        fields = [*request.args.items(), *named.items()]
        control.record(request.method, request.path, fields)
        fault = control.take_fault(request.path)
        return None if fault is None else _fail(fault, errcode_body)

    _add_fault_routes(app, control)
    _add_other_routes(app, control)


def _add_fault_routes(app: Flask, control: Control) -> None:
    @app.post(f"{PREFIX}faults")
    def set_fault() -> Response:
        asked = body_object()
        if asked.get("mode") not in get_args(FaultMode) or not isinstance(asked.get("path"), str):
            abort(400, f"wants a path and a mode of {', '.join(get_args(FaultMode))}")
        times = asked.get("times")
        fault = Fault(asked["mode"], float(asked.get("value") or 0), times and int(times))
        control.set_fault(asked["path"], fault)
        return jsonify({})

    @app.delete(f"{PREFIX}faults")
    def clear_faults() -> Response:
        control.clear_faults()
        return jsonify({})


def _add_other_routes(app: Flask, control: Control) -> None:
    @app.get(f"{PREFIX}requests")
    def list_requests() -> Response:
        return jsonify(control.requests())

    @app.delete(f"{PREFIX}requests")
    def forget_requests() -> Response:
        control.forget_requests()
        return jsonify({})

    @app.post(f"{PREFIX}clock")
    def advance_clock() -> Response:
        control.clock.advance(float(body_object().get("advance_s", 0)))
        return jsonify({"unix_s": control.clock.unix_s()})

    @app.get(f"{PREFIX}health")
    def health() -> Response:
        return jsonify({"ok": True})


def body_object() -> dict:
    """Return the JSON object of a control request, or answer 400."""
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        abort(400, "wants a JSON object")
    return body


def _fail(fault: Fault, errcode_body: Callable[[int], object]) -> Response | None:
    """Answer as the fault says; None goes on to the normal answer."""
    match fault.mode:
        case "delay":
            time.sleep(fault.value)
            return None
        case "close":
            request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            return Response()  # goes nowhere
        case "502":
            return Response("<html><h1>502 Bad Gateway</h1></html>", 502, mimetype="text/html")
        case "errcode":
            body = errcode_body(int(fault.value))
            return body if isinstance(body, Response) else jsonify(body)
        case "bad_json":
            return Response('{"errcode": 0, "errm', mimetype="application/json")
