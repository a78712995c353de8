"""Builders of what tests need: a city at work, its residents, clerks and vouchers."""

import itertools
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy import inspect, select

from backend import clock
from backend.domain import tokens
from backend.domain.campaign_approvals import CampaignAlreadySubmitted
from backend.extensions import db, redis_handle
from backend.services import (
    campaign_approvals,
    campaigns,
    cards,
    claims,
    clerks,
    merchant_lists,
    placards,
    programmes,
    residents,
)
from backend.services.claims import ClaimedVoucher
from backend.services.personal_data import vault
from backend.settings import Settings
from backend.storage.models.merchants import Clerk
from backend.storage.models.residents import SignIn, WeChatUser
from backend.storage.redis import keys, quota, rebuild
from backend.storage.redis.held import HeldClaim
from backend.storage.sql import transaction
from backend.workers import claim_writer

SAMPLE = Path(__file__).parents[1] / "backend/devstack/tongjiang-2023.yaml"
MAY = "Q2-MAY"
SUPERMARKET = "TJ0003"
RESTAURANT = "TJ0006"
_numbers = itertools.count(1)


class MovableClock(clock.Clock):
    """A clock that stands still until a test moves it; it may even be set back."""

    def __init__(self, at: datetime) -> None:
        super().__init__()
        self._at = at
        self._floor_s = 0.0

    def now_s(self) -> float:
        """Return the time it was set to, never below the floor."""
        return max(self._at.timestamp(), self._floor_s)

    @property
    def follows_wall_time(self) -> bool:
        """No: Valkey's clock knows nothing of it."""
        return False

    def raise_floor(self, at: datetime) -> None:
        """Keep a floor, as the real clock does."""
        self._floor_s = max(self._floor_s, at.timestamp())

    def move(self, **by: float) -> None:
        """Move by hours, minutes, seconds …"""
        self._at += timedelta(**by)

    def set(self, at: datetime) -> None:
        """Set to a time, also an earlier one."""
        self._at = at


@dataclass
class Person:
    """A signed-in resident or clerk."""

    id: int
    phone: str
    wechat_user_id: int
    headers: dict[str, str]


