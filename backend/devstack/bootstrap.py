"""Filling a new database so that a city is at work; on a filled one nothing changes.

    python -m backend.devstack.bootstrap RESULT

One process for all of it, because each `flask` command would load the application anew. RESULT is
a JSON file: {"placards": {merchant_id: link}}.
"""

import json
import os
import sys
from contextlib import suppress
from pathlib import Path

import flask_migrate
import yaml
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from backend import clock
from backend.devstack import bootstrap_facts as facts
from backend.devstack.bootstrap_facts import CLERKS
from backend.domain.campaign_approvals import CampaignAlreadySubmitted
from backend.domain.campaigns import MODES_WITH_QUOTA
from backend.domain.errors import HuiquanError
from backend.domain.partners import PartnerKeyTaken
from backend.domain.staff import ROLE_NAMES
from backend.extensions import db
from backend.factory import create_app
from backend.services import (
    campaign_approvals,
    campaigns,
    cards,
    clerks,
    health,
    merchant_lists,
    partners,
    placards,
    programmes,
    residents,
    staff_passwords,
)
from backend.services.cards import Notice
from backend.services.personal_data import vault
from backend.services.programmes import ProgrammeChanged
from backend.settings import Settings, SettingsError
from backend.storage.models.residents import WeChatUser
from backend.storage.models.staff import StaffAccount
from backend.storage.queries import merchants as queries
from backend.storage.sql import transaction

CITY, BANK = (Path(__file__).with_name(f"{name}-2023.yaml") for name in ("tongjiang", "bank"))
ACTOR = "devstack"


def fill(app: Flask) -> dict[str, str]:
    """Migrate, load the sample, let it run; return the placards' links by merchant."""
    with app.app_context():
        health.refuse_unsafe_valkey()
        flask_migrate.upgrade()
        programmes.load(programme(), actor=ACTOR)
        _run_campaigns()
        links = _publish()
        _add_clerks()
        _add_partner()
        _bind_card()
        _add_staff()
    return links


def programme() -> str:
    """Return the city's sample with what a partner bank adds to it."""
    city, bank = (yaml.safe_load(file.read_text(encoding="utf-8")) for file in (CITY, BANK))
    for section in ("funds", "campaigns"):
        city[section] += bank[section]
    city["programme"]["total"] += sum(fund["amount"] for fund in bank["funds"])
    text: str = yaml.safe_dump(city, allow_unicode=True, sort_keys=False)
    return text


def _run_campaigns() -> None:
    """Approve all; run those whose units are counted and that are not over."""
    for draft in campaigns.list_all(("draft",)):
        with suppress(CampaignAlreadySubmitted):
            campaign_approvals.submit(draft.id, actor=ACTOR)
        campaign_approvals.approve(draft.id, actor=f"{ACTOR}-second")
    now = clock.now()
    for approved in campaigns.list_all(("approved",)):
        if approved.mode in MODES_WITH_QUOTA and now < approved.ends_at:
            campaigns.run(approved.id, actor=ACTOR)


def _publish() -> dict[str, str]:
    """Publish the list if none is, and give every listed merchant its first placard."""
    if not merchant_lists.list_publications():
        merchant_lists.publish(actor=ACTOR)
    links = {}
    for merchant in merchant_lists.publication().merchants:
        newest = queries.newest_placard(db.session(), merchant.merchant_id)
        if newest is None:
            links[merchant.merchant_id] = placards.issue(merchant.merchant_id, actor=ACTOR).url
        elif newest.state == "active":
            links[merchant.merchant_id] = placards.current(merchant.merchant_id).url
    return links


def _add_clerks() -> None:
    for clerk in CLERKS:
        with suppress(clerks.ClerkExists):
            clerks.add_clerk(
                merchant_id=clerk.merchant_id, name=clerk.name, phone=clerk.phone, actor=ACTOR
            )


def _add_partner() -> None:
    """Enter a partner bank that calls from this machine."""
    partners.add(facts.PARTNER_ID, name=facts.PARTNER_NAME, actor=ACTOR)
    for network in facts.PARTNER_NETWORKS:
        partners.allow(facts.PARTNER_ID, network, actor=ACTOR)
    secret = facts.partner_secret(os.environ)
    with suppress(PartnerKeyTaken):  # it counts already, or somebody has retired it
        partners.new_key(facts.PARTNER_ID, facts.PARTNER_KEY_ID, actor=ACTOR, secret=secret)
        partners.confirm_key(facts.PARTNER_ID, facts.PARTNER_KEY_ID, actor=f"{ACTOR}-second")


def _bind_card() -> None:
    """Let the partner's sample card belong to whoever signs in with its phone."""
    with transaction() as session:
        user = session.scalar(select(WeChatUser).where(WeChatUser.openid == ACTOR))
        if user is None:
            user = WeChatUser(
                openid=ACTOR, session_key_encrypted=vault().encrypt(""), created_at=clock.now()
            )
            session.add(user)
            session.flush()
    resident_id = residents.bind_phone(wechat_user_id=user.id, phone=facts.CARD_PHONE)
    notice = Notice(
        partner_id=facts.PARTNER_ID,
        request_number="devstack-card-1",
        card_token=facts.CARD_TOKEN,
        last4=facts.CARD_LAST4,
    )
    cards.bind(resident_id, notice, actor=ACTOR)


def _add_staff() -> None:
    """Enter somebody for each role, past the first sign-in: no machine can hold a phone up."""
    password = staff_passwords.hashed(facts.staff_password(os.environ))
    totp = vault().encrypt(facts.staff_totp_secret(os.environ))
    with transaction() as session:
        known = set(session.scalars(select(StaffAccount.login_name)))
        for role, name in ROLE_NAMES.items():
            if facts.staff_of(role) not in known:
                session.add(
                    StaffAccount(
                        login_name=facts.staff_of(role),
                        display_name=f"示例·{name}",
                        office=name,
                        role=role,
                        password_hash=password,
                        totp_encrypted=totp,
                        totp_last_step=0,
                        added_by=ACTOR,
                        added_at=clock.now(),
                    )
                )


def main() -> int:
    """Fill the database that the environment names."""
    try:
        links = fill(create_app(Settings.from_env(os.environ)))
    except ProgrammeChanged as error:
        print(f"{error.message}。要用新的方案文件，请先 make reset 清空开发数据")
        return 1
    except HuiquanError as error:
        print(f"{error.code}: {error.message} ({error})")
        return 1
    except SettingsError as error:
        print(error)
        return 1
    except OperationalError as error:
        print(f"数据库连接不上或写不进去，请检查 DATABASE_URL：{error.orig}")
        return 1
    Path(sys.argv[1]).write_text(json.dumps({"placards": links}), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
