"""A city that pays: residents with vouchers or cards, a shop's clerk, and WeChat Pay's stand-in."""

import asyncio
import random
import signal
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import requests
from sqlalchemy import bindparam, func, select, text

from backend import clock
from backend.devstack.children import end, spawn
from backend.devstack.paths import PROJECT_ROOT, StateDir
from backend.devstack.processes import free_port
from backend.devstack.wechat_pay import load_or_make
from backend.domain import tokens
from backend.extensions import db
from backend.services import clerks, merchant_lists, placards
from backend.storage.models.merchants import Merchant
from backend.storage.models.orders import Order, Payment, Redemption
from backend.storage.sql import ChinaTime, transaction
from tests.load.callers import Answer, Connection, Cut, Rush
from tests.load.stack import Stack, Web

ORDERS = "/api/v1/resident/orders"
CHARGES = "/api/v1/merchant/orders"
AGAIN_S = 0.05
TOP_FEN = 32_000  # every tier of 五一乐购券 applies to it
READY_WITHIN_S = 20.0
OPENIDS = text("""
    INSERT INTO wechat_users (id, openid, session_key_encrypted, resident_id, created_at)
    SELECT id, 'o' || id, :key, id, :at FROM residents
""").bindparams(bindparam("at", type_=ChinaTime))


@dataclass(frozen=True)
class Shop:
    """Where is paid: the placard's code, and its clerk's token."""

    merchant_id: str
    placard: str
    clerk_token: str


def open_shop(stack: Stack, merchant_id: str) -> Shop:
    """Issue a placard and add a clerk."""
    url = placards.issue(merchant_id, actor="load").url
    phone = f"139{random.randrange(10**8):08d}"
    clerk = clerks.add_clerk(merchant_id=merchant_id, name="王店员", phone=phone, actor="load")
    claims = tokens.Claims(
        role="clerk",
        sign_in_id=1,
        wechat_user_id=10**9,
        subject_id=clerk.id,
        expires_s=int(clock.now().timestamp()) + 86_400,
    )
    return Shop(
        merchant_id, url.rsplit("/", 1)[1], tokens.issue(claims, key=stack.settings.token_key)
    )


def open_trade() -> None:
    """Publish the list of merchants, and make every resident a WeChat user of the same number."""
    merchant_lists.publish(actor="load")
    with transaction() as session:
        session.execute(OPENIDS, {"key": b"-", "at": clock.now()})


def collected_by(merchant_id: str, provider: str) -> None:
    """Have a provider collect at a shop; this process has none, so its row is written."""
    with transaction() as session:
        session.get_one(Merchant, merchant_id).payment_provider = provider


class PayStandin:
    """WeChat Pay's stand-in as a process, with the settings that lead a city to it."""

    def __init__(self, url: str, env: dict[str, str]) -> None:
        self.url = url
        self.env = env

    def control(self, name: str, **body: object) -> Any:
        """Ask a control route."""
        answer = requests.post(f"{self.url}/_standin/{name}", json=body, timeout=300)
        answer.raise_for_status()
        return answer.json()

    def orders(self) -> dict[str, dict[str, Any]]:
        """Return its own table of orders by our numbers."""
        found = requests.get(f"{self.url}/_standin/orders", timeout=60).json()
        return {order["out_trade_no"]: order for order in found}


@contextmanager
def pay_standin(stack: Stack, *, base_url: str | None = None) -> Iterator[PayStandin]:
    """Run WeChat Pay's stand-in; `base_url` is where the city finds it, if not at its own port."""
    port, state = free_port(), StateDir(stack.folder / "wechat-pay")
    state.root.mkdir()
    url = f"http://127.0.0.1:{port}"
    appid = stack.settings.wechat_appid
    env = load_or_make(state, appid=appid, base_url=base_url or url)
    command = [sys.executable, "-m", "backend.gateways.standins.wechat_pay_api", f"--port={port}"]
    command += [f"--keys={state.wechat_pay_keys_file}", f"--clock-offset-s={stack.offset_s}"]
    log_file = stack.folder / "pay-standin.log"
    process = spawn(command, log_file=log_file, env=stack.env(), cwd=PROJECT_ROOT)
    try:
        _await_listener(port)
        yield PayStandin(url, env)
    finally:
        end(process, signal.SIGTERM, within_s=10)


def _await_listener(port: int) -> None:
    deadline_s = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline_s:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nobody listens on {port}")


@dataclass(frozen=True, kw_only=True)
class Habits:
    """How people pay: without a stand-in the clerk collects, with one they pay there.

    `share` is the part of those who pay there at all, `told` the part of payments that the
    provider tells us of, `pause_s` how long a connection waits for its next person.
    """

    amount_fen: int = TOP_FEN
    standin: PayStandin | None = None
    share: float = 1.0
    told: float = 1.0
    pause_s: float = 0.0


