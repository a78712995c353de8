"""Partners (合作机构) as staff keep them: keys by two people, addresses, and what is in force.

A key's secret is encrypted in SQL and shown once, to whoever made it. Two keys count at a time, so
that a bank changes its tills over before the old one is retired.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend import clock
from backend.domain import partners as rules
from backend.domain.errors import NotFound
from backend.domain.partners import (
    MAX_ACTIVE_KEYS,
    PartnerExists,
    PartnerInvalid,
    PartnerKeyNotProposed,
    PartnerKeysFull,
    PartnerKeyTaken,
)
from backend.domain.second_person import refuse_own_work
from backend.extensions import db
from backend.services import audit
from backend.services.listings import Listing
from backend.services.personal_data import vault
from backend.storage.models.partners import Partner, PartnerAddress, PartnerKey
from backend.storage.sql import transaction


@dataclass(frozen=True, kw_only=True)
class PartnerShown:
    """A partner with its keys, the newest last, and its networks."""

    partner: Partner
    keys: tuple[PartnerKey, ...]
    networks: tuple[str, ...]

    @property
    def last_call_at(self) -> datetime | None:
        """When the last call was believed, to a minute; None before the first."""
        return max((key.last_call_at for key in self.keys if key.last_call_at), default=None)


def add(partner_id: str, *, name: str, actor: str) -> None:
    """Enter a partner; the same again changes nothing. It has no key and no address yet.

    :param partner_id: the code by which its daily files are named, such as BANK01
    """
    rules.check_partner(partner_id=partner_id, name=name)
    with transaction() as session:
        known = session.get(Partner, partner_id)
        if known is not None:
            if known.name != name:
                raise PartnerExists(partner_id)
            return
        session.add(Partner(id=partner_id, name=name, added_by=actor, added_at=clock.now()))
        audit.record(session, actor=actor, action="partner.add", subject=partner_id, name=name)


def refuse_unknown(partner_id: str) -> None:
    """Raise NotFound for a partner that nobody has entered."""
    if db.session().get(Partner, partner_id) is None:
        raise NotFound(f"partner {partner_id[:40]!r}")
    db.session.close()


def new_key(partner_id: str, key_id: str, *, actor: str, secret: str | None = None) -> str:
    """Make a key that waits for a second person; return its secret, 64 hex digits.

    The same maker may ask again while it waits, and is told the same secret.
    :param secret: by default 32 random bytes
    """
    rules.check_key_id(key_id)
    if secret is not None and not rules.SECRET.fullmatch(secret):
        raise PartnerInvalid("the secret is not 64 hex digits")
    with transaction() as session:
        _known(session, partner_id)
        known = session.get(PartnerKey, key_id)
        if known is not None:
            mine = (known.partner_id, known.state, known.proposed_by)
            if mine != (partner_id, "proposed", actor):
                raise PartnerKeyTaken(key_id)
            return vault().decrypt(known.secret_encrypted)
        made = secret or secrets.token_hex(32)
        session.add(
            PartnerKey(
                id=key_id,
                partner_id=partner_id,
                secret_encrypted=vault().encrypt(made),
                proposed_by=actor,
                proposed_at=clock.now(),
            )
        )
        _record(session, partner_id, "partner.new_key", key_id, actor=actor)
    return made


def confirm_key(partner_id: str, key_id: str, *, actor: str) -> None:
    """Put a key into force, by another person than who made it; at most two are at a time."""
    try:
        with transaction() as session:
            _known(session, partner_id)  # its row is locked: confirmations follow each other
            key = _key(session, partner_id, key_id)
            if key.state == "active" and key.confirmed_by == actor:
                return
            if key.state != "proposed":
                raise PartnerKeyNotProposed(key_id)
            refuse_own_work(made_by=key.proposed_by, checked_by=actor)
            taken = set(
                session.scalars(
                    select(PartnerKey.slot).where(
                        PartnerKey.partner_id == partner_id, PartnerKey.state == "active"
                    )
                )
            )
            free = [slot for slot in range(1, MAX_ACTIVE_KEYS + 1) if slot not in taken]
            if not free:
                raise PartnerKeysFull(partner_id)
            key.state, key.slot = "active", free[0]
            key.confirmed_by, key.confirmed_at = actor, clock.now()
            _record(session, partner_id, "partner.confirm_key", key_id, actor=actor)
    except IntegrityError as error:  # another key was confirmed at the same moment
        raise PartnerKeysFull(partner_id) from error


def retire_key(partner_id: str, key_id: str, *, actor: str, reason: str | None = None) -> None:
    """End a key at once, also one that waits; again changes nothing. One person is enough."""
    with transaction() as session:
        key = _key(session, partner_id, key_id)
        if key.state == "retired":
            return
        key.state, key.slot = "retired", None
        key.retired_by, key.retired_at = actor, clock.now()
        _record(session, partner_id, "partner.retire_key", key_id, actor=actor, reason=reason)


def allow(partner_id: str, network: str, *, actor: str) -> str:
    """Let a partner call from an address or a range; return it as it is written in the list."""
    spelled = rules.network(network)
    with transaction() as session:
        _known(session, partner_id)
        if session.get(PartnerAddress, (partner_id, spelled)) is None:
            session.add(
                PartnerAddress(
                    partner_id=partner_id, network=spelled, added_by=actor, added_at=clock.now()
                )
            )
            _record(session, partner_id, "partner.allow", spelled, actor=actor)
    return spelled


def disallow(partner_id: str, network: str, *, actor: str, reason: str | None = None) -> str:
    """Let a partner call from there no more; NotFound for what is not in its list."""
    spelled = rules.network(network)
    with transaction() as session:
        removed = session.scalars(
            delete(PartnerAddress)
            .where(PartnerAddress.partner_id == partner_id, PartnerAddress.network == spelled)
            .returning(PartnerAddress.network)
        ).all()
        if not removed:
            raise NotFound(f"{spelled} of {partner_id[:40]!r}")
        _record(session, partner_id, "partner.disallow", spelled, actor=actor, reason=reason)
    return spelled


def list_all() -> list[PartnerShown]:
    """Return all partners with their keys and networks. No secret is among it."""
    return list(listing().each())


def listing() -> Listing[PartnerShown]:
    """Return the same as a list page wants it."""
    return Listing(select(Partner).order_by(Partner.id), lambda row: _shown(row[0]))


def get(partner_id: str) -> PartnerShown:
    """Return one partner with its keys and networks, or raise NotFound."""
    partner = db.session.get(Partner, partner_id)
    if partner is None:
        raise NotFound(f"partner {partner_id[:40]!r}")
    return _shown(partner)


def _shown(partner: Partner) -> PartnerShown:
    session = db.session()
    keys = session.scalars(
        select(PartnerKey)
        .where(PartnerKey.partner_id == partner.id)
        .order_by(PartnerKey.proposed_at, PartnerKey.id)
    )
    return PartnerShown(partner=partner, keys=tuple(keys), networks=networks(session, partner.id))


def networks(session: Session, partner_id: str) -> tuple[str, ...]:
    """Return the networks that a partner may call from."""
    return tuple(
        session.scalars(
            select(PartnerAddress.network)
            .where(PartnerAddress.partner_id == partner_id)
            .order_by(PartnerAddress.network)
        )
    )


def _known(session: Session, partner_id: str) -> None:
    if session.get(Partner, partner_id, with_for_update=True) is None:
        raise NotFound(f"partner {partner_id[:40]!r}")


def _key(session: Session, partner_id: str, key_id: str) -> PartnerKey:
    key = session.get(PartnerKey, key_id, with_for_update=True)
    if key is None or key.partner_id != partner_id:
        raise NotFound(f"key {key_id[:60]!r} of {partner_id[:40]!r}")
    return key


def _record(
    session: Session,
    partner_id: str,
    action: str,
    what: str,
    *,
    actor: str,
    reason: str | None = None,
) -> None:
    audit.record(session, actor=actor, action=action, subject=partner_id, what=what, reason=reason)