@dataclass
class City:
    """An application with a programme at work."""

    app: APIFlask
    settings: Settings
    client: FlaskClient
    placard: dict[str, str] = field(default_factory=dict)

    @classmethod
    def opened(cls, app: APIFlask, *, loaded: bool = False) -> "City":
        """Load the sample unless it is, publish the list, run 五一乐购券, issue two placards."""
        if not loaded:
            programmes.load(SAMPLE.read_text(), actor="test")
        merchant_lists.publish(actor="test")
        approve(MAY, actor="test")
        campaigns.run(MAY, actor="test")
        made = cls(app=app, settings=app.extensions["settings"], client=app.test_client())
        for merchant_id in (SUPERMARKET, RESTAURANT):
            made.placard[merchant_id] = placards.issue(merchant_id, actor="test").url
        return made

    def resident(self, phone: str | None = None, *, bound: bool = True) -> Person:
        """Return a new resident with a token; without a phone when not `bound`."""
        phone = phone or f"138{next(_numbers):08d}"
        user = wechat_user()
        resident_id = residents.bind_phone(wechat_user_id=user.id, phone=phone) if bound else 0
        sign_in = self._sign_in(user.id, None)
        return Person(
            resident_id, phone, user.id, self._headers("resident", sign_in, user.id, resident_id)
        )

    def clerk(self, merchant_id: str = SUPERMARKET, phone: str | None = None) -> Person:
        """Return a new clerk of a shop with a token."""
        phone = phone or f"139{next(_numbers):08d}"
        clerk = clerks.add_clerk(merchant_id=merchant_id, name="王店员", phone=phone, actor="test")
        user = wechat_user()
        with transaction() as session:
            session.get_one(Clerk, clerk.id).wechat_user_id = user.id
        sign_in = self._sign_in(user.id, clerk.id)
        return Person(clerk.id, phone, user.id, self._headers("clerk", sign_in, user.id, clerk.id))

    def bind_card(self, person: Person) -> str:
        """Bind a new card to a resident; return its token."""
        token = f"card-token-{next(_numbers)}"
        notice = cards.Notice(
            partner_id="bank", request_number=new_request(), card_token=token, last4="0018"
        )
        cards.bind(person.id, notice, actor="test")
        return token

    def claim(self, person: Person, tier: int = 1, campaign_id: str = MAY) -> ClaimedVoucher:
        """Claim a voucher of a tier for a resident."""
        return claims.claim_voucher(
            campaign_id=campaign_id,
            tier_position=tier,
            resident_id=person.id,
            request_id=new_request(),
        )

    def get(self, path: str, person: Person | None = None, **query: Any) -> Any:
        """GET as a person; return the response."""
        headers = person.headers if person else {}
        return self.client.get(path, headers=headers, query_string=query)

    def post(self, path: str, person: Person | None = None, **body: Any) -> Any:
        """POST a JSON body as a person; return the response."""
        return self.client.post(path, headers=person.headers if person else {}, json=body)

    def _sign_in(self, wechat_user_id: int, clerk_id: int | None) -> int:
        with transaction() as session:
            row = SignIn(
                role="resident" if clerk_id is None else "clerk",
                wechat_user_id=wechat_user_id,
                clerk_id=clerk_id,
                refresh_hash=f"unused-{next(_numbers)}",
                created_at=clock.now(),
                expires_at=clock.now() + timedelta(days=1),
            )
            session.add(row)
        return row.id

    def _headers(
        self, role: tokens.Role, sign_in_id: int, user_id: int, subject_id: int
    ) -> dict[str, str]:
        claims_ = tokens.Claims(
            role=role,
            sign_in_id=sign_in_id,
            wechat_user_id=user_id,
            subject_id=subject_id,
            expires_s=int(clock.now().timestamp()) + 30 * 24 * 3600,
        )
        return {"Authorization": f"Bearer {tokens.issue(claims_, key=self.settings.token_key)}"}


def wechat_user() -> WeChatUser:
    """Return a WeChat user who has signed in once."""
    with transaction() as session:
        user = WeChatUser(
            openid=f"o{next(_numbers):027d}",
            session_key_encrypted=vault().encrypt("c2Vzc2lvbi1rZXk="),
            created_at=clock.now(),
        )
        session.add(user)
    return user


def new_request() -> str:
    """Return a fresh request number."""
    return f"request-{next(_numbers):08d}"


def approve(campaign_id: str, *, actor: str = "test") -> None:
    """Approve a campaign as the second person; the first has sent it, or sends it now."""
    with suppress(CampaignAlreadySubmitted):
        campaign_approvals.submit(campaign_id, actor="first person")
    campaign_approvals.approve(campaign_id, actor=actor)


def held_claims(resident_id: int, campaign_id: str = MAY) -> list[HeldClaim]:
    """Return what Valkey says a resident holds of a campaign."""
    campaign = campaigns.SNAPSHOTS.read(campaign_id)
    db.session.rollback()
    return quota.held_by(redis_handle.client, [campaign], resident_id)[campaign_id]


def forget_held(campaign_id: str = MAY) -> None:
    """Remove all held claims of a campaign from Valkey, as no part of the system ever does."""
    client = redis_handle.client
    for bucket in rebuild.buckets(client, campaign_id):
        client.delete(keys.held(campaign_id, bucket))
    client.delete(keys.buckets(campaign_id))


def drain() -> int:
    """Let the writer write all that waits; return how many entries it settled."""
    total = 0
    while settled := claim_writer.drain_once("test-writer", reclaim=False):
        total += settled
    return total


def rows(model: type) -> list[Any]:
    """Return all rows of a table, by their keys: no database promises another order."""
    db.session.rollback()
    return list(db.session.scalars(select(model).order_by(*inspect(model).primary_key)))