@dataclass
class Paid:
    """What payers were told: numbers of orders that were acknowledged, and refusals by code."""

    ordered: dict[str, int] = field(default_factory=dict)
    confirmed: set[str] = field(default_factory=set)
    paid: set[str] = field(default_factory=set)  # at the provider
    refused: Counter[str] = field(default_factory=Counter)
    cut: Counter[str] = field(default_factory=Counter)
    over: int = 0  # people who are through


class Payers:
    """People who order at a shop's placard and pay, in a thread of their own.

    Each goes on under one request number until there is a yes or a no.
    """

    def __init__(
        self,
        web: Web,
        stack: Stack,
        shop: Shop,
        people: Iterable[int],
        *,
        connections: int = 16,
        habits: Habits = Habits(),
    ) -> None:
        self._web, self._stack, self._shop = web, stack, shop
        self._people, self._connections, self._habits = iter(people), connections, habits
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._failed: BaseException | None = None
        self._stopping = self._closing = False
        self._asking = 0
        self.held = threading.Event()  # set: nobody begins a request
        self.told = Paid()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._stopping = self._closing = True
        self.held.clear()
        self.join()

    def stop(self) -> None:
        """Let nobody new come; who is at it has his answer."""
        self._closing = True

    def join(self) -> None:
        """Wait until everybody is through."""
        self._thread.join()
        if self._failed is not None:
            raise self._failed

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        """Hold everybody back, wait for what is under way, and go on after the block."""
        self.held.set()
        while self._asking:
            time.sleep(0.01)
        try:
            yield
        finally:
            self.held.clear()

    async def _run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._connections):
                    group.create_task(self._pay_in_turn())
        except BaseException as error:  # raised again where they are joined
            self._failed = error

    async def _pay_in_turn(self) -> None:
        ours = Connection(self._web.url)
        standin = self._habits.standin
        theirs = Connection(standin.url) if standin else None
        for person in self._people:
            if self._closing:
                return
            order = await self._order(ours, person)
            if order is not None and theirs is None:
                await self._confirm(ours, order)
            elif order is not None and theirs is not None:
                await self._pay(theirs, order)
            self.told.over += 1
            await asyncio.sleep(self._habits.pause_s)

    async def _order(self, ours: Connection, person: int) -> str | None:
        body = {"placard": self._shop.placard, "order_amount_fen": self._habits.amount_fen}
        body["request_id"] = f"payer-{self._shop.merchant_id}-{person:08d}"
        token = self._stack.token(person)
        answer = await self._patiently(ours, ORDERS, token=token, body=body)
        if answer is None or answer.status != 201:
            return None
        self.told.ordered[answer.json["order_id"]] = person
        return str(answer.json["order_id"])

    async def _confirm(self, ours: Connection, order_id: str) -> None:
        path = f"{CHARGES}/{order_id}/confirm"
        answer = await self._patiently(ours, path, token=self._shop.clerk_token)
        if answer is not None and answer.status == 200:
            self.told.confirmed.add(order_id)

    async def _pay(self, theirs: Connection, order_id: str) -> None:
        """The payer pays, if the provider has heard of the order at all."""
        if random.random() >= self._habits.share:
            return
        body = {"out_trade_no": order_id, "notify": random.random() < self._habits.told}
        answer = await theirs.ask("POST", "/_standin/pay", body=body)
        if answer.status == 200:
            self.told.paid.add(order_id)

    async def _patiently(
        self, ours: Connection, path: str, *, token: str, body: Any = None
    ) -> Answer | None:
        """Ask until there is an answer below 500; a no is counted by its code."""
        while not self._stopping:
            while self.held.is_set():
                await asyncio.sleep(0.01)
            self._asking += 1
            try:
                answer = await ours.ask("POST", path, token=token, body=body)
            except Cut as error:
                self.told.cut[str(error)] += 1
            except ConnectionError:
                self.told.cut["refused"] += 1
            else:
                if answer.code:
                    self.told.refused[answer.code] += 1
                if answer.status < 500:
                    return answer
            finally:
                self._asking -= 1
            await asyncio.sleep(AGAIN_S)
        return None


@dataclass(frozen=True)
class Ended:
    """An order as our own rows have it."""

    status: str
    payment: str
    payable_fen: int
    collected_fen: int | None
    redemptions: int


def ended() -> dict[str, Ended]:
    """Return every order by its number."""
    db.session.rollback()
    counted = (
        select(func.count()).where(Redemption.id == Order.id).correlate(Order).scalar_subquery()
    )
    found = db.session.execute(
        select(
            Order.id,
            Order.status,
            Payment.status,
            Order.payable_fen,
            Payment.collected_fen,
            counted,
        ).join(Payment, Payment.order_id == Order.id)
    )
    rows = {number: Ended(*figures) for number, *figures in found}
    db.session.rollback()
    return rows


def claimed_by_all(stack: Stack, web: Web, count: int, *, tier: int) -> None:
    """Let residents 1 to `count` claim one voucher each, and write them all."""

    with Rush(web.url, stack.token, range(1, count + 1), tier=tier) as rush:
        rush.await_told(count, within_s=120)
    stack.drain()
