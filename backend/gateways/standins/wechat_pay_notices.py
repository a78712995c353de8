"""How the stand-in sends notifications: until a 2xx, and on request twice, mixed up or forged."""

import json
import random
import secrets
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal

import requests

from backend.gateways.standins.control import StandinClock
from backend.gateways.standins.wechat_pay_keys import Keys, make_key

# WeChat Pay's own: 15 s, 15 s, 30 s, 3 min … 6 h. Nobody at a screen waits that long.
RETRY_AFTER_S = (0.2, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
ANSWER_WITHIN_S = 5.0
MAX_AT_ONCE = 20
MAX_KEPT = 10_000

Forgery = Literal["body", "signature", "serial", "probe", "stale", "unsigned", "key", "merchant"]


@dataclass(frozen=True)
class Event:
    """One thing that happened, told under one id however often."""

    event_id: str
    kind: str
    url: str
    created_at: str
    resource: dict[str, object]


@dataclass
class Notices:
    """What was told and what it was answered. Safe between threads."""

    keys: Keys
    clock: StandinClock
    events: list[Event] = field(default_factory=list)
    deliveries: deque[dict[str, object]] = field(default_factory=lambda: deque(maxlen=MAX_KEPT))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def happened(self, event: Event, *, delay_s: float = 0.0) -> None:
        """Tell it in the background, again and again until somebody takes it."""
        with self._lock:
            self.events.append(event)
        threading.Thread(target=self._until_taken, args=(event, delay_s), daemon=True).start()

    def kept(self, event: Event) -> None:
        """Remember it and tell nobody: a notification that never comes."""
        with self._lock:
            self.events.append(event)

    def send_all(
        self, *, copies: int, shuffle: bool, forgery: Forgery | None, of: str | None
    ) -> list[int | None]:
        """Send all events so far, each so many times, together; return the answers' statuses.

        :param of: our number of one order, of whose events alone
        """
        with self._lock:
            chosen = [e for e in self.events if of in (None, e.resource.get("out_trade_no"))]
        batch = [event for event in chosen for _ in range(copies)]
        if shuffle:
            random.shuffle(batch)
        with ThreadPoolExecutor(MAX_AT_ONCE) as pool:
            return list(pool.map(lambda event: self._send(event, forgery), batch))

    def list_deliveries(self) -> Sequence[dict[str, object]]:
        with self._lock:
            return list(self.deliveries)

    def _until_taken(self, event: Event, delay_s: float) -> None:
        for wait_s in (delay_s, *RETRY_AFTER_S):
            time.sleep(wait_s)
            status = self._send(event)
            if status is not None and 200 <= status < 300:
                return

    def _send(self, event: Event, forgery: Forgery | None = None) -> int | None:
        """Send it once; None when no answer came in 5 s."""
        body, headers = self._wire(event, forgery)
        try:
            answer = requests.post(event.url, data=body, headers=headers, timeout=ANSWER_WITHIN_S)
            status = answer.status_code
        except requests.RequestException:
            status = None
        told: dict[str, object] = {"event_id": event.event_id, "kind": event.kind}
        told |= {"out_trade_no": event.resource.get("out_trade_no"), "forgery": forgery}
        with self._lock:
            self.deliveries.append(told | {"status": status})
        return status

    def _wire(self, event: Event, forgery: Forgery | None) -> tuple[bytes, dict[str, str]]:
        resource = dict(event.resource)
        if forgery == "merchant":
            resource["mchid"] = "1999999999"
        body = json.dumps(
            {
                "id": event.event_id,
                "create_time": event.created_at,
                "resource_type": "encrypt-resource",
                "event_type": event.kind,
                "summary": "通知",
                "resource": self.keys.sealed(
                    resource,
                    kind="refund" if event.kind.startswith("REFUND") else "transaction",
                    api_v3_key=secrets.token_hex(16) if forgery == "key" else None,
                ),
            },
            ensure_ascii=False,
        ).encode()
        now_s = self.clock.unix_s() - (600 if forgery == "stale" else 0)
        stranger = make_key() if forgery == "signature" else None
        headers = self.keys.signed(body, now_s=now_s, key=stranger)
        match forgery:
            case "body":
                body = body.replace("通知".encode(), "假的".encode())
            case "serial":
                headers["Wechatpay-Serial"] = secrets.token_hex(20).upper()
            case "probe":
                probe = "WECHATPAY/SIGNTEST/" + headers["Wechatpay-Signature"]
                headers["Wechatpay-Signature"] = probe
            case "unsigned":
                headers = {}
        return body, {"Content-Type": "application/json", **headers}
